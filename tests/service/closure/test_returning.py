"""Suppressed alerts come back when their incident escalates."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from features.history import read_decisions
from models.audit import Audit
from service.closure import closer, returning
from service.export import export
from service.keys import Role
from service.store.tables import queue
from tests.service.bundles import AUDIT_LINE, publish
from tests.service.client import Service, finding, until
from tests.service.closure.cases import QUIET, attack, raised, report, revisions, sent, status_of, told
from tests.service.incidents.alerts import post


def suppressing(tmp_path: Path, **settings: Any) -> Service:
    """A service with a model that suppresses, and audits some of that."""
    publish(tmp_path / "var", tmp_path / "work", audit=Audit(rate=0.3, daily=1.0, line=AUDIT_LINE))
    return Service(tmp_path / "var", **settings)


def noisy(service: Service) -> tuple[str, list[str], list[str]]:
    """Raise an incident of which most alerts were suppressed; return it, those, and the others of the same rule."""
    records = [finding(f"n{i}", rule="r1", host="ws-1", seconds=20 * i) for i in range(40)]
    decided = service.post(records).json()["decisions"]
    hidden = [one["alert_uid"] for one in decided if one["action"] == "suppress"]
    uid = raised(service, attack("a", seconds=900))
    assert hidden
    return uid, hidden, [one["alert_uid"] for one in decided if one["action"] == "queue"]


def waiting(service: Service) -> int:
    with service.host.database.engine.connect() as connection:
        return len(connection.execute(select(queue.c.alert_seq)).all())


def test_they_come_back_as_new_revisions(tmp_path: Path) -> None:
    with suppressing(tmp_path) as service:
        uid, hidden, queued = noisy(service)
        before, first = waiting(service), service.send("GET", f"/v1/decisions/{hidden[0]}").json()
        report(service, uid, told("o1", status="failed"))
        assert {tuple(revisions(service, alert)) for alert in hidden} == {
            ((1, "suppress", "below_threshold"), (2, "queue", "incident_escalated"))
        }
        assert all(len(revisions(service, alert)) == 1 for alert in [*queued, "a"])
        assert waiting(service) == before + len(hidden)
        now = service.send("GET", f"/v1/decisions/{hidden[0]}").json()
        assert (now["action"], now["revision"], now["supersedes"]) == ("queue", 2, first["uid"])
        assert (now["score"], now["priority"], now["bundle"]) == (first["score"], first["priority"], first["bundle"])
        assert now["reasons"] == first["reasons"]
        assert "shown" not in now
        assert (
            service.post([finding(hidden[0], rule="r1", host="ws-1", seconds=20 * int(hidden[0][1:]))]).json()["decisions"][0][
                "revision"
            ]
            == 2
        )


def test_what_was_judged_does_not_wait_again(tmp_path: Path) -> None:
    with suppressing(tmp_path) as service:
        uid, hidden, _ = noisy(service)
        service.post({"alert_uid": hidden[0], "verdict": "false_positive"}, "/v1/labels", service.keys[Role.ANALYST])
        before = waiting(service)
        report(service, uid, told("o1", status="failed"))
        assert len(revisions(service, hidden[0])) == 2
        assert waiting(service) == before + len(hidden) - 1


def test_one_that_is_contested_waits_already(tmp_path: Path) -> None:
    with suppressing(tmp_path) as service:
        uid, hidden, _ = noisy(service)
        for role, verdict in ((Role.ANALYST, "true_positive"), (Role.ADMIN, "false_positive")):
            service.post({"alert_uid": hidden[0], "verdict": verdict}, "/v1/labels", service.keys[role])
        before = waiting(service)
        report(service, uid, told("o1", status="failed"))
        assert {len(revisions(service, alert)) for alert in hidden} == {2}
        assert waiting(service) == before + len(hidden) - 1


def test_of_a_closed_incident_they_come_back_too(tmp_path: Path) -> None:
    with suppressing(tmp_path, **QUIET) as service:
        uid, hidden, _ = noisy(service)
        report(service, uid, told("o1"))
        assert status_of(service, uid) == "closed"
        assert len(revisions(service, hidden[0])) == 1
        report(service, uid, told("o2", status="reverted", ago=30))
        assert status_of(service, uid) == "escalated"
        assert len(revisions(service, hidden[0])) == 2


def test_what_is_suppressed_later_comes_back_as_well(tmp_path: Path) -> None:
    with suppressing(tmp_path, poll_seconds=0.05) as service:
        uid, *_ = noisy(service)
        report(service, uid, told("o1", status="failed"))
        late = [finding(f"m{i}", rule="r1", host="ws-1", seconds=901 + i) for i in range(20)]
        hidden = [one["alert_uid"] for one in service.post(late).json()["decisions"] if one["action"] == "suppress"]
        assert hidden
        until(service, lambda: all(len(revisions(service, alert)) == 2 for alert in hidden))
        assert len(sent(service)) == 1


def test_other_incidents_keep_theirs(tmp_path: Path) -> None:
    with suppressing(tmp_path) as service:
        _, hidden, _ = noisy(service)
        other = raised(service, attack("b", host="elsewhere", seconds=9e6))
        report(service, other, told("o1", "isolate-host", "elsewhere", status="failed"))
        assert status_of(service, other) == "escalated"
        assert {len(revisions(service, alert)) for alert in hidden} == {1}


def test_all_is_written_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with suppressing(tmp_path, poll_seconds=0.05) as service:
        uid, hidden, _ = noisy(service)

        def broken(*_: object) -> None:
            raise SQLAlchemyError("the disk is full")

        monkeypatch.setattr(closer, "enqueue", broken)
        report(service, uid, told("o1", status="failed"))
        service.sleep(0.2)
        assert (status_of(service, uid), len(revisions(service, hidden[0])), sent(service)) == ("open", 1, [])
        monkeypatch.undo()
        until(service, lambda: status_of(service, uid) == "escalated")
        assert (len(revisions(service, hidden[0])), len(sent(service))) == (2, 1)


def test_an_export_holds_both_revisions(tmp_path: Path) -> None:
    with suppressing(tmp_path) as service:
        uid, hidden, _ = noisy(service)
        report(service, uid, told("o1", status="failed"))
        export(service.settings, tmp_path / "out", None)
    found = [row for row in read_decisions(tmp_path / "out") if row["alert_uid"] == hidden[0]]
    assert [(row["revision"], row["action"], row["reason_codes"]) for row in found] == [
        (1, "suppress", ["below_threshold"]),
        (2, "queue", ["incident_escalated"]),
    ]
    assert np.array_equal(found[0]["features"], found[1]["features"], equal_nan=True)


def test_after_a_restart_the_state_and_later_decisions_are_the_same(tmp_path: Path) -> None:
    with suppressing(tmp_path) as service:
        uid, hidden, _ = noisy(service)
        report(service, uid, told("o1", status="failed"))
        was = [service.send("GET", f"/v1/decisions/{alert}").json() for alert in hidden[:3]]
    with Service(tmp_path / "var") as service:
        assert [service.send("GET", f"/v1/decisions/{alert}").json() for alert in hidden[:3]] == was
        post(service, attack("z", host="ws-7", seconds=9e6))


def test_many_come_back_bit_by_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (closer, returning):
        monkeypatch.setattr(module, "MOST_AT_ONCE", 3)
    with suppressing(tmp_path, poll_seconds=0.05) as service:
        uid, hidden, _ = noisy(service)
        report(service, uid, told("o1", status="failed"))
        until(service, lambda: all(len(revisions(service, alert)) == 2 for alert in hidden))
        assert len(sent(service)) == 1
