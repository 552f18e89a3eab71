"""Start, stop, restart, history, context."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.context import import_facts
from service.errors import StartError
from service.export import export
from service.secret import secret_of
from service.store.database import Database
from tests.service.client import Service, finding, until
from tests.service.test_scorer import features

AFTER = "2023-11-15T00:00:00Z"


def step(service: Service, i: int) -> None:
    """One alert, every third time with a verdict, sometimes changed."""
    assert service.post(finding(f"a{i}", rule=f"r{i % 4}", host=f"h{i % 3}", seconds=30 * i)).status_code == 201
    if i % 3 == 0:
        service.post({"alert_uid": f"a{i}", "verdict": "true_positive", "time": AFTER}, "/v1/labels")
    if i % 6 == 0:
        service.post({"alert_uid": f"a{i}", "verdict": "false_positive", "time": AFTER}, "/v1/labels")


@pytest.mark.parametrize("snapshots", [True, False])
def test_features_after_a_restart_are_those_without(tmp_path: Path, snapshots: bool) -> None:
    var = tmp_path / "restarted"
    var.mkdir()
    with Service(tmp_path / "plain") as service:
        (var / "secret.key").write_bytes(service.settings.secret.read_bytes())
        for i in range(24):
            step(service, i)
        wanted = features(service)
    for start in range(0, 24, 6):
        with Service(var) as service:
            for i in range(start, start + 6):
                step(service, i)
            found = features(service)
        if not snapshots:
            for path in service.settings.state.glob("*.npz"):
                path.unlink()
    assert found.tobytes() == wanted.tobytes()


def test_a_damaged_snapshot_is_left_aside(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        step(service, 0)
    snapshots = list(service.settings.state.glob("*.npz"))
    assert snapshots
    for path in snapshots:
        path.write_bytes(path.read_bytes()[:100])
    with Service(tmp_path) as service:
        step(service, 1)


def test_a_second_service_on_the_database_is_refused(service: Service) -> None:
    with pytest.raises(StartError, match="in use"):
        Database(service.settings.database, bytes(32))


def test_a_damaged_database_is_a_clear_error(tmp_path: Path) -> None:
    service = Service(tmp_path)
    secret_of(service.settings)
    service.settings.database.write_bytes(b"not a database " * 1000)
    with pytest.raises(StartError, match=r"tamis\.db"):
        service.__enter__()


def test_a_history_is_folded_in_once_and_survives(tmp_path: Path) -> None:
    with Service(tmp_path / "old") as service:
        secret = service.settings.secret.read_bytes()
        for i in range(12):
            step(service, i)
        out = tmp_path / "history"
        export(service.settings, out, None)
        service.post(finding("next", rule="r1", host="h1", seconds=1000))
        wanted = features(service)[-1]
    var = tmp_path / "new"
    var.mkdir()
    (var / "secret.key").write_bytes(secret)
    for _ in range(2):
        with Service(var, history=out) as service:
            pass
    with Service(var, history=out) as service:
        service.post(finding("next", rule="r1", host="h1", seconds=1000))
        assert features(service)[-1].tobytes() == wanted.tobytes()


def test_context_is_read_while_running(tmp_path: Path) -> None:
    file = tmp_path / "assets.csv"
    file.write_text("uid,criticality,valid_from\nh1,4,2023-01-01T00:00:00Z\n")
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        service.post(finding("before"))
        known = service.host.encoder.context
        import_facts(service.settings.context, "assets", file, "acme", datetime.now(UTC))
        until(service, lambda: service.host.encoder.context is not known)
        service.post(finding("after"))
        before, after = features(service)
    assert before.tobytes() != after.tobytes()


def test_a_context_is_called_known_when_all_that_was_decided_without_it_is_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the watch, which matches the past with a new indicator, would pass over alerts of the batch in which it became known."""
    (tmp_path / "assets.csv").write_text("uid,criticality\nh1,4\n")
    with Service(tmp_path / "var", poll_seconds=3600.0) as service:
        writer, before, known = service.host.database.writer, service.host._context_stamp, service.host.encoder.context
        commit, at_commit = writer.commit, list[tuple[str, ...]]()

        def noted() -> None:
            if service.host.encoder.context is not known:
                at_commit.append(service.host._context_stamp)
            commit()

        monkeypatch.setattr(writer, "commit", noted)
        import_facts(service.settings.context, "assets", tmp_path / "assets.csv", "acme", datetime.now(UTC))
        service.run(service.host._look_at_context())
        assert at_commit[0] == before
        assert service.host._context_stamp != before
