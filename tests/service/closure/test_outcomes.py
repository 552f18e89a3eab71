"""POST /v1/incidents/{uid}/outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from service.keys import Role
from tests.service.client import Service
from tests.service.closure.cases import QUIET, attack, raised, report, sent, status_of, told


def test_an_outcome_is_taken_once(service: Service) -> None:
    uid = raised(service, attack("a"))
    outcome = told("o1", detail="isolated by the agent")
    first = report(service, uid, outcome)
    again = report(service, uid, outcome)
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.json() == again.json()
    assert first.json()["slug"] == "isolate-host"
    assert first.json()["by"] == "pipeline"
    assert report(service, uid, {**outcome, "status": "failed"}).status_code == 409
    assert report(service, raised(service, attack("b", host="other")), outcome).status_code == 409
    assert status_of(service, uid) == "open"
    events = service.send("GET", f"/v1/incidents/{uid}").json()["events"]
    assert [event["kind"] for event in events] == ["raised", "outcome"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"playbook": "make-coffee"}, 422),
        ({"status": "fine"}, 422),
        ({"time": "2026-01-01T00:00:00"}, 422),
        ({"time": "2999-01-01T00:00:00Z"}, 422),
        ({"detail": "x" * 2049}, 422),
        ({"targets": [""]}, 422),
        ({"targets": ["h"] * 201}, 422),
        ({"extra": 1}, 422),
        ({"evidence": ["x" * 300_000]}, 413),
    ],
)
def test_what_cannot_be_understood_is_refused(service: Service, change: dict[str, Any], code: int) -> None:
    uid = raised(service, attack("a"))
    assert report(service, uid, told("o1") | change).status_code == code
    assert report(service, uid, told("o1")).status_code == 201


def test_of_no_incident_of_the_tenant_nothing_is_taken(service: Service) -> None:
    uid = raised(service, attack("a"))
    assert report(service, "nowhere", told("o1")).status_code == 404
    foreign = service.post(told("o1"), f"/v1/incidents/{uid}/outcomes", service.other)
    assert foreign.status_code == 404
    assert report(service, uid, told("o1")).status_code == 201


def test_an_analyst_reports_none(service: Service) -> None:
    assert report(service, raised(service, attack("a")), told("o1"), Role.ANALYST).status_code == 403


def test_an_outcome_of_a_merged_incident_counts_for_what_it_has_become(service: Service) -> None:
    one, other = raised(service, attack("a")), raised(service, attack("b", host="ws-2", seconds=9e6))
    assert report(service, other, told("o1", "isolate-host", "ws-2", status="failed")).status_code == 201
    assert status_of(service, other) == "escalated"
    merged = service.post({"with": [other]}, f"/v1/incidents/{one}/merge", service.keys[Role.ANALYST]).json()["uid"]
    assert report(service, other, told("o2", "isolate-host", "ws-1")).json()["incident"] == merged
    found = service.send("GET", f"/v1/incidents/{merged}/report").json()
    assert [outcome["uid"] for outcome in found["outcomes"]] == ["o1", "o2"]


def test_after_closing_success_is_kept_and_failure_escalates(tmp_path: Path) -> None:
    with Service(tmp_path, **QUIET) as service:
        uid = raised(service, attack("a"))
        assert report(service, uid, told("o1")).status_code == 201
        assert status_of(service, uid) == "closed"
        assert report(service, uid, told("o2", "collect-forensics", ago=30)).status_code == 202
        assert status_of(service, uid) == "closed"
        assert report(service, uid, told("o3", status="reverted", ago=20)).status_code == 202
        assert status_of(service, uid) == "escalated"
        assert [message.kind for message in sent(service)] == ["incident.closed", "incident.escalated"]
        assert "after the incident had been closed" in sent(service)[-1].summary
