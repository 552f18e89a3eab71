"""What every normaliser shares: its interface, where a record stands, and strict reading of times and text."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import Protocol, TypeVar

import msgspec

from features.alert import MAX_NAME, Alert
from features.errors import RecordError
from features.label import Label

EARLIEST, LATEST = datetime(1990, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_MISSING = re.compile(r"^Object missing required field `(\w+)`$")
_ZONE = re.compile(r"([+-]\d{2})(\d{2})$")

T = TypeVar("T")


class Place(msgspec.Struct, frozen=True):
    """Where a record stands. ``tenant`` wins over what the record says; ``received_time`` ``None``: when it happened."""

    tenant: str = ""
    received_time: datetime | None = None
    source: str = "request"
    row: int = -1


class Normaliser(Protocol):
    """Turns one product's record into an alert."""

    def decode(self, raw: bytes, place: Place) -> Alert:
        """Return the alert of one JSON record. Raises ``RecordError`` naming field and reason."""
        ...

    def label(self, raw: bytes, alert: Alert) -> Label | None:
        """Return the verdict that the record itself carries (provenance ``import``), if its format has one.

        Raises ``RecordError`` when that part of the record cannot be understood.
        """
        ...


def parse(decoder: msgspec.json.Decoder[T], raw: bytes, place: Place) -> T:
    """Decode one record strictly; a violation becomes a ``RecordError`` at its place."""
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        text, _, path = str(error).partition(" - at `$")
        parts = [path.strip("`."), *_MISSING.findall(text)]
        raise RecordError(text, field=".".join(part for part in parts if part), source=place.source, row=place.row) from error


def to_time(text: str, field: str, place: Place) -> datetime:
    """Return an aware UTC time from ISO 8601 text with a zone. Raises ``RecordError`` when absurd or without zone."""
    try:
        found = datetime.fromisoformat(_ZONE.sub(r"\1:\2", text))
    except ValueError:
        raise RecordError(f"not a time: {text[:40]!r}", field=field, source=place.source, row=place.row) from None
    return checked_time(found, field, place)


def from_seconds(number: float, field: str, place: Place, unit: float = 1.0) -> datetime:
    """Return an aware UTC time from epoch seconds, or from ``number`` of which ``unit`` make a second.

    Raises ``RecordError`` when absurd.
    """
    try:
        found = datetime.fromtimestamp(number / unit, UTC)
    except (ValueError, OverflowError, OSError):
        raise RecordError("not a time", field=field, source=place.source, row=place.row) from None
    return checked_time(found, field, place)


def checked_time(found: datetime, field: str, place: Place) -> datetime:
    """Return the time in UTC, if it has a zone and lies between 1990 and 2100."""
    if found.tzinfo is None:
        raise RecordError("a time needs a zone", field=field, source=place.source, row=place.row)
    if not EARLIEST <= found < LATEST:
        raise RecordError(f"absurd time {found.isoformat()}", field=field, source=place.source, row=place.row)
    return found.astimezone(UTC)


def checked_names(alert: Alert, place: Place) -> Alert:
    """Return the alert itself, if every name in it is neither empty nor too long (a ``Struct`` does not check what it is given)."""
    names = [alert.uid, alert.tenant, alert.product, alert.rule.uid, *[entity.uid for entity in alert.entities]]
    for number, name in enumerate(names):
        if not 0 < len(name) <= MAX_NAME:
            field = ("uid", "tenant", "product", "rule", "entities")[min(number, 4)]
            raise RecordError(
                f"{len(name)} characters, allowed are 1 to {MAX_NAME}", field=field, source=place.source, row=place.row
            )
    return alert


def tenant_of(place: Place, stated: str) -> str:
    """Return the tenant: the place's; where it has none, the record's own. Raises ``RecordError`` when they differ or both lack."""
    if place.tenant and stated and stated != place.tenant:
        raise RecordError("names another tenant than the sender's", field="tenant", source=place.source, row=place.row)
    if not place.tenant and not stated:
        raise RecordError("no tenant: name one", field="tenant", source=place.source, row=place.row)
    return place.tenant or stated


def digest_uid(raw: bytes) -> str:
    """Return a uid for a record that has none: the digest of its bytes, so that sending it again is the same alert."""
    return hashlib.blake2b(raw, digest_size=16).hexdigest()
