"""Incidents close and escalate."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from models.closure.report import Report
from service.closure.gathering import Known
from service.keys import Role
from tests.service.client import Service, until
from tests.service.closure.cases import QUIET, attack, raised, report, sent, status_of, told
from tests.service.incidents.alerts import post


def test_a_failure_escalates_with_the_report_and_one_message(service: Service) -> None:
    uid = raised(service, attack("a"), attack("b", "T1071.001", seconds=60))
    assert report(service, uid, told("o1", status="failed")).status_code == 201
    assert status_of(service, uid) == "escalated"
    (message,) = sent(service)
    data = msgspec.json.decode(message.data)
    assert (message.kind, message.subject, message.tenant) == ("incident.escalated", uid, "acme")
    assert "last reported as failed" in message.summary
    assert data["report"].startswith(f"# Incident {uid}")
    assert "isolate-host" in data["report"]
    assert report(service, uid, told("o2", status="partial", ago=30)).status_code == 201
    service.run(service.host.closer.look())
    assert len(sent(service)) == 1


def later(service: Service, seconds: float) -> None:
    """Let so much time pass for what closes incidents."""
    service.host.closer._now = lambda: time.time() + seconds


def test_what_is_contained_closes_after_a_quiet_time(tmp_path: Path) -> None:
    with Service(tmp_path, quiet_seconds=600.0, poll_seconds=0.05) as service:
        uid = raised(service, attack("a"))
        report(service, uid, told("o1", ago=60.0))
        assert status_of(service, uid) == "open"
        later(service, 540.0)
        until(service, lambda: status_of(service, uid) == "closed")
        (message,) = sent(service)
        assert (message.kind, message.severity) == ("incident.closed", "info")


def test_a_missing_outcome_escalates_when_it_is_overdue(tmp_path: Path) -> None:
    with Service(tmp_path, outcome_seconds=600.0, poll_seconds=0.05) as service:
        uid = raised(service, attack("a"))
        report(service, uid, told("o1", "collect-forensics", ago=60.0))
        assert status_of(service, uid) == "open"
        later(service, 540.0)
        until(service, lambda: status_of(service, uid) == "escalated")
        assert "has not been reported" in sent(service)[0].summary


def test_a_new_alert_after_containment_escalates(tmp_path: Path) -> None:
    with Service(tmp_path, poll_seconds=0.05) as service:
        uid = raised(service, attack("a"))
        report(service, uid, {**told("o1"), "time": "2023-11-14T22:14:00Z"})  # 40 s after the alert
        post(service, attack("b", "T1071.001", seconds=120.0))
        until(service, lambda: status_of(service, uid) != "open")
        assert status_of(service, uid) == "escalated"


def test_verdicts_close_as_a_false_positive_and_open_again(tmp_path: Path) -> None:
    with Service(tmp_path, poll_seconds=0.05) as service:
        uid = raised(service, attack("a"))
        key = service.keys[Role.ANALYST]
        service.post({"alert_uid": "a", "verdict": "false_positive"}, "/v1/labels", key)
        until(service, lambda: status_of(service, uid) == "closed")
        found = service.send("GET", f"/v1/incidents/{uid}/report").json()
        assert found["resolution"]["false_positive"]
        service.post({"alert_uid": "a", "verdict": "true_positive"}, "/v1/labels", key)
        until(service, lambda: status_of(service, uid) == "escalated")
        assert [message.kind for message in sent(service)] == ["incident.closed", "incident.escalated"]


def test_an_escalated_incident_closes_once_it_is_mitigated(tmp_path: Path) -> None:
    with Service(tmp_path, **QUIET) as service:
        uid = raised(service, attack("a"))
        report(service, uid, told("o1", status="failed"))
        report(service, uid, told("o2", ago=30.0))
        assert status_of(service, uid) == "closed"
        assert [message.kind for message in sent(service)] == ["incident.escalated", "incident.closed"]


def test_outcomes_that_come_together_end_it_once(tmp_path: Path) -> None:
    with Service(tmp_path, **QUIET) as service:
        uid = raised(service, attack("a"))
        bodies = [told(f"o{n}", status=status) for n, status in enumerate(["failed", "partial", "reverted", "failed", "partial"])]
        answers = service.send_all([("POST", f"/v1/incidents/{uid}/outcomes", msgspec.json.encode(body)) for body in bodies])
        assert [answer.status_code for answer in answers] == [201] * 5
        assert status_of(service, uid) == "escalated"
        assert len(sent(service)) == 1


def test_a_plan_that_is_out_of_date_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(tmp_path, quiet_seconds=0.0, poll_seconds=60.0) as service:
        uid = raised(service, attack("a"))
        waits = asyncio.Event()
        change, calls = service.host.incidents.change, []

        async def slow(tenant: str, incident: str, revision: int | None, call: object) -> object:
            calls.append(revision)
            if len(calls) == 2:  # the plan that closes waits until a failure has been stored
                waits.set()
                while len(calls) < 3:
                    await asyncio.sleep(0.01)
                await asyncio.sleep(0.1)
            return await change(tenant, incident, revision, call)  # type: ignore[arg-type]

        monkeypatch.setattr(service.host.incidents, "change", slow)

        async def both() -> None:
            path = f"/v1/incidents/{uid}/outcomes"
            first = asyncio.create_task(service.request("POST", path, msgspec.json.encode(told("o1"))))
            await waits.wait()
            await service.request("POST", path, msgspec.json.encode(told("o2", status="failed", ago=30.0)))
            await first

        service.run(both())
        assert status_of(service, uid) == "escalated"
        assert [message.kind for message in sent(service)] == ["incident.escalated"]


def test_what_was_stored_before_a_crash_is_settled_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(tmp_path, poll_seconds=60.0) as service:
        uid = raised(service, attack("a"))

        async def never(*_: object) -> None:
            raise RuntimeError("the lights went out")

        monkeypatch.setattr(service.host.closer, "settle", never)
        assert report(service, uid, told("o1", status="failed")).status_code == 500
        monkeypatch.undo()
        assert status_of(service, uid) == "open"
    with Service(tmp_path, poll_seconds=0.05) as service:
        until(service, lambda: status_of(service, uid) == "escalated")
        assert len(sent(service)) == 1


def test_one_that_cannot_be_settled_does_not_keep_the_others_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Service(tmp_path) as service:
        service.run(service.host.closer.stop())  # from here on it looks when told to
        one, other = raised(service, attack("a")), raised(service, attack("b", host="ws-2", seconds=9e6))
        counsel, whole = service.host.closer.counsel, service.host.closer.counsel.report

        def broken(connection: Any, known: Known, *given: Any) -> Report:
            if known.record.uid == one:
                raise RuntimeError("a fault of ours")
            return whole(connection, known, *given)

        monkeypatch.setattr(counsel, "report", broken)
        assert report(service, one, told("o1", status="failed")).status_code == 500
        assert report(service, other, told("o2", "isolate-host", "ws-2", status="failed")).status_code == 201
        service.run(service.host.closer.look())
        assert (status_of(service, one), status_of(service, other)) == ("open", "escalated")
        monkeypatch.undo()
        service.host.closer._put_off.clear()
        service.run(service.host.closer.look())
        assert status_of(service, one) == "escalated"
