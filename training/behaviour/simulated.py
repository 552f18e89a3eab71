"""Loader of the events that the simulator writes, in the native columns: the format ``native`` reads the same, with every check."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from features.alert import Entity, EntityKind, Role
from features.errors import RecordError
from features.event import Event, Outcome, Source
from features.event_table import events_table
from training.behaviour.loaders import Loaded
from training.simulator.behaviour.written import EVENTS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KINDS = {kind.value: kind for kind in EntityKind}
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_COLUMNS = (
    "uid", "tenant", "actor_kind", "actor_uid", "action", "target_kind", "target_uid", "address", "country", "device",
    "application", "outcome",
)  # fmt: skip


def simulated_events(path: Path) -> Loaded:
    """Read what ``tamis simulate`` wrote into the folder or file ``path``, in order of time. Raises ``SourceError``."""
    loaded = events_of(events_table(path / EVENTS if path.is_dir() else path))
    return Loaded(sorted(loaded.events, key=lambda event: event.time), loaded.rejected)


def events_of(table: pa.Table) -> Loaded:
    """Return the rows of a table in the native columns as events; what is no event is rejected."""
    entities: dict[tuple[str, str, Role], Entity] = {}
    events, rejected = [], []
    micros = table["time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    rows = zip(micros, *(table[name].to_pylist() for name in _COLUMNS), strict=True)
    for at, row in enumerate(rows):
        try:
            events.append(_simulated(row, entities))
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            rejected.append(RecordError(f"is no event: {error}", source=EVENTS, row=at))
    return Loaded(events, rejected)


def _simulated(row: Sequence[Any], entities: dict[tuple[str, str, Role], Entity]) -> Event:
    micros, uid, tenant, kind, actor, action, target_kind, target, address, country, device, application, outcome = row
    if not (uid and tenant and actor and action):
        raise ValueError("uid, tenant, actor or action is missing")

    def entity(kind: str, uid: str, role: Role) -> Entity:
        known = entities.get((kind, uid, role))
        return known or entities.setdefault((kind, uid, role), Entity(_KINDS[kind], uid, role))

    return Event(
        uid=uid,
        tenant=tenant,
        time=_EPOCH + timedelta(microseconds=micros),
        actor=entity(kind, actor, Role.ACTOR),
        action=action,
        target=entity(target_kind, target, Role.TARGET) if target else None,
        source=Source(address, country, device, application),
        outcome=_OUTCOMES[outcome],
    )
