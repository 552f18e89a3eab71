"""The live policy in the running service: in force from the next batch on, and a damaged version changes nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine

from models.audit import Audit
from models.decision import BlastRadius
from models.live_policy import Cap, Mode
from models.policy_store import PolicyStore
from service.keys import Role
from service.policy_edits import merged, resume, stop
from service.store.responses import responses
from service.store.tables import alerts, decisions, metadata
from tests.conftest import START
from tests.models.test_policy_store import unopened
from tests.service.bundles import automate, publish
from tests.service.client import Service, finding

NONE = Audit(rate=0.0)


def decide(service: Service, prefix: str, count: int = 40) -> list[dict[str, Any]]:
    """Post alerts of one rule on one host, soon habitual; return their decisions."""
    records = [finding(f"{prefix}{i}", seconds=60.0 * i) for i in range(count)]
    found: list[dict[str, Any]] = service.post(records).json()["decisions"]
    return found


def published(decisions: list[dict[str, Any]]) -> set[str]:
    return {d["published_action"] for d in decisions}


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """Where a bundle that suppresses, and audits nothing, is champion, and ``acme`` is let out."""
    publish(tmp_path / "var", tmp_path / "work", audit=NONE)
    return tmp_path / "var"


def store(var: Path) -> PolicyStore:
    return PolicyStore(var / "policy")


def test_a_tenant_of_which_nothing_was_said_is_in_shadow(tmp_path: Path) -> None:
    publish(tmp_path / "var", tmp_path / "work")
    with Service(tmp_path / "var") as service:
        automate(tmp_path / "var", mode=Mode.SHADOW)
        made = decide(service, "a")
    would = [d for d in made if d["action"] == "suppress"]
    assert would
    assert published(made) == {"queue"}
    assert all(d["reason_codes"] == ["below_threshold", "shadow"] for d in would)
    assert not any("shown" in d or "audit" in d["reason_codes"] for d in made)


def test_a_stop_is_in_force_in_the_next_batch(quiet: Path) -> None:
    with Service(quiet) as service:
        assert "suppress" in published(decide(service, "a"))
        stopped = store(quiet).change(stop("", "ann", START), by="ann", time=START)
        made = decide(service, "b")
        assert published(made) == {"queue"}
        assert any(d["reason_codes"] == ["below_threshold", "kill_switch"] for d in made)
        assert {d["policy"] for d in made} == {stopped.digest}
        store(quiet).change(resume(""), by="ann", time=START)
        assert "suppress" in published(decide(service, "c"))


def test_a_damaged_version_leaves_the_last_good_one_in_force_and_is_seen(quiet: Path) -> None:
    with Service(quiet) as service:
        before = decide(service, "a")[0]["policy"]
        (quiet / "policy" / "00000002.json").write_bytes(b'{"format": 2, "version": 2}')
        made = decide(service, "b")
        assert "suppress" in published(made)
        assert {d["policy"] for d in made} == {before}
        assert service.send("GET", "/readyz").json()["policy_refused"] is True
        assert "tamis_policy_refused 1.0" in service.send("GET", "/metrics").text
        store(quiet).change(stop("", "ann", START), by="ann", time=START, whatever=True)
        assert published(decide(service, "c")) == {"queue"}
        assert service.send("GET", "/readyz").json()["policy_refused"] is False


def test_while_the_newest_cannot_be_opened_nothing_is_automated_and_it_is_in_force_as_soon_as_it_can(
    quiet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Service(quiet) as service:
        assert "suppress" in published(decide(service, "a"))
        with monkeypatch.context() as shut:
            shut.setattr(Path, "read_bytes", unopened("00000002.json"))
            store(quiet).change(stop("", "ann", START), by="ann", time=START)
            made = decide(service, "b")
            assert published(made) == {"queue"}
            assert any("policy_unreadable" in d["reason_codes"] for d in made)
            assert service.send("GET", "/readyz").json()["policy_refused"] is True
        made = decide(service, "c")
        assert published(made) == {"queue"}
        assert any("kill_switch" in d["reason_codes"] for d in made)
        assert service.send("GET", "/readyz").json()["policy_refused"] is False


def test_while_versions_cannot_even_be_listed_alerts_are_queued_and_nothing_is_automated(
    quiet: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As when the folder's rights or its disk are gone: what was said since may be a stop."""
    with Service(quiet) as service:
        assert "suppress" in published(decide(service, "a"))
        with monkeypatch.context() as shut:
            shut.setattr(os, "listdir", shut_out(quiet / "policy"))
            shut.setattr(PolicyStore, "stamp", lambda _store, _version: None)
            live = service.host.scorer.live
            assert live.current() is None, "for who decides beside the scorer, before it has looked"
            made = decide(service, "b")
            assert published(made) == {"queue"}
            assert any("policy_unreadable" in d["reason_codes"] for d in made)
            decide(service, "c")
            assert live.current() is None
            assert service.send("GET", "/readyz").json()["policy_refused"] is True
            assert sum("nothing is automated" in one.getMessage() for one in caplog.records) == 1
        assert "suppress" in published(decide(service, "d"))
        assert service.send("GET", "/readyz").json()["policy_refused"] is False


