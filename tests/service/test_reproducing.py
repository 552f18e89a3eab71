"""Decisions are reproduced bit for bit from their records, across bundles and versions of the live policy."""

from __future__ import annotations

import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import pytest
from typer.testing import CliRunner

from features.alert import EntityKind
from models.audit import Audit
from models.bundle_files import model_digest, read_parts, write_bundle
from models.bundle_store import BundleStore
from models.certificates.certifier import certify
from models.certificates.objective import DEFAULT_OBJECTIVE, Objective
from models.decision import BlastRadius
from models.live_policy import Cap, Condition, LivePolicy, NeverSuppress, NeverTouch, Stop
from models.policy import ThresholdPolicy
from models.policy_store import PolicyStore
from service.commands import app
from service.reproducing import Reproduced, read_records, reproduce
from tests.proofs import calibration, units
from tests.service.bundles import AUDIT_LINE, automate, make_bundle, publish
from tests.service.client import Service, finding
from tests.service.closure.cases import report, told
from tests.service.closure.test_returning import noisy

EACH = 400
AUDITED = Audit(rate=0.3, daily=1.0, line=AUDIT_LINE)


def alerts(start: int, count: int = EACH) -> list[dict[str, object]]:
    return [
        finding(f"a{i}", rule=f"r{1 + (i % 4 == 0) * (i % 3)}", host=f"h{i % 5}", seconds=20 * i, severity_id=1 + i % 4)
        for i in range(start, start + count)
    ]


def replayed(service: Service, last: int | None = None) -> Reproduced:
    with read_records(service.settings) as connection:
        return reproduce(connection, service.settings, service.settings.secret.read_bytes(), last)


@pytest.fixture
def served(tmp_path: Path) -> Service:
    """A service that decided without a bundle, then by three, under several versions of the live policy, and has stopped."""
    var, store = tmp_path / "var", PolicyStore(tmp_path / "var" / "policy")
    with Service(var) as service:
        service.post(alerts(0))
    for seed in range(3):
        publish(var, tmp_path / "work", seed, audit=AUDITED)
        with Service(var) as service:
            for part in range(4):
                service.post(alerts(EACH * (1 + seed) + 100 * part, 100))
        guard = NeverSuppress(by=Condition.SEVERITY, value=str(4 - seed))
        cap = Cap(tier=BlastRadius.MINIMAL, most=3, window_seconds=3600.0)
        touch = NeverTouch(kind=EntityKind.HOST, uid="h1")
        store.change(
            lambda policy, guard=guard, cap=cap, touch=touch: msgspec.structs.replace(  # type: ignore[misc]
                policy, never_suppress=(guard,), caps=(cap,), never_touch=(touch,)
            ),
            by="test", time=datetime(2026, 1, 2, tzinfo=UTC),
        )  # fmt: skip
    return service


def test_all_are_reproduced_across_bundle_changes(served: Service) -> None:
    found = replayed(served)
    assert found.differs == []
    assert sorted(found.same.values()) == [EACH] * 4
    assert found.draws > 10
    last = replayed(served, 150)
    assert (last.differs, sum(last.same.values())) == ([], 200)  # from where the batch begins in which the first lies


