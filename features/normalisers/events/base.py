"""What every normaliser of events shares: its interface, and how bad input is met.

================================  =====================================================================================
input                             behaviour
================================  =====================================================================================
unknown fields                    ignored
wrong types, NaN, broken JSON     the record is put aside with source, row, field and reason; so with deep nesting
a record above 1 MiB              put aside before it is decoded
coordinates of no place           left out, as where only one of the two is known
no actor                          put aside, with the field that should name it: without an actor there is no behaviour
a time without zone               put aside, except where a product's times are UTC by its own documentation
a time before 1990, after 2099    put aside
a time ahead of its receipt       accepted up to 5 minutes (clocks differ), beyond that put aside
an old time                       accepted: what is too old to be kept is the store's affair, not the reader's
a text above 1,024 characters     cut to 1,024, the end replaced by a digest of the whole: nobody hides an act behind a long
                                  name, distinct values stay distinct, and a million of them have bounded length
more than 64 facets               the first 64 are kept
hostile text, NUL, bidi marks     kept as it is in the event, shown escaped: two spellings are two entities
renamed users                     the alias table says which name meant whom, as of the event's time (``features/accounts.py``)
shared accounts                   one account is one entity, however many people use it
service accounts, roles           actors of kind ``application``: ``Event.by_program``
sent twice                        the same uid with the same content is a duplicate, counted; with other content put aside
================================  =====================================================================================
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec

from features.alert import MAX_NAME, Entity, EntityKind, Role
from features.errors import RecordError
from features.event import MAX_FACETS, Event, Facet, Outcome, Source, service_account, user
from features.normalisers.base import Place, digest_uid, parse, tenant_of, to_time

MAX_RECORD = 2**20
AHEAD = timedelta(minutes=5)
_HEAD = 4096
"""How far into a body an envelope's key is looked for."""
_DIGEST = 32
"""Hexadecimal digits that stand for what was cut off."""

T = TypeVar("T")


class Shape(msgspec.Struct, frozen=True):
    """How a product's records come, besides as JSON lines or an array."""

    envelope: str = ""
    """Key of the array that holds them, where one object is around it."""
    lines: bool = False
    """Whether a record is a line of text."""
    cell: str = ""
    """Column of a CSV file that holds the record as JSON."""
    columns: dict[str, str] = {}
    """Field of the record for each column of a flattened table; of other tables the columns are named as the fields."""
    names_tenant: bool = False
    """Whether a record may name its tenant."""


class EventNormaliser(Protocol):
    """Turns one product's record into an event."""

    shape: Shape

    def decode(self, raw: bytes, place: Place) -> Event:
        """Return the event of one record. Raises ``RecordError`` naming field and reason."""
        ...


def read_record(decoder: msgspec.json.Decoder[T], raw: bytes, place: Place) -> T:
    """Decode one record strictly, if it is not too large."""
    refuse_large(raw, place)
    return parse(decoder, raw, place)


def refuse_large(raw: bytes, place: Place) -> None:
    """Raise ``RecordError`` for a record above the limit."""
    if len(raw) > MAX_RECORD:
        raise refusal(f"{len(raw)} bytes, allowed are {MAX_RECORD}", "", place)


def refusal(reason: str, field: str, place: Place) -> RecordError:
    """Return the error that puts a record aside."""
    return RecordError(reason, field=field, source=place.source, row=place.row)


def required(value: str | None, field: str, place: Place) -> str:
    """Return a text that must be there. Raises ``RecordError``."""
    if not value:
        raise refusal("is missing", field, place)
    return value


def utc_time(text: str, field: str, place: Place) -> datetime:
    """Return the time that a text means; one without a zone is UTC, for products that document it so."""
    zoned = text[10:]
    return to_time(text if "Z" in zoned or "+" in zoned or "-" in zoned else text + "Z", field, place)


def split_body(body: bytes, shape: Shape) -> list[bytes] | None:
    """Return the records of a body that comes in the product's own envelope or as lines of text; else nothing: it is JSON."""
    head = body[:_HEAD].lstrip()
    if shape.lines and not head.startswith(b"["):
        return [line.rstrip(b"\r") for line in body.split(b"\n") if line.strip()]
    if not shape.envelope or not head.startswith(b"{") or f'"{shape.envelope}"'.encode() not in head:
        return None
    try:
        enclosed = msgspec.json.decode(body, type=dict[str, msgspec.Raw]).get(shape.envelope, msgspec.Raw(b"null"))
        return [bytes(item) for item in msgspec.json.decode(enclosed, type=list[msgspec.Raw])]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def bounded(text: str) -> str:
    """Return the text, or, where it is too long, its beginning and a digest of the whole."""
    if len(text) <= MAX_NAME:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST // 2).hexdigest()
    return f"{text[: MAX_NAME - _DIGEST - 1]}~{digest}"


def person(name: str | None, field: str, place: Place) -> Entity:
    """Return a person's account as an actor. Raises ``RecordError`` when it has no name."""
    return user(required(name, field, place))


def program(name: str | None, field: str, place: Place) -> Entity:
    """Return a program's account as an actor. Raises ``RecordError`` when it has no name."""
    return service_account(required(name, field, place))


def target(kind: EntityKind, name: str | None) -> Entity | None:
    """Return to what it was done; nothing where it has no name."""
    return Entity(kind, name, Role.TARGET) if name else None


def facets(pairs: Iterable[tuple[str, str | None]]) -> tuple[Facet, ...]:
    """Return the named values that are there."""
    return tuple(Facet(name, value) for name, value in pairs if value)


def make_event(
    raw: bytes, place: Place, *, uid: str | None, time: datetime, actor: Entity, action: str | None, action_field: str,
    target: Entity | None = None, source: Source = Source(), outcome: Outcome = Outcome.UNKNOWN,  # noqa: B008 — frozen
    facets: tuple[Facet, ...] = (), time_field: str = "time", tenant: str = "",
) -> Event:  # fmt: skip
    """Return an event of bounded length; without ``uid`` it is named by a digest of its record.

    Raises ``RecordError`` when it has no action, lies ahead of its receipt, or belongs to another tenant than the place's.
    """
    if place.received_time is not None and time > place.received_time + AHEAD:
        raise refusal(f"lies {time - place.received_time} ahead of its receipt", time_field, place)
    return Event(
        uid=bounded(uid) if uid else digest_uid(raw),
        tenant=tenant_of(place, tenant),
        time=time,
        actor=_bounded_entity(actor),
        action=bounded(required(action, action_field, place)),
        target=_bounded_entity(target) if target else None,
        source=_bounded_source(source),
        outcome=outcome,
        facets=tuple(Facet(bounded(facet.name), bounded(facet.value)) for facet in facets[:MAX_FACETS]),
    )


def _bounded_source(source: Source) -> Source:
    known = source.latitude is not None and source.longitude is not None
    return Source(
        address=bounded(source.address),
        country=bounded(source.country),
        device=bounded(source.device),
        application=bounded(source.application),
        latitude=source.latitude if known else None,
        longitude=source.longitude if known else None,
    )


def _bounded_entity(entity: Entity) -> Entity:
    return entity if len(entity.uid) <= MAX_NAME else Entity(entity.kind, bounded(entity.uid), entity.role)