def shut_out(of: Path) -> Callable[[Path], list[str]]:
    """Return a way to list folders by which one of them cannot be listed."""
    listdir = os.listdir

    def listed(folder: Path) -> list[str]:
        if Path(folder) == of:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return listdir(folder)

    return listed


def test_a_version_in_place_of_one_that_was_removed_is_taken_up(quiet: Path) -> None:
    with Service(quiet) as service:
        (quiet / "policy" / "00000002.json").write_bytes(b"{")
        assert "suppress" in published(decide(service, "a"))
        (quiet / "policy" / "00000002.json").unlink()
        store(quiet).change(stop("", "ann", START), by="ann", time=START)
        assert published(decide(service, "b")) == {"queue"}


def test_where_no_version_can_be_read_nothing_is_automated(quiet: Path) -> None:
    (quiet / "policy" / "00000001.json").write_bytes(b"{")
    with Service(quiet) as service:
        made = decide(service, "a")
        assert published(made) == {"queue"}
        assert any("policy_unreadable" in d["reason_codes"] for d in made)
        assert not any("policy" in d for d in made)


def test_a_restart_starts_from_the_last_good_one(quiet: Path) -> None:
    (quiet / "policy" / "00000002.json").write_bytes(b"{")
    with Service(quiet) as service:
        assert "suppress" in published(decide(service, "a"))
        assert service.send("GET", "/readyz").json()["policy_refused"] is True


def test_a_champion_without_a_certificate_brings_the_mode_down(tmp_path: Path) -> None:
    publish(tmp_path / "var", tmp_path / "work")
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        ann = service.keys[Role.ANALYST]
        assert service.send("GET", "/v1/policy", ann).json()["mode"] == "automate"
        digest = publish(tmp_path / "var", tmp_path / "other", seed=2, units=40)
        while service.send("GET", "/v1/thresholds").json()["bundle"] != digest:
            service.sleep(0.1)
        seen = service.send("GET", "/v1/policy", ann).json()
        assert published(decide(service, "a")) == {"queue"}
    assert (seen["mode"], [(m["mode"], m["effect"], m["why"]) for m in seen["modes"]]) == (
        "shadow", [("automate", "shadow", "no_certificate")],
    )  # fmt: skip


def test_an_analyst_who_has_not_judged_sees_what_was_published(quiet: Path) -> None:
    automate(quiet, mode=Mode.ADVISE)
    with Service(quiet) as service:
        made = decide(service, "a")
        assert {"suppress"} < {d["action"] for d in made}
        ann = service.keys[Role.ANALYST]
        items = service.send("GET", "/v1/queue?limit=500", ann).json()["alerts"]
        assert len(items) == len(made)
        seen = [service.send("GET", f"/v1/decisions/{d['alert_uid']}", ann).json() for d in made]
        for decision in [*seen, *(item["decision"] for item in items)]:
            assert decision["action"] == "queue"
            assert not {"reason_codes", "certificate", "tier", "score", "shown"} & {k for k, v in decision.items() if v}


def test_what_is_published_as_queue_draws_no_lot(tmp_path: Path) -> None:
    publish(tmp_path / "var", tmp_path / "work", audit=Audit(rate=0.3, daily=1.0))
    automate(tmp_path / "var", mode=Mode.ADVISE)
    with Service(tmp_path / "var") as service:
        made = decide(service, "a")
        uid = next(d["alert_uid"] for d in made if d["action"] == "suppress")
        label = service.post({"alert_uid": uid, "verdict": "false_positive"}, "/v1/labels").json()
    assert not any("shown" in d or "audit" in d["reason_codes"] for d in made)
    assert "shown" not in label


def test_responses_on_record_are_found_since_a_time() -> None:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    made = [("acme", "respond", "minimal", 100.0), ("acme", "respond", "major", 200.0), ("acme", "queue", "", 300.0),
            ("other", "respond", "minimal", 350.0), ("acme", "respond", "minimal", 400.0)]  # fmt: skip
    with engine.connect() as connection:
        assert responses(connection, "acme", 0.0) == []
        for seq, (tenant, action, tier, time) in enumerate(made, 1):
            given = {"uid": str(seq), "received": time, "digest": b"", "payload": b"", "fact": b""}
            connection.execute(alerts.insert().values(seq=seq, tenant=tenant, **given))
            decided = {"action": action, "tier": tier, "time": time, "published_action": action, "bundle": "", "features": b""}
            connection.execute(
                decisions.insert().values(id=3 * seq, alert_seq=seq, revision=1, priority=0, reason_codes="", **decided)
            )
        assert responses(connection, "acme", 150.0) == [(200.0, "major"), (400.0, "minimal")]
        assert responses(connection, "acme", 500.0) == []
        assert responses(connection, "third", 0.0) == []
        assert len(responses(connection, "acme", 0.0)) == 3


def test_an_edit_takes_the_place_of_what_was_said_of_the_same() -> None:
    first, second = (Cap(tenant="acme", tier=BlastRadius.MINIMAL, most=n, window_seconds=1.0) for n in (1, 2))
    elsewhere = Cap(tier=BlastRadius.MINIMAL, most=3, window_seconds=1.0)
    assert merged((first, elsewhere), (second,)) == (second, elsewhere)