def test_a_bundle_that_is_gone_is_named_and_the_rest_is_reproduced(served: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = sorted(path for path in served.settings.bundles.iterdir() if path.is_dir())[0]
    shutil.rmtree(gone)
    monkeypatch.setenv("TAMIS_VAR", str(served.settings.var))
    done = CliRunner().invoke(app, ["replay-decisions"])
    assert done.exit_code == 1
    assert done.output.count("its bundle is gone") == EACH
    assert f"{gone.name[:16]}  0 of {EACH} reproduced" in done.output
    assert f"no bundle         {EACH} of {EACH} reproduced" in done.output


def test_a_record_that_was_changed_is_not_reproduced(served: Service) -> None:
    connection = sqlite3.connect(served.settings.database)
    connection.execute("DROP TRIGGER decisions_no_update")
    connection.execute("UPDATE decisions SET score = score + 1e-16 * score + 1e-15 WHERE id = 900")
    connection.execute("UPDATE decisions SET action = 'escalate' WHERE id = 901")
    connection.execute("UPDATE decisions SET certificate = 'x' WHERE id = 902")
    connection.commit()
    connection.close()
    assert [(one.row, one.why) for one in replayed(served).differs] == [
        (900, "score came out differently"),
        (901, "action came out differently"),
        (902, "certificate came out differently"),
    ]


def test_erased_alerts_and_later_revisions_are_reproduced_too(audited: Service) -> None:
    uid, hidden, queued = noisy(audited)
    report(audited, uid, told("o1", status="failed"))
    for alert in (*hidden[:2], *queued):
        assert audited.send("DELETE", f"/v1/alerts/{alert}").status_code == 204
    found = replayed(audited)
    assert (found.differs, found.revisions) == ([], len(hidden))
    assert sum(found.same.values()) == sum(found.looked_at.values()) > len(hidden)


def test_under_stops_and_modes(tmp_path: Path) -> None:
    publish(tmp_path / "var", tmp_path / "work", audit=AUDITED)
    store = PolicyStore(tmp_path / "var" / "policy")
    with Service(tmp_path / "var") as service:
        service.post(alerts(0, 100))

        def stop(policy: LivePolicy) -> LivePolicy:
            return msgspec.structs.replace(policy, stops=(Stop(by="test", time=datetime(2026, 1, 2, tzinfo=UTC)),))

        store.change(stop, by="test", time=datetime(2026, 1, 2, tzinfo=UTC))
        stopped = service.post(alerts(100, 100)).json()["decisions"]
        assert any("kill_switch" in one["reason_codes"] for one in stopped)
        found = replayed(service)
        assert (found.differs, sum(found.same.values())) == ([], 200)
        for path in store.root.glob("00000002.json"):
            path.unlink()
        assert {one.why.split(": ")[-1] for one in replayed(service).differs} == {"this version of the live policy is gone"}


def responding(path: Path) -> None:
    """Write a bundle that also responds to what scores high."""
    make_bundle(path, columns=("severity",), limit=2.5)
    manifest, parts, _ = read_parts(path)
    known = msgspec.structs.replace(
        calibration([0.9] * 500, manifest.window, model_digest(manifest.files)),
        responses=units(np.linspace(0.2, 1.0, 500).tolist()),
    )
    aims = [Objective.parse(DEFAULT_OBJECTIVE), Objective.parse("maximum minimal response @ precision >= 0.95, confidence 0.95")]
    certificates = tuple(certify(known, aims))
    parts |= {
        "policy.json": msgspec.json.encode(ThresholdPolicy(certificates=certificates, escalate_from=None)),
        "units.json": msgspec.json.encode(known),
    }
    about = {name: getattr(manifest, name) for name in ("view", "run", "window", "labels", "data")}
    write_bundle(path, parts, **about)


def test_responses_are_counted_as_they_were(tmp_path: Path) -> None:
    """What a cap leaves room for follows from the responses before, of earlier batches and of the same."""
    var = tmp_path / "var"
    responding(tmp_path / "work")
    BundleStore(var / "bundles").publish(tmp_path / "work", by="test", time=datetime.now(UTC))
    automate(var)
    cap = Cap(tier=BlastRadius.MINIMAL, most=30, window_seconds=3600.0)
    PolicyStore(var / "policy").change(
        lambda policy: msgspec.structs.replace(policy, caps=(cap,)), by="test", time=datetime(2026, 1, 2, tzinfo=UTC)
    )
    with Service(var) as service:
        made = [one for part in range(6) for one in service.post(alerts(20 * part, 20)).json()["decisions"]]
        found = replayed(service)
    assert sum(one["action"] == "respond" for one in made) == 30
    assert any("response_cap" in one["reason_codes"] for one in made)
    assert (found.differs, sum(found.same.values())) == ([], 120)
