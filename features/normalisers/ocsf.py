"""OCSF Detection Finding (class 2004, schema 1.8): our own canonical form, and that of any product that speaks OCSF.

=============  ====================================================================
alert          attribute
=============  ====================================================================
uid, rule      ``finding_info.uid``; ``finding_info.analytic.uid`` and ``.name`` (else ``finding_info.title``)
time           ``time`` (epoch milliseconds); ``metadata.logged_time`` is when it was received
tenant         ``metadata.tenant_uid``
product        ``metadata.product.name``
severity       ``severity_id`` 0–6 (99 Other becomes 0)
tactics …      ``finding_info.attacks[].tactic.name``, ``.technique.uid``
entities       ``evidences[]``-free form: ``device``, ``actor.user``, ``src_endpoint``, ``dst_endpoint`` and, canonical, ``unmapped.tamis.entities``
observables    ``observables[].type``/``type_id``, ``.value``
label          ``verdict_id`` (incident profile)
=============  ====================================================================

Our own form writes time with microseconds in ``unmapped.tamis.time``, the rule and the entities with their roles beside the
standard attributes, so that it round-trips without loss.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from features.alert import Alert, Entity, EntityKind, Observable, Role, Rule
from features.errors import RecordError
from features.label import Label, Provenance, Verdict
from features.normalisers.base import Place, checked_names, checked_time, from_seconds, parse, tenant_of

CLASS_UID = 2004

VERDICTS = {1: Verdict.FALSE_POSITIVE, 2: Verdict.TRUE_POSITIVE, 5: Verdict.BENIGN_POSITIVE, 6: Verdict.BENIGN_POSITIVE,
            8: Verdict.TRUE_POSITIVE, 10: Verdict.DUPLICATE}  # fmt: skip
"""``verdict_id`` → verdict; all others are ``undetermined``."""


class _Named(msgspec.Struct, frozen=True, omit_defaults=True):
    name: str = ""
    uid: str = ""


class _Attack(msgspec.Struct, frozen=True, omit_defaults=True):
    tactic: _Named = _Named()
    technique: _Named = _Named()


class _Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    uid: str
    title: str = ""
    desc: str = ""
    analytic: _Named = _Named()
    attacks: tuple[_Attack, ...] = ()


class _Metadata(msgspec.Struct, frozen=True, omit_defaults=True):
    product: _Named = _Named()
    tenant_uid: str = ""
    version: str = ""
    logged_time: int | None = None


class _Device(msgspec.Struct, frozen=True, omit_defaults=True):
    hostname: str = ""
    name: str = ""
    ip: str = ""
    uid: str = ""


class _Actor(msgspec.Struct, frozen=True, omit_defaults=True):
    user: _Named = _Named()


class _Observable(msgspec.Struct, frozen=True, omit_defaults=True):
    value: str = ""
    type: str = ""
    type_id: int = 0


class _Own(msgspec.Struct, frozen=True, omit_defaults=True):
    time: datetime
    received_time: datetime
    rule: Rule
    entities: tuple[Entity, ...] = ()


class _Unmapped(msgspec.Struct, frozen=True, omit_defaults=True):
    tamis: _Own | None = None


class _Record(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    class_uid: int
    time: int
    finding_info: _Finding
    metadata: _Metadata
    severity_id: int = 0
    message: str = ""
    raw_data: str = ""
    device: _Device = _Device()
    actor: _Actor = _Actor()
    src_endpoint: _Device = _Device()
    dst_endpoint: _Device = _Device()
    observables: tuple[_Observable, ...] = ()
    unmapped: Any = None


class _Verdict(msgspec.Struct, frozen=True):
    verdict_id: int = 0
    assignee: _Named = _Named()
    comment: str = ""


_TYPES = {1: "hostname", 2: "ip", 4: "user", 6: "url", 8: "hash", 20: "endpoint"}


class Ocsf:
    """A Detection Finding."""

    _decoder = msgspec.json.Decoder(_Record)
    _verdicts = msgspec.json.Decoder(_Verdict)

    def decode(self, raw: bytes, place: Place) -> Alert:
        """Return the alert of one finding."""
        record = parse(self._decoder, raw, place)
        if record.class_uid != CLASS_UID:
            raise RecordError(
                f"class {record.class_uid}, expected {CLASS_UID}", field="class_uid", source=place.source, row=place.row
            )
        finding, own = record.finding_info, self._own(record, place)
        when = own.time if own else from_seconds(record.time, "time", place, 1000.0)
        logged = own.received_time if own else None
        if logged is None and record.metadata.logged_time is not None:
            logged = from_seconds(record.metadata.logged_time, "metadata.logged_time", place, 1000.0)
        rule_uid = finding.analytic.uid or finding.analytic.name or finding.title
        product = record.metadata.product.name or record.metadata.product.uid
        for field, value in (
            ("finding_info.uid", finding.uid),
            ("finding_info.analytic", rule_uid),
            ("metadata.product", product),
        ):
            if not value:
                raise RecordError("empty", field=field, source=place.source, row=place.row)
        alert = Alert(
            uid=finding.uid,
            tenant=tenant_of(place, record.metadata.tenant_uid),
            time=when,
            received_time=place.received_time or logged or when,
            product=product,
            rule=own.rule if own else Rule(rule_uid, finding.analytic.name or finding.title),
            severity=record.severity_id if 0 <= record.severity_id <= 6 else 0,
            tactics=tuple(attack.tactic.name for attack in finding.attacks if attack.tactic.name),
            techniques=tuple(attack.technique.uid for attack in finding.attacks if attack.technique.uid),
            entities=own.entities if own else tuple(_entities(record)),
            observables=tuple(
                Observable(o.type or _TYPES.get(o.type_id, "other"), o.value) for o in record.observables if o.value
            ),
            message=record.message or finding.desc,
            raw=record.raw_data,
        )
        return checked_names(alert, place)

    def label(self, raw: bytes, alert: Alert) -> Label | None:
        """Return the label of ``verdict_id``, if the finding carries one."""
        told = parse(self._verdicts, raw, Place())
        if not told.verdict_id:
            return None
        return Label(
            uid=f"{alert.uid}:label",
            tenant=alert.tenant,
            alert_uid=alert.uid,
            verdict=VERDICTS.get(told.verdict_id, Verdict.UNDETERMINED),
            time=alert.received_time,
            received_time=alert.received_time,
            provenance=Provenance.IMPORT,
            analyst=told.assignee.name,
            reason=told.comment,
        )

    def _own(self, record: _Record, place: Place) -> _Own | None:
        if not isinstance(record.unmapped, dict) or "tamis" not in record.unmapped:
            return None
        try:
            own = msgspec.convert(record.unmapped["tamis"], _Own)
        except msgspec.ValidationError as error:
            raise RecordError(str(error), field="unmapped.tamis", source=place.source, row=place.row) from error
        return msgspec.structs.replace(
            own,
            time=checked_time(own.time, "unmapped.tamis.time", place),
            received_time=checked_time(own.received_time, "unmapped.tamis.received_time", place),
        )


def _entities(record: _Record) -> list[Entity]:
    device = record.device.hostname or record.device.name
    found = [
        (EntityKind.HOST, device, Role.DEVICE),
        (EntityKind.USER, record.actor.user.name or record.actor.user.uid, Role.ACTOR),
        (EntityKind.ADDRESS, record.src_endpoint.ip, Role.ACTOR),
        (EntityKind.ADDRESS, record.dst_endpoint.ip, Role.TARGET),
        (EntityKind.HOST, record.dst_endpoint.hostname if record.dst_endpoint.hostname != device else "", Role.TARGET),
    ]
    return [Entity(kind, uid, role) for kind, uid, role in found if uid]


_ENCODER = msgspec.json.Encoder(order="deterministic")


def to_ocsf(alert: Alert) -> bytes:
    """Return the canonical form of an alert; ``Ocsf().decode`` gives the same alert back."""
    techniques = tuple(_Attack(technique=_Named(uid=technique)) for technique in alert.techniques)
    return _ENCODER.encode(
        _Record(
            class_uid=CLASS_UID,
            time=int(alert.time.timestamp() * 1000.0),
            severity_id=alert.severity,
            message=alert.message,
            raw_data=alert.raw,
            metadata=_Metadata(product=_Named(name=alert.product), tenant_uid=alert.tenant, version="1.8.0"),
            finding_info=_Finding(
                uid=alert.uid,
                title=alert.rule.name or alert.rule.uid,
                analytic=_Named(name=alert.rule.name, uid=alert.rule.uid),
                attacks=tuple(_Attack(tactic=_Named(name=tactic)) for tactic in alert.tactics) + techniques,
            ),
            device=_Device(hostname=alert.first(EntityKind.HOST, Role.DEVICE)),
            actor=_Actor(user=_Named(name=alert.first(EntityKind.USER, Role.ACTOR))),
            src_endpoint=_Device(ip=alert.first(EntityKind.ADDRESS, Role.ACTOR)),
            dst_endpoint=_Device(ip=alert.first(EntityKind.ADDRESS, Role.TARGET)),
            observables=tuple(_Observable(value=o.value, type=o.kind) for o in alert.observables),
            unmapped={"tamis": _Own(alert.time, alert.received_time, alert.rule, alert.entities)},
        )
    )
