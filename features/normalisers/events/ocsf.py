"""OCSF (schema 1.8): Authentication 3002, Account Change 3001, API Activity 6003.

=============  ====================================================================
event          attribute
=============  ====================================================================
uid            ``metadata.uid``
tenant         ``metadata.tenant_uid``
time           ``time`` (epoch milliseconds)
actor          3002: ``user``, else ``actor.user``. 3001, 6003: ``actor.user``, else ``actor.invoked_by``, ``actor.app_name``.
               A user's ``name``, else ``email_addr``, ``uid``; of ``type_id`` 3 System and 4 Service, a program
action         ``activity_name``, else the name of ``activity_id``; 6003: ``api.operation``
target         3001: ``user``. 3002: ``dst_endpoint``, else ``service``. 6003: ``resources[0]``
address        ``src_endpoint.ip``
country        ``src_endpoint.location.country`` (ISO 3166); coordinates ``….lat``, ``.long``
device         ``device.uid``, ``device.hostname``, ``src_endpoint.uid``, ``src_endpoint.hostname``, else ``http_request.user_agent``
application    ``service.name``, ``api.service.name``, else ``metadata.product.name``
outcome        ``status_id`` 1 success, 2 failure
facets         ``status_detail``, ``status_code``, ``auth_protocol``, ``logon_type``, ``is_mfa``, ``is_remote``, ``cloud.region``
=============  ====================================================================
"""

from __future__ import annotations

from typing import Any

import msgspec

from features.alert import Entity, EntityKind
from features.event import Event, Outcome, Source
from features.normalisers.base import Place, from_seconds
from features.normalisers.events.base import Shape, facets, make_event, person, program, read_record, refusal, target
from features.normalisers.events.countries import country_code
from features.normalisers.events.fields import address_of, degrees_at, first, text_at, text_of

ACCOUNT_CHANGE, AUTHENTICATION, API_ACTIVITY = 3001, 3002, 6003
_ACTIVITIES = {
    ACCOUNT_CHANGE: {
        1: "create", 2: "enable", 3: "password change", 4: "password reset", 5: "disable", 6: "delete", 7: "attach policy",
        8: "detach policy", 9: "lock", 10: "mfa factor enable", 11: "mfa factor disable", 12: "unlock",
    },
    AUTHENTICATION: {
        1: "logon", 2: "logoff", 3: "authentication ticket", 4: "service ticket request", 5: "service ticket renew", 6: "preauth",
        7: "account switch",
    },
    API_ACTIVITY: {1: "create", 2: "read", 3: "update", 4: "delete"},
}  # fmt: skip
_PREFIXES = {ACCOUNT_CHANGE: "account ", AUTHENTICATION: "", API_ACTIVITY: "api "}
_PROGRAMS = {"3", "4"}
_OUTCOMES = {1: Outcome.SUCCESS, 2: Outcome.FAILURE}


class _Metadata(msgspec.Struct, frozen=True):
    uid: str | None = None
    tenant_uid: str = ""
    product: Any = None


class _Record(msgspec.Struct, frozen=True):
    class_uid: int
    time: int
    activity_id: int = 0
    activity_name: str | None = None
    status_id: int | None = None
    metadata: _Metadata = _Metadata()
    actor: Any = None
    user: Any = None
    device: Any = None
    src_endpoint: Any = None
    dst_endpoint: Any = None
    service: Any = None
    api: Any = None
    resources: Any = None
    http_request: Any = None
    cloud: Any = None
    status_detail: str | None = None
    status_code: str | None = None
    auth_protocol: str | None = None
    logon_type: str | None = None
    is_mfa: bool | None = None
    is_remote: bool | None = None


class OcsfActivity:
    """An event of one of the three classes."""

    shape = Shape(names_tenant=True)
    _decoder = msgspec.json.Decoder(_Record)

    def decode(self, raw: bytes, place: Place) -> Event:
        """Return the event of one record; other classes are refused."""
        record = read_record(self._decoder, raw, place)
        if record.class_uid not in _ACTIVITIES:
            raise refusal(f"class {record.class_uid}, expected one of {', '.join(map(str, _ACTIVITIES))}", "class_uid", place)
        return make_event(
            raw,
            place,
            uid=record.metadata.uid,
            tenant=record.metadata.tenant_uid,
            time=from_seconds(record.time, "time", place, 1000.0),
            actor=_actor(record, place),
            action=_action(record),
            action_field="activity_id",
            target=_target(record),
            source=Source(
                address=address_of(text_at(record.src_endpoint, "ip")),
                country=country_code(text_at(record.src_endpoint, "location", "country")),
                device=first(
                    *(text_at(end, name) for end in (record.device, record.src_endpoint) for name in ("uid", "hostname")),
                    text_at(record.http_request, "user_agent"),
                ),
                application=first(
                    text_at(record.service, "name"),
                    text_at(record.api, "service", "name"),
                    text_at(record.metadata.product, "name"),
                ),
                latitude=degrees_at(record.src_endpoint, 90.0, "location", "lat"),
                longitude=degrees_at(record.src_endpoint, 180.0, "location", "long"),
            ),
            outcome=_OUTCOMES.get(record.status_id or 0, Outcome.UNKNOWN),
            facets=facets(
                [
                    ("detail", record.status_detail),
                    ("status", record.status_code),
                    ("protocol", record.auth_protocol),
                    ("logon_type", record.logon_type),
                    ("mfa", text_of(record.is_mfa)),
                    ("remote", text_of(record.is_remote)),
                    ("region", text_at(record.cloud, "region")),
                ]
            ),
        )


def _name(user: object) -> str:
    return first(text_at(user, "name"), text_at(user, "email_addr"), text_at(user, "uid"))


def _actor(record: _Record, place: Place) -> Entity:
    own = record.actor.get("user") if isinstance(record.actor, dict) else None
    user, field = (record.user, "user") if record.class_uid == AUTHENTICATION and _name(record.user) else (own, "actor.user")
    name = _name(user)
    if name:
        by_program = text_at(user, "type_id") in _PROGRAMS
        return program(name, field, place) if by_program else person(name, field, place)
    return program(first(text_at(record.actor, "invoked_by"), text_at(record.actor, "app_name")), "actor.user", place)


def _action(record: _Record) -> str:
    operation = text_at(record.api, "operation") if record.class_uid == API_ACTIVITY else ""
    told = (record.activity_name or "").casefold() or _ACTIVITIES[record.class_uid].get(record.activity_id, "")
    return operation or (f"{_PREFIXES[record.class_uid]}{told}" if told else "")


def _target(record: _Record) -> Entity | None:
    if record.class_uid == ACCOUNT_CHANGE:
        return target(EntityKind.USER, _name(record.user))
    if record.class_uid == AUTHENTICATION:
        host = first(text_at(record.dst_endpoint, "hostname"), text_at(record.dst_endpoint, "uid"))
        return target(EntityKind.HOST, host) or target(EntityKind.APPLICATION, text_at(record.service, "name"))
    resource = record.resources[0] if isinstance(record.resources, list) and record.resources else None
    return target(EntityKind.OTHER, first(text_at(resource, "uid"), text_at(resource, "name")))
