"""Okta System Log: log events of ``/api/v1/logs``.

=============  ====================================================================
event          field
=============  ====================================================================
uid            ``uuid``
time           ``published`` (UTC)
actor          ``actor.alternateId``, else ``actor.id``; by ``actor.type`` a user or a program. An address is nobody
action         ``eventType``
target         the first of ``target`` that is another user, else an application, else the first: ``alternateId``, ``displayName``, ``id``
address        ``client.ipAddress``
country        ``client.geographicalContext.country``, its English name, as code; coordinates ``….geolocation.lat``, ``.lon``
device         ``device.id``, else ``debugContext.debugData.deviceFingerprint``, else ``client.userAgent.rawUserAgent``
application    the first application among ``target``, else ``client.id``
outcome        ``outcome.result``: SUCCESS, ALLOW; FAILURE, DENY; all others are unknown
facets         ``outcome.reason``, ``client.device``, ``client.userAgent.os``, ``.browser``, ``client.zone``, ``securityContext.asOrg``,
               ``securityContext.isProxy``
=============  ====================================================================

Some collectors write names of fields in lower case: ``eventtype`` is understood.
"""

from __future__ import annotations

from typing import Any

import msgspec

from features.alert import Entity, EntityKind
from features.event import Event, Facet, Outcome, Source
from features.normalisers.base import Place
from features.normalisers.events.base import Shape, facets, make_event, person, program, read_record, refusal, target, utc_time
from features.normalisers.events.countries import country_code
from features.normalisers.events.fields import address_of, degrees_at, first, text_at


class _Party(msgspec.Struct, frozen=True, rename="camel"):
    type: str | None = None
    id: str | None = None
    alternate_id: str | None = None
    display_name: str | None = None


class _Record(msgspec.Struct, frozen=True, rename="camel"):
    published: str
    event_type: str | None = None
    eventtype: str | None = None
    uuid: str | None = None
    actor: _Party | None = None
    target: tuple[_Party, ...] | None = None
    client: Any = None
    device: Any = None
    outcome: Any = None
    debug_context: Any = None
    security_context: Any = None


_KINDS = {"User": EntityKind.USER, "AppUser": EntityKind.USER, "AppInstance": EntityKind.APPLICATION, "Device": EntityKind.HOST}
_OUTCOMES = {"SUCCESS": Outcome.SUCCESS, "ALLOW": Outcome.SUCCESS, "FAILURE": Outcome.FAILURE, "DENY": Outcome.FAILURE}
_GEOLOCATION = ("geographicalContext", "geolocation")
_NOTHING = {"", "unknown", "null"}


class Okta:
    """A log event."""

    shape = Shape()
    _decoder = msgspec.json.Decoder(_Record)

    def decode(self, raw: bytes, place: Place) -> Event:
        """Return the event of one record."""
        record = read_record(self._decoder, raw, place)
        applications = [_name(party) for party in record.target or () if party.type == "AppInstance"]
        return make_event(
            raw,
            place,
            uid=record.uuid,
            time=utc_time(record.published, "published", place),
            time_field="published",
            actor=_actor(record.actor, place),
            action=first(record.event_type, record.eventtype),
            action_field="eventType",
            target=_target(record),
            source=Source(
                address=address_of(text_at(record.client, "ipAddress")),
                country=country_code(text_at(record.client, "geographicalContext", "country")),
                device=first(
                    text_at(record.device, "id"),
                    text_at(record.debug_context, "debugData", "deviceFingerprint"),
                    text_at(record.client, "userAgent", "rawUserAgent"),
                ),
                application=first(*applications, text_at(record.client, "id")),
                latitude=degrees_at(record.client, 90.0, *_GEOLOCATION, "lat"),
                longitude=degrees_at(record.client, 180.0, *_GEOLOCATION, "lon"),
            ),
            outcome=_OUTCOMES.get(text_at(record.outcome, "result"), Outcome.UNKNOWN),
            facets=_facets(record),
        )


def _name(party: _Party) -> str:
    told = (party.alternate_id, party.display_name, party.id)
    return next((name for name in told if name and name.casefold() not in _NOTHING), "")


def _actor(actor: _Party | None, place: Place) -> Entity:
    if actor is None:
        raise refusal("is missing", "actor", place)
    if actor.type == "IP address":
        raise refusal("is an address, not an account", "actor.type", place)
    name = first(actor.alternate_id if (actor.alternate_id or "").casefold() not in _NOTHING else "", actor.id)
    if actor.type in {None, "User"}:
        return person(name.casefold(), "actor.alternateId", place)
    return program(name, "actor.id", place)


def _target(record: _Record) -> Entity | None:
    parties = record.target or ()
    own = record.actor.id if record.actor else None
    others = [party for party in parties if _KINDS.get(party.type or "") is EntityKind.USER and party.id != own]
    applications = [party for party in parties if party.type == "AppInstance"]
    for party in (*others, *applications, *parties):
        kind, name = _KINDS.get(party.type or "", EntityKind.OTHER), _name(party)
        if name:
            return target(kind, name.casefold() if kind is EntityKind.USER else name)
    return None


def _facets(record: _Record) -> tuple[Facet, ...]:
    found = [
        ("reason", text_at(record.outcome, "reason")),
        ("device_kind", text_at(record.client, "device")),
        ("os", text_at(record.client, "userAgent", "os")),
        ("browser", text_at(record.client, "userAgent", "browser")),
        ("zone", text_at(record.client, "zone")),
        ("network", text_at(record.security_context, "asOrg")),
        ("proxy", text_at(record.security_context, "isProxy")),
    ]
    return facets((name, value) for name, value in found if value.casefold() not in _NOTHING)
