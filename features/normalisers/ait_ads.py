"""AIT Alert Data Set, flattened (Landauer et al. 2023, zenodo.org/record/8263181): one CSV row of Wazuh, Suricata or AMiner.

=============  ===========================================
alert          column
=============  ===========================================
time           ``time`` (epoch seconds)
product        first letter of ``short``: W, S, A
rule           ``name``
entities       ``host`` (device), ``ip`` (address)
label          ``event_label``: ``-`` is not the attacker's
=============  ===========================================
"""

from __future__ import annotations

from datetime import timedelta

import msgspec

from features.alert import Alert, Entity, EntityKind, Observable, Role, Rule
from features.errors import RecordError
from features.label import Label, Provenance, Verdict
from features.normalisers.base import Place, checked_names, digest_uid, from_seconds, parse, tenant_of

COLUMNS = ("time", "name", "ip", "host", "short", "time_label", "event_label")
_PRODUCTS = {"W": "wazuh", "S": "suricata", "A": "aminer"}
_DELAY = timedelta(hours=1)
"""Labels count as given one hour after the alert."""


class _Record(msgspec.Struct, frozen=True):
    time: float | str
    name: str
    short: str
    ip: str = ""
    host: str = ""
    uid: str = ""


class _Verdict(msgspec.Struct, frozen=True):
    event_label: str = ""


class AitAds:
    """A row of ``<network>_alerts.csv``, or the same as a JSON object."""

    _decoder = msgspec.json.Decoder(_Record)
    _verdicts = msgspec.json.Decoder(_Verdict)

    def decode(self, raw: bytes, place: Place) -> Alert:
        """Return the alert of one JSON object with the columns of the CSV file (and, optionally, ``uid``)."""
        record = parse(self._decoder, raw, place)
        uid = record.uid or digest_uid(raw)
        return self.row(
            time=record.time, name=record.name, ip=record.ip, host=record.host, short=record.short, uid=uid, place=place
        )

    def row(self, *, time: float | str, name: str, ip: str, host: str, short: str, uid: str, place: Place) -> Alert:
        """Return the alert of one row's columns."""
        try:
            seconds = float(time)
        except ValueError:
            raise RecordError(f"not epoch seconds: {time!r}", field="time", source=place.source, row=place.row) from None
        when = from_seconds(seconds, "time", place)
        product = _PRODUCTS.get(short[:1])
        if product is None or not name:
            field, reason = ("name", "empty") if product else ("short", f"unknown detector {short[:20]!r}")
            raise RecordError(reason, field=field, source=place.source, row=place.row)
        entities = []
        if host:
            entities.append(Entity(EntityKind.HOST, host, Role.DEVICE))
        if ip:
            entities.append(Entity(EntityKind.ADDRESS, ip, Role.ACTOR))
        alert = Alert(
            uid=uid,
            tenant=tenant_of(place, ""),
            time=when,
            received_time=place.received_time or when,
            product=product,
            rule=Rule(name),
            entities=tuple(entities),
            observables=(Observable("ip", ip),) if ip else (),
        )
        return checked_names(alert, place)

    def label(self, raw: bytes, alert: Alert) -> Label | None:
        """Return the label of ``event_label``, if the record has one."""
        return self.verdict(parse(self._verdicts, raw, Place()).event_label, alert)

    def verdict(self, event_label: str, alert: Alert) -> Label | None:
        """Return the label that ``event_label`` stands for: the kind of attack step, or ``-``. The step is the incident."""
        if not event_label:
            return None
        attack = event_label != "-"
        return Label(
            uid=f"{alert.uid}:label",
            tenant=alert.tenant,
            alert_uid=alert.uid,
            verdict=Verdict.TRUE_POSITIVE if attack else Verdict.FALSE_POSITIVE,
            time=alert.time + _DELAY,
            received_time=alert.time + _DELAY,
            provenance=Provenance.IMPORT,
            reason=event_label,
            incident_uid=f"{alert.tenant}:{event_label}" if attack else "",
        )
