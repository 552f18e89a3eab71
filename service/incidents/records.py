"""Incidents as stored. What writes is called with the writing connection, in the scorer's thread, as within ``host.write(…)``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np
from sqlalchemy import Connection, Row, delete, func, select, update

from models.calibration import priority
from models.incidents.incident import Incident
from service.store.tables import incident_alerts, incident_events, incident_lines, incidents

_ENCODER = msgspec.json.Encoder()
_COLUMNS = (
    "uid", "tenant", "status", "revision", "created", "updated", "first", "last", "score", "priority", "alerts", "merged_into",
    "payload",
)  # fmt: skip
_SAVE = (
    f"INSERT INTO incidents ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "  # noqa: S608 — constants
    f"ON CONFLICT (uid) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[2:])}"
)
_IN_LINE = "INSERT INTO incident_alerts (alert_seq, line) VALUES (?, ?) ON CONFLICT DO NOTHING"
_PLACE = "INSERT INTO incident_lines (line, incident) VALUES (?, ?) ON CONFLICT (line) DO UPDATE SET incident = excluded.incident"


class Status(StrEnum):
    """Where an incident stands. What is closed or merged changes no more."""

    OPEN = "open"
    ESCALATED = "escalated"
    CLOSED = "closed"
    MERGED = "merged"


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An incident as stored. Times are epoch seconds; ``alerts`` counts also those of lines that it does not list, and ``last``
    is the time of the last of all of them. ``score``: how likely it matters (see :mod:`models.incidents.priority`)."""

    uid: str
    tenant: str
    status: Status
    revision: int
    created: float
    updated: float
    last: float
    score: float
    alerts: int
    incident: Incident
    merged_into: str | None = None

    @property
    def priority(self) -> int:
        """How urgent it is, 0–100, on the scale of alerts."""
        return _place(self.score)


