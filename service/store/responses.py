"""Responses on record, by which caps count."""

from __future__ import annotations

import math

from sqlalchemy import Connection

_FIRST = "SELECT COALESCE(MIN(id), 0), COALESCE(MAX(id), 0) FROM decisions"
_AT = "SELECT id, time FROM decisions WHERE id >= ? ORDER BY id LIMIT 1"
_RESPONSES = (
    "SELECT d.time, d.tier FROM decisions d CROSS JOIN alerts a ON a.seq = d.alert_seq "
    "WHERE d.id >= ? AND d.action = 'respond' AND d.time > ? AND d.time < ? AND a.tenant = ?"
)
_SLACK_SECONDS = 60.0
"""By so much a clock may have been set back."""


def responses(connection: Connection, tenant: str, since: float, until: float = math.inf) -> list[tuple[float, str]]:
    """Return when responses of a tenant were decided after ``since`` and before ``until`` (epoch seconds), and of which tier."""
    rows = connection.exec_driver_sql(_RESPONSES, (_first_since(connection, since - _SLACK_SECONDS), since, until, tenant))
    return [(time, tier) for time, tier in rows]


def _first_since(connection: Connection, since: float) -> int:
    """Return a decision before which none was made ``since``: they are numbered in the order of time, so half of them are left out
    at each step."""
    low, high = connection.exec_driver_sql(_FIRST).one()
    while low < high:
        middle = (low + high) // 2
        found, time = connection.exec_driver_sql(_AT, (middle,)).one()
        if time < since:
            low = found + 1
        else:
            high = middle
    return int(low)
