"""Wazuh 4.x alerts (``alerts.json``), also those of 3.x, which have the same shape.

=============  ====================================================================
alert          field
=============  ====================================================================
time, uid      ``timestamp``, ``id``
rule           ``rule.id``, ``rule.description``
severity       ``rule.level`` 0–16: <4, <7, <10, <13, ≥13 become 1 … 5
tactics …      ``rule.mitre.tactic``, ``rule.mitre.id``
entities       ``predecoder.hostname`` else ``agent.name``; ``data.srcip``, ``data.dstip``; ``data.srcuser``, ``data.dstuser``
=============  ====================================================================
"""

from __future__ import annotations

from typing import Any

import msgspec

from features.alert import Alert, Entity, EntityKind, Observable, Role, Rule
from features.label import Label
from features.normalisers.base import Place, checked_names, digest_uid, parse, tenant_of, to_time


class _Mitre(msgspec.Struct, frozen=True):
    id: tuple[str, ...] = ()
    tactic: tuple[str, ...] = ()


class _Rule(msgspec.Struct, frozen=True):
    id: str
    level: int
    description: str = ""
    mitre: _Mitre = _Mitre()


class _Agent(msgspec.Struct, frozen=True):
    name: str = ""


class _Predecoder(msgspec.Struct, frozen=True):
    hostname: str = ""


class _Record(msgspec.Struct, frozen=True):
    timestamp: str
    rule: _Rule
    id: str = ""
    agent: _Agent = _Agent()
    predecoder: _Predecoder = _Predecoder()
    data: dict[str, Any] = {}
    full_log: str = ""


_LEVELS = ((4, 1), (7, 2), (10, 3), (13, 4))
_USERS = (("srcuser", Role.ACTOR), ("dstuser", Role.TARGET))
_ADDRESSES = (("srcip", Role.ACTOR), ("dstip", Role.TARGET))


class Wazuh:
    """A line of ``alerts.json``."""

    _decoder = msgspec.json.Decoder(_Record)

    def decode(self, raw: bytes, place: Place) -> Alert:
        """Return the alert of one line."""
        record = parse(self._decoder, raw, place)
        when = to_time(record.timestamp, "timestamp", place)
        host = record.predecoder.hostname or record.agent.name
        entities = [Entity(EntityKind.HOST, host, Role.DEVICE)] if host else []
        observables = []
        for name, role in _USERS:
            user = record.data.get(name)
            if isinstance(user, str) and user:
                entities.append(Entity(EntityKind.USER, user, role))
        for name, role in _ADDRESSES:
            address = record.data.get(name)
            if isinstance(address, str) and address:
                bare = _without_port(address)
                entities.append(Entity(EntityKind.ADDRESS, bare, role))
                observables.append(Observable("ip", bare))
        alert = Alert(
            uid=record.id or digest_uid(raw),
            tenant=tenant_of(place, ""),
            time=when,
            received_time=place.received_time or when,
            product="wazuh",
            rule=Rule(record.rule.id, record.rule.description),
            severity=next((severity for below, severity in _LEVELS if record.rule.level < below), 5),
            tactics=record.rule.mitre.tactic,
            techniques=record.rule.mitre.id,
            entities=tuple(entities),
            observables=tuple(observables),
            message=record.full_log,
        )
        return checked_names(alert, place)

    def label(self, raw: bytes, alert: Alert) -> Label | None:
        """Wazuh's alerts carry no verdict."""
        return None


def _without_port(address: str) -> str:
    head, colon, port = address.rpartition(":")
    return head if colon and port.isdigit() and "." in head else address
