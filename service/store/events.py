"""The table of events: one writer puts them in, an observer reads them in the order of receipt, and they can be erased.

Names are kept beside the payload in the form in which they are compared, so that a person's events are found by index: to show
them, and to erase them.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, delete, func, or_, select

from features.aliases import normalise_uid
from features.event import Event
from service.store.rows import insert_rows
from service.store.tables import events

_INTO = "events (tenant, uid, received, time, actor_kind, actor, target_kind, target, payload)"
_KNOWN = "SELECT uid, payload FROM events WHERE tenant = ? AND uid IN"
_ASKED_AT_ONCE = 500
_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Event)

EventRow = tuple[str, str, float, float, str, str, str, str, bytes]


class Taken(StrEnum):
    """What became of an event that was sent."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    """It is stored already."""
    CONFLICT = "conflict"
    """Its uid is, with other content."""


class ReadEvent(NamedTuple):
    """An event as stored. ``seq`` is the order of receipt among events, ``received`` epoch seconds."""

    seq: int
    received: float
    event: Event


def event_row(event: Event, received: float) -> EventRow:
    """Return what is stored of an event."""
    target = event.target
    return (
        event.tenant, event.uid, received, event.time.timestamp(), event.actor.kind.value, normalise_uid(event.actor.uid),
        target.kind.value if target else "", normalise_uid(target.uid) if target else "", _ENCODER.encode(event),
    )  # fmt: skip


def insert_events(writer: Connection, rows: Sequence[EventRow]) -> list[Taken]:
    """Store those whose (tenant, uid) is new, in the caller's transaction; say of each what became of it."""
    uids: dict[str, list[str]] = {}
    for row in rows:
        uids.setdefault(row[0], []).append(row[1])
    known = {(tenant, uid): body for tenant, some in uids.items() for uid, body in _known(writer, tenant, some)}
    taken, fresh = [], []
    for row in rows:
        before = known.get((row[0], row[1]))
        if before is None:
            known[row[0], row[1]] = row[-1]
            fresh.append(row)
        taken.append(Taken.STORED if before is None else Taken.DUPLICATE if before == row[-1] else Taken.CONFLICT)
    insert_rows(writer, _INTO, fresh)
    return taken


def _known(writer: Connection, tenant: str, uids: Sequence[str]) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for start in range(0, len(uids), _ASKED_AT_ONCE):
        some = uids[start : start + _ASKED_AT_ONCE]
        found += [(uid, body) for uid, body in writer.exec_driver_sql(f"{_KNOWN} ({','.join('?' * len(some))})", (tenant, *some))]
    return found


def events_after(connection: Connection, seq: int, most: int) -> list[ReadEvent]:
    """Return the events of all tenants that were received after number ``seq``, in that order, at most ``most``."""
    statement = select(events.c.seq, events.c.received, events.c.payload).where(events.c.seq > seq).order_by(events.c.seq)
    return [ReadEvent(at, received, _DECODER.decode(body)) for at, received, body in connection.execute(statement.limit(most))]


def last_event(connection: Connection) -> int:
    """Return the number of the event received last; 0 if there is none."""
    return int(connection.execute(select(func.max(events.c.seq))).scalar() or 0)


def last_given(connection: Connection) -> int:
    """Return the highest number that an event was ever given, also if it is gone; 0 if there never was one."""
    return int(connection.exec_driver_sql("SELECT seq FROM sqlite_sequence WHERE name = 'events'").scalar() or 0)


def events_of(connection: Connection, tenant: str, entity: str, after: int = 0, most: int = 1000) -> list[ReadEvent]:
    """Return a tenant's events that an entity did or that were done to it, of whatever kind or case of letters, in order of receipt."""
    statement = (
        select(events.c.seq, events.c.received, events.c.payload)
        .where(events.c.tenant == tenant, events.c.seq > after, _names(entity))
        .order_by(events.c.seq)
        .limit(most)
    )
    return [ReadEvent(seq, received, _DECODER.decode(body)) for seq, received, body in connection.execute(statement)]


def latest_events(connection: Connection, tenant: str = "", entity: str = "", most: int = 20) -> list[ReadEvent]:
    """Return the ``most`` events that were received last, of all tenants and entities or of one, in order of receipt."""
    statement = select(events.c.seq, events.c.received, events.c.payload).order_by(events.c.seq.desc()).limit(most)
    if tenant:
        statement = statement.where(events.c.tenant == tenant)
    if entity:
        statement = statement.where(_names(entity))
    return [ReadEvent(seq, received, _DECODER.decode(body)) for seq, received, body in connection.execute(statement).all()[::-1]]


def events_lately(connection: Connection, tenant: str, actor: str, most: int) -> list[ReadEvent]:
    """Return the last ``most`` events that an account did, in order of receipt."""
    statement = (
        select(events.c.seq, events.c.received, events.c.payload)
        .where(events.c.tenant == tenant, events.c.actor == normalise_uid(actor))
        .order_by(events.c.seq.desc())
        .limit(most)
    )
    rows = connection.execute(statement).all()
    return [ReadEvent(seq, received, _DECODER.decode(body)) for seq, received, body in rows[::-1]]


def count_events(connection: Connection, tenant: str = "") -> dict[str, int]:
    """Return the number of stored events by tenant."""
    statement = select(events.c.tenant, func.count()).group_by(events.c.tenant).order_by(events.c.tenant)
    return {name: count for name, count in connection.execute(statement) if not tenant or name == tenant}


def erase_events(writer: Connection, tenant: str, entity: str) -> int:
    """Delete a tenant's events that an entity did or that were done to it, in the caller's transaction; return how many."""
    return writer.execute(delete(events).where(events.c.tenant == tenant, _names(entity))).rowcount


def forget_events(writer: Connection, before: float, most: int = 5000) -> int:
    """Delete at most ``most`` events that happened ``before`` (epoch seconds), oldest first; return how many."""
    old = select(events.c.seq).where(events.c.time < before).order_by(events.c.time).limit(most)
    return writer.execute(delete(events).where(events.c.seq.in_(old))).rowcount


def _names(entity: str) -> ColumnElement[bool]:
    name = normalise_uid(entity)
    return or_(events.c.actor == name, events.c.target == name)
