"""Our own form: the JSON of :class:`features.event.Event`, which the service stores and the simulator writes.

=============  ====================================================================
event          field
=============  ====================================================================
uid            ``uid``, else digest of the record
tenant         ``tenant``, else the place's
time           ``time`` (ISO 8601 with a zone)
actor          ``actor.kind``, ``actor.uid``
action         ``action``
target         ``target.kind``, ``target.uid``
source         ``source.address``, ``.country``, ``.device``, ``.application``, ``.latitude``, ``.longitude``
outcome        ``outcome``
facets         ``facets[].name``, ``.value``
=============  ====================================================================
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from features.alert import Entity, Name, Role
from features.event import Event, Facet, Outcome, Source
from features.normalisers.base import Place, checked_time
from features.normalisers.events.base import Shape, make_event, read_record, refusal


class _Record(msgspec.Struct, frozen=True):
    time: datetime
    action: Name
    actor: Entity | None = None
    uid: str = ""
    tenant: str = ""
    target: Entity | None = None
    source: Source = Source()
    outcome: Outcome = Outcome.UNKNOWN
    facets: tuple[Facet, ...] = ()


class Native:
    """An event as JSON."""

    shape = Shape(names_tenant=True)
    _decoder = msgspec.json.Decoder(_Record)

    def decode(self, raw: bytes, place: Place) -> Event:
        """Return the event of one record."""
        record = read_record(self._decoder, raw, place)
        if record.actor is None:
            raise refusal("is missing", "actor", place)
        return make_event(
            raw,
            place,
            uid=record.uid,
            tenant=record.tenant,
            time=checked_time(record.time, "time", place),
            actor=Entity(record.actor.kind, record.actor.uid, Role.ACTOR),
            action=record.action,
            action_field="action",
            target=Entity(record.target.kind, record.target.uid, Role.TARGET) if record.target else None,
            source=record.source,
            outcome=record.outcome,
            facets=record.facets,
        )
