"""The scorer: what happens when storage fails, and when too much waits."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from service.errors import StartError
from service.jobs import AlertsJob, CallJob
from service.keys import KeyStore, Role
from service.store.database import Database
from service.store.tables import decisions
from tests.service.client import Service, finding, until


def features(service: Service) -> NDArray[np.float64]:
    """Return the feature rows of all decisions, in order."""
    with service.host.database.engine.connect() as connection:
        rows = connection.execute(select(decisions.c.features).order_by(decisions.c.alert_seq)).scalars().all()
    return np.array([np.frombuffer(row) for row in rows])


def break_commits(monkeypatch: pytest.MonkeyPatch, service: Service, times: int) -> None:
    """Let the next ``times`` batches fail at the insertion of their rows, as on a full disk."""
    left, insert = [times], Database.insert

    def fail(self: Database, *rows: object) -> None:
        insert(self, *rows)  # type: ignore[arg-type]
        if left[0]:
            left[0] -= 1
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr(Database, "insert", fail)


def full() -> None:
    """Fail as a commit does on a full disk."""
    raise OperationalError("COMMIT", {}, Exception("database or disk is full"))


def test_a_failed_commit_takes_nothing_and_the_state_does_not_drift(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(tmp_path / "plain") as plain:
        for i in range(6):
            plain.post(finding(f"a{i}", seconds=60 * i))
        wanted = features(plain)
    with Service(tmp_path / "broken") as service:
        for i in range(3):
            service.post(finding(f"a{i}", seconds=60 * i))
        break_commits(monkeypatch, service, 1)
        answer = service.post(finding("lost", seconds=150))
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        assert service.send("GET", "/v1/alerts/lost").status_code == 404
        for i in range(3, 6):
            assert service.post(finding(f"a{i}", seconds=60 * i)).status_code == 201
        assert features(service).tobytes() == wanted.tobytes()


def test_readiness_says_that_storage_fails(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:  # for all who write, or one of them finds that it works again
        broken.setattr(service.host.database.writer, "commit", full)
        service.post(finding("a"))
        assert service.send("GET", "/readyz").status_code == 503
        assert service.send("GET", "/healthz").status_code == 200
    service.post(finding("a"))
    assert service.send("GET", "/readyz").status_code == 200


def test_a_rule_first_seen_in_a_failed_batch_survives_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(tmp_path) as service:
        commit = service.host.database.writer.commit
        monkeypatch.setattr(
            service.host.database.writer,
            "commit",
            lambda: (_ for _ in ()).throw(OperationalError("COMMIT", {}, Exception("full"))),
        )
        assert service.post(finding("a", rule="new")).status_code == 503
        monkeypatch.setattr(service.host.database.writer, "commit", commit)
        assert service.post(finding("a", rule="new")).status_code == 201
    for snapshot in (tmp_path / "service" / "state").glob("*.npz"):
        snapshot.unlink()
    with Service(tmp_path) as service:
        assert service.post(finding("b", rule="new")).status_code == 201


def test_keys_are_still_looked_at_after_storage_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A failed batch also fails what waited with it between two batches; that must not end the watching."""
    with Service(tmp_path, snapshot_facts=1, poll_seconds=0.05) as service:
        good = service.host.database.writer.commit
        monkeypatch.setattr(
            service.host.database.writer,
            "commit",
            lambda: (_ for _ in ()).throw(OperationalError("COMMIT", {}, Exception("full"))),
        )
        service.host.scorer.seq += 10  # a snapshot is due
        until(service, lambda: "keeping current failed" in caplog.text)
        monkeypatch.setattr(service.host.database.writer, "commit", good)
        store = KeyStore(service.settings.keys)
        key = store.create(Role.ANALYST, "acme", "late")
        until(service, lambda: service.send("GET", "/v1/queue", key).status_code == 200)


def test_overload_takes_nothing(tmp_path: Path) -> None:
    with Service(tmp_path, max_waiting_alerts=10) as service:
        bodies = [msgspec.json.encode([finding(f"{n}-{i}") for i in range(8)]) for n in range(6)]
        answers = service.send_held([("POST", "/v1/alerts", body) for body in bodies])
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {200, 503}
        assert service.host.database.last_seq() == 8 * statuses.count(200)


def test_many_at_once_equal_one_by_one(tmp_path: Path) -> None:
    records = [finding(f"a{i}", rule=f"r{i % 5}", host=f"h{i % 3}", seconds=i) for i in range(200)]
    with Service(tmp_path / "batch") as service:
        service.post(records)
        together = features(service)
    with Service(tmp_path / "singles") as service:
        for record in records:
            service.post(record)
        assert features(service).tobytes() == together.tobytes()


def test_a_request_called_off_does_not_stop_the_scorer(service: Service) -> None:
    ready, job = threading.Event(), AlertsJob("acme", [])

    def wait() -> None:
        ready.wait(5)

    service.host.scorer.submit(CallJob(wait))
    service.host.scorer.submit(job)
    assert job.future.cancel()
    ready.set()
    assert service.post(finding("a")).status_code == 201


def test_a_failing_call_does_not_fail_the_alerts_beside_it(service: Service) -> None:
    def fail() -> None:
        raise StartError("no")

    job = CallJob(fail)
    service.host.scorer.submit(job)
    assert service.post(finding("a")).status_code == 201
    with pytest.raises(StartError):
        job.future.result(5)
