"""Alerts that make incidents, and what became of them."""

from __future__ import annotations

from typing import Any

import httpx

from service.incidents import feed
from service.keys import Role
from tests.service.client import Service, finding, until

HIGH = 5
"""A severity that raises an incident where no model speaks."""
DAY = 86_400.0


def high(uid: str, rule: str = "r1", host: str = "h1", seconds: float = 0.0, **more: Any) -> dict[str, Any]:
    """Return an alert that raises an incident."""
    return finding(uid, rule, host, seconds, **{"severity_id": HIGH, **more})


def caught_up(service: Service) -> None:
    """Let the service go on until every alert is correlated."""

    def holds() -> bool:
        with service.host.database.engine.connect() as connection:
            last = connection.exec_driver_sql("SELECT COALESCE(MAX(seq), 0) FROM alerts").scalar_one()
            return bool((feed.mark(connection) or 0) >= last)

    until(service, holds)


def post(service: Service, *records: dict[str, Any], key: str | None = None) -> None:
    """Post alerts and wait until they are correlated."""
    answer = service.post(list(records), key=key)
    assert answer.status_code == 200, answer.text
    caught_up(service)


def listed(service: Service, query: str = "", key: str | None = None) -> list[dict[str, Any]]:
    answer = service.send("GET", f"/v1/incidents?{query}", key)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["incidents"]
    return found


def get(service: Service, uid: str, role: Role = Role.ADMIN) -> dict[str, Any]:
    answer = service.send("GET", f"/v1/incidents/{uid}", service.keys[role])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def incident_of(service: Service, alert_uid: str) -> str | None:
    """Return the incident that an alert says it is in."""
    found: str | None = service.send("GET", f"/v1/alerts/{alert_uid}").json()["incident"]
    return found


def grouping(service: Service, *alert_uids: str) -> dict[str, str | None]:
    return {uid: incident_of(service, uid) for uid in alert_uids}


def merge(service: Service, uid: str, *others: str, role: Role = Role.ANALYST, **more: Any) -> httpx.Response:
    return service.post({"with": list(others), **more}, f"/v1/incidents/{uid}/merge", service.keys[role])


def split(service: Service, uid: str, lines: list[str], role: Role = Role.ANALYST, **more: Any) -> httpx.Response:
    return service.post({"lines": lines, **more}, f"/v1/incidents/{uid}/split", service.keys[role])


def line_of(service: Service, alert_uid: str) -> str:
    """Return the line of its incident that an alert is in."""
    incident = get(service, str(incident_of(service, alert_uid)))
    return next(line["uid"] for line in incident["lines"] if alert_uid in line["alert_uids"])
