"""Incidents to close and to escalate, in a service that runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec
from sqlalchemy import select

from service.keys import Role
from service.outbox.message import Message
from service.store.tables import decisions, messages
from tests.service.client import Service
from tests.service.incidents.alerts import high, incident_of, post

QUIET = {"quiet_seconds": 0.0, "poll_seconds": 0.05}
"""Settings by which what is contained closes at once."""


def attack(uid: str, technique: str = "T1059.001", host: str = "ws-1", seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    """An alert that shows a technique on a host."""
    found = high(uid, f"rule {technique}", host, seconds, **more)
    found["finding_info"]["attacks"] = [{"technique": {"uid": technique}}]
    return found


def raised(service: Service, *records: dict[str, Any]) -> str:
    """Post alerts; return the incident that the first is in."""
    post(service, *records)
    uid = incident_of(service, records[0]["finding_info"]["uid"])
    assert uid is not None
    return uid


def told(
    uid: str, playbook: str = "isolate-host", *targets: str, status: str = "succeeded", ago: float = 60.0, **more: Any
) -> dict[str, Any]:
    """An outcome that ended some seconds ago."""
    ended = datetime.now(UTC) - timedelta(seconds=ago)
    return {
        "uid": uid,
        "playbook": playbook,
        "targets": targets or ("ws-1",),
        "status": status,
        "time": ended.isoformat(),
        **more,
    }


def report(service: Service, incident: str, outcome: dict[str, Any], role: Role = Role.PIPELINE) -> httpx.Response:
    """Post an outcome."""
    return service.post(outcome, f"/v1/incidents/{incident}/outcomes", service.keys[role])


def status_of(service: Service, incident: str) -> str:
    found: str = service.send("GET", f"/v1/incidents/{incident}").json()["status"]
    return found


def sent(service: Service) -> list[Message]:
    """What is in the outbox, oldest first."""
    with service.host.database.engine.connect() as connection:
        rows = connection.execute(select(messages.c.payload).order_by(messages.c.seq)).scalars()
        return [msgspec.json.decode(body, type=Message) for body in rows]


def revisions(service: Service, alert: str) -> list[tuple[int, str, str]]:
    """The decisions on an alert: revision, action, reason codes."""
    decided = service.send("GET", f"/v1/decisions/{alert}").json()
    seq = int(decided["uid"].partition(".")[0])
    with service.host.database.engine.connect() as connection:
        rows = connection.execute(select(decisions).where(decisions.c.alert_seq == seq).order_by(decisions.c.revision))
        return [(row.revision, row.action, row.reason_codes) for row in rows]