def _place(score: float) -> int:
    return int(priority(np.array([score]))[0])


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to an incident: ``by`` whom (empty: by correlation), and what."""

    incident: str
    time: float
    kind: str
    by: str = ""
    body: dict[str, Any] = {}


_SHOWN_SECONDS = 1e-6
"""Times are shown to the microsecond, and may be rounded up: who asks for what changed since then must find it again."""

# -- writing ----------------------------------------------------------------------------------------------------------


def save(connection: Connection, changed: Iterable[Record]) -> None:
    """Write incidents as they are now."""
    rows = [_values(record) for record in changed]
    if rows:
        connection.exec_driver_sql(_SAVE, rows)
    for row in rows:
        if row[-2] is not None:  # so that from any uid it is one step to the incident that it has become
            earlier = incidents.c.merged_into == row[0]
            connection.execute(update(incidents).where(earlier).values(merged_into=row[-2]))


def _values(record: Record) -> tuple[Any, ...]:
    """Return the columns of ``_SAVE``."""
    incident = record.incident
    return (
        record.uid, record.tenant, record.status.value, record.revision, record.created, record.updated,
        incident.first.timestamp(), record.last, record.score, record.priority, record.alerts,
        record.merged_into, _ENCODER.encode(incident),
    )  # fmt: skip


def rescore(connection: Connection, scores: Mapping[str, float]) -> None:
    """Write down how likely incidents matter by another model. That is no revision: nothing happened to them."""
    rows = [(score, _place(score), uid) for uid, score in scores.items()]
    if rows:
        connection.exec_driver_sql("UPDATE incidents SET score = ?, priority = ? WHERE uid = ?", rows)


def set_status(connection: Connection, record: Record, status: Status, event: Event) -> Record:
    """Change the status of an incident, which is a revision, and say why; return it as it is then."""
    changed = msgspec.structs.replace(record, status=status, revision=record.revision + 1, updated=event.time)
    values = {"status": changed.status.value, "revision": changed.revision, "updated": changed.updated}
    connection.execute(update(incidents).where(incidents.c.uid == record.uid).values(values))
    append(connection, [event])
    return changed


def append(connection: Connection, events: Iterable[Event]) -> None:
    """Add what happened."""
    rows = [
        {"incident": e.incident, "time": e.time, "kind": e.kind, "by": e.by, "payload": _ENCODER.encode(e.body)} for e in events
    ]
    if rows:
        connection.execute(incident_events.insert(), rows)


def place(connection: Connection, lines: dict[str, str | None], alerts: Sequence[tuple[int, str]]) -> None:
    """Write down in which incident lines are now (``None``: in none any more), and which alerts are in which line."""
    gone = [line for line, incident in lines.items() if incident is None]
    if gone:
        connection.execute(delete(incident_lines).where(incident_lines.c.line.in_(gone)))
    there = [(line, incident) for line, incident in lines.items() if incident is not None]
    if there:
        connection.exec_driver_sql(_PLACE, there)
    if alerts:
        connection.exec_driver_sql(_IN_LINE, list(alerts))


# -- reading ----------------------------------------------------------------------------------------------------------


def find(connection: Connection, tenant: str, uid: str) -> Record | None:
    """Return an incident of the tenant; of one that was merged the one that it has become."""
    mine = select(incidents).where(incidents.c.tenant == tenant)
    row = connection.execute(mine.where(incidents.c.uid == uid)).first()
    if row is not None and row.merged_into is not None:
        row = connection.execute(mine.where(incidents.c.uid == row.merged_into)).first()
    return None if row is None else _record(row)


def listed(
    connection: Connection, tenant: str, status: Status | None, *, since: float | None, limit: int, before: int | None
) -> list[tuple[int, Record]]:
    """Return incidents of the tenant, the one raised last first, each with its number; ``before``: raised before that number.

    Merged ones are only there when asked for.
    """
    statement = select(incidents).where(incidents.c.tenant == tenant)
    statement = statement.where(incidents.c.status == status if status else incidents.c.status != Status.MERGED)
    if since is not None:
        statement = statement.where(incidents.c.updated >= since - _SHOWN_SECONDS)
    if before is not None:
        statement = statement.where(incidents.c.id < before)
    rows = connection.execute(statement.order_by(incidents.c.id.desc()).limit(limit))
    return [(row.id, _record(row)) for row in rows]


def lasting(connection: Connection, since: float) -> list[Record]:
    """Return the incidents of all tenants with an alert that happened at ``since`` or later, merged ones aside."""
    statement = select(incidents).where(incidents.c.last >= since, incidents.c.status != Status.MERGED)
    return [_record(row) for row in connection.execute(statement.order_by(incidents.c.id))]


def placed(connection: Connection, since: float) -> dict[str, str]:
    """Return in which incident lines are, for all lines of the incidents that :func:`lasting` returns."""
    statement = (
        select(incident_lines.c.line, incident_lines.c.incident)
        .join(incidents, incidents.c.uid == incident_lines.c.incident)
        .where(incidents.c.last >= since, incidents.c.status != Status.MERGED)
    )
    return {row.line: row.incident for row in connection.execute(statement)}


def merged_uids(connection: Connection, uid: str) -> list[str]:
    """Return the incidents that were merged into this one, oldest first."""
    statement = select(incidents.c.uid).where(incidents.c.merged_into == uid).order_by(incidents.c.id)
    return list(connection.execute(statement).scalars())


def events(connection: Connection, uid: str, most: int) -> list[Event]:
    """Return the last ``most`` things that happened to an incident, oldest first."""
    statement = select(incident_events).where(incident_events.c.incident == uid)
    rows = connection.execute(statement.order_by(incident_events.c.seq.desc()).limit(most)).all()
    return [_event(row) for row in rows[::-1]]


def edits(connection: Connection, since: float) -> list[Event]:
    """Return what analysts merged and split, oldest first, of the incidents with an alert at ``since`` or later."""
    statement = (
        select(incident_events)
        .join(incidents, incidents.c.uid == incident_events.c.incident)
        .where(incidents.c.last >= since, incident_events.c.by != "", incident_events.c.kind.in_(("merged", "split")))
    )
    return [_event(row) for row in connection.execute(statement.order_by(incident_events.c.seq))]


def incident_of(connection: Connection, alert_seq: int) -> str | None:
    """Return the incident that an alert is in."""
    statement = (
        select(incident_lines.c.incident)
        .join(incident_alerts, incident_alerts.c.line == incident_lines.c.line)
        .where(incident_alerts.c.alert_seq == alert_seq)
    )
    found: str | None = connection.execute(statement).scalar()
    return found


def alerts_of(connection: Connection, uid: str) -> list[tuple[int, str]]:
    """Return the alerts of an incident in the order of receipt: number and line. Their decisions: ``db.find_seqs``."""
    statement = (
        select(incident_alerts.c.alert_seq, incident_alerts.c.line)
        .join(incident_lines, incident_alerts.c.line == incident_lines.c.line)
        .where(incident_lines.c.incident == uid)
    )
    return [(seq, line) for seq, line in connection.execute(statement.order_by(incident_alerts.c.alert_seq))]


def counts(connection: Connection) -> dict[Status, int]:
    """Return how many incidents there are in each status."""
    rows = connection.execute(select(incidents.c.status, func.count()).group_by(incidents.c.status))
    return {Status(status): count for status, count in rows}


def _record(row: Row[Any]) -> Record:
    return Record(
        uid=row.uid,
        tenant=row.tenant,
        status=Status(row.status),
        revision=row.revision,
        created=row.created,
        updated=row.updated,
        last=row.last,
        score=row.score,
        alerts=row.alerts,
        incident=msgspec.json.decode(row.payload, type=Incident),
        merged_into=row.merged_into,
    )


def _event(row: Row[Any]) -> Event:
    body = msgspec.json.decode(row.payload)
    return Event(incident=row.incident, time=row.time, kind=row.kind, by=row.by, body=body)
