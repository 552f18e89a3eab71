"""GitHub audit log of an organisation or enterprise: the API's records, and streamed ones.

=============  ====================================================================
event          field
=============  ====================================================================
uid            ``_document_id``
time           ``created_at``, else ``@timestamp`` (epoch milliseconds, or text)
actor          ``actor``; a program where ``actor_is_bot`` is true or the name ends in ``[bot]``
action         ``action``
target         ``user`` if it is another, else ``repo``, ``team``, ``org``, ``business``
address        ``actor_ip``
country        ``actor_location.country_code`` (ISO 3166)
device         ``user_agent``
application    ``application_name``, else ``programmatic_access_type``
outcome        failure where the action says ``fail`` (GitHub records what succeeded), else success
facets         ``org``, ``operation_type``, ``visibility``, ``transport_protocol_name``, ``hashed_token``
=============  ====================================================================
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from features.alert import Entity, EntityKind
from features.event import Event, Outcome, Source
from features.normalisers.base import Place, from_seconds
from features.normalisers.events.base import Shape, facets, make_event, person, program, read_record, refusal, target, utc_time
from features.normalisers.events.countries import country_code
from features.normalisers.events.fields import address_of, first, text_at


class _Record(msgspec.Struct, frozen=True):
    action: str
    actor: str | None = None
    created_at: float | str | None = None
    timestamp: float | str | None = msgspec.field(default=None, name="@timestamp")
    document_id: str | None = msgspec.field(default=None, name="_document_id")
    actor_is_bot: bool | None = None
    user: str | None = None
    repo: str | None = None
    repository: str | None = None
    team: str | None = None
    org: str | None = None
    business: str | None = None
    actor_ip: str | None = None
    actor_location: Any = None
    user_agent: str | None = None
    application_name: str | None = None
    programmatic_access_type: str | None = None
    operation_type: str | None = None
    visibility: str | None = None
    transport_protocol_name: str | None = None
    hashed_token: str | None = None


class GitHub:
    """A record of the audit log."""

    shape = Shape()
    _decoder = msgspec.json.Decoder(_Record)

    def decode(self, raw: bytes, place: Place) -> Event:
        """Return the event of one record."""
        record = read_record(self._decoder, raw, place)
        return make_event(
            raw,
            place,
            uid=record.document_id,
            time=_time(record, place),
            time_field="created_at",
            actor=_actor(record, place),
            action=record.action,
            action_field="action",
            target=_target(record),
            source=Source(
                address=address_of(record.actor_ip),
                country=country_code(text_at(record.actor_location, "country_code")),
                device=record.user_agent or "",
                application=first(record.application_name, record.programmatic_access_type),
            ),
            outcome=Outcome.FAILURE if "fail" in record.action else Outcome.SUCCESS,
            facets=facets(
                [
                    ("org", record.org),
                    ("operation", record.operation_type),
                    ("visibility", record.visibility),
                    ("protocol", record.transport_protocol_name),
                    ("token", record.hashed_token),
                ]
            ),
        )


def _time(record: _Record, place: Place) -> datetime:
    field, told = ("@timestamp", record.timestamp) if record.created_at is None else ("created_at", record.created_at)
    if told is None:
        raise refusal("is missing", "created_at", place)
    return utc_time(told, field, place) if isinstance(told, str) else from_seconds(told, field, place, 1000.0)


def _actor(record: _Record, place: Place) -> Entity:
    by_program = record.actor_is_bot or (record.actor or "").endswith("[bot]")
    return program(record.actor, "actor", place) if by_program else person(record.actor, "actor", place)


def _target(record: _Record) -> Entity | None:
    if record.user and record.user != record.actor:
        return target(EntityKind.USER, record.user)
    return target(EntityKind.APPLICATION, first(record.repo, record.repository, record.team, record.org, record.business))
