"""Suricata EVE alerts (``eve.json``, ``event_type: alert``).

=============  ====================================================================
alert          field
=============  ====================================================================
time           ``timestamp``
uid            digest of the record (EVE has no id of its own for an alert)
rule           ``alert.gid:alert.signature_id``, ``alert.signature``
severity       ``alert.severity``, where 1 is the *highest*: 1, 2, 3, 4 become 4, 3, 2, 1
tactics …      ``alert.metadata.mitre_tactic_name``, ``alert.metadata.mitre_technique_id``
entities       ``host`` (sensor is not an entity); ``src_ip`` (actor), ``dest_ip`` (target)
=============  ====================================================================

``verdict`` in EVE is what happened to the packet, not an analyst's word: it is never read as a label.
"""

from __future__ import annotations

import msgspec

from features.alert import Alert, Entity, EntityKind, Observable, Role, Rule
from features.errors import RecordError
from features.label import Label
from features.normalisers.base import Place, checked_names, digest_uid, parse, tenant_of, to_time


class _Metadata(msgspec.Struct, frozen=True):
    mitre_tactic_name: tuple[str, ...] = ()
    mitre_technique_id: tuple[str, ...] = ()


class _Alert(msgspec.Struct, frozen=True):
    signature_id: int
    gid: int = 1
    signature: str = ""
    severity: int = 0
    category: str = ""
    metadata: _Metadata = _Metadata()


class _Record(msgspec.Struct, frozen=True):
    timestamp: str
    event_type: str
    alert: _Alert | None = None
    src_ip: str = ""
    dest_ip: str = ""


class Suricata:
    """A line of ``eve.json``."""

    _decoder = msgspec.json.Decoder(_Record)

    def decode(self, raw: bytes, place: Place) -> Alert:
        """Return the alert of one line; other EVE events are refused."""
        record = parse(self._decoder, raw, place)
        if record.event_type != "alert" or record.alert is None:
            raise RecordError("is not an alert event", field="event_type", source=place.source, row=place.row)
        when = to_time(record.timestamp, "timestamp", place)
        ends = ((record.src_ip, Role.ACTOR), (record.dest_ip, Role.TARGET))
        known = [(address, role) for address, role in ends if address]
        told = record.alert
        alert = Alert(
            uid=digest_uid(raw),
            tenant=tenant_of(place, ""),
            time=when,
            received_time=place.received_time or when,
            product="suricata",
            rule=Rule(f"{told.gid}:{told.signature_id}", told.signature),
            severity=5 - told.severity if 1 <= told.severity <= 4 else 0,
            tactics=told.metadata.mitre_tactic_name,
            techniques=told.metadata.mitre_technique_id,
            entities=tuple(Entity(EntityKind.ADDRESS, address, role) for address, role in known),
            observables=tuple(Observable("ip", address) for address, _ in known),
            message=told.category,
        )
        return checked_names(alert, place)

    def label(self, raw: bytes, alert: Alert) -> Label | None:
        """EVE carries no analyst's verdict."""
        return None
