"""What an alert is: the one shape that every product's record is normalised into."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import msgspec

MAX_NAME = 1024
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]


class EntityKind(StrEnum):
    """What kind of thing an entity is (OCSF: device, user, network endpoint, …)."""

    HOST = "host"
    USER = "user"
    ADDRESS = "address"
    PROCESS = "process"
    FILE = "file"
    MAILBOX = "mailbox"
    APPLICATION = "application"
    OTHER = "other"


class Role(StrEnum):
    """The part that an entity plays in the alert."""

    DEVICE = "device"
    """Where it was observed."""
    ACTOR = "actor"
    """Who did it: an account, a source address."""
    TARGET = "target"
    """To whom it was done: a destination address, a victim account."""
    RELATED = "related"


class Entity(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Whom an alert is about: ``kind`` and ``uid``, and the part it plays."""

    kind: EntityKind
    uid: Name
    role: Role = Role.RELATED


class Observable(msgspec.Struct, frozen=True, gc=False):
    """A value that can be matched against indicators: ``kind`` as in OCSF (``ip``, ``domain``, ``hash``, ``url`` …)."""

    kind: str
    value: str


class Rule(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """The detector's rule (OCSF ``analytic``). ``uid`` is the product's own; ``name`` is what an analyst reads."""

    uid: Name
    name: str = ""


class Alert(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One alert of one product, normalised.

    ``time`` is when it happened, ``received_time`` when we learned of it; both UTC and aware. ``severity`` is OCSF
    ``severity_id`` (0 unknown, 1 informational … 5 critical, 6 fatal). ``raw`` is the product's own record as text.
    """

    uid: Name
    tenant: Name
    time: datetime
    received_time: datetime
    product: Name
    rule: Rule
    severity: Annotated[int, msgspec.Meta(ge=0, le=6)] = 0
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    observables: tuple[Observable, ...] = ()
    message: str = ""
    raw: str = ""

    def first(self, kind: EntityKind, *roles: Role) -> str:
        """Return the uid of the first entity of that kind, in the order of roles given (any role if none); else ``""``."""
        for role in roles or tuple(Role):
            for entity in self.entities:
                if entity.kind is kind and entity.role is role:
                    return entity.uid
        return ""


class MainEntity(msgspec.Struct, frozen=True, gc=False):
    """The one entity by which an alert is grouped, counted and shown."""

    kind: str
    uid: str


def main_entity(alert: Alert) -> MainEntity:
    """Return the entity an alert is mainly about: its host, else its user, else its target or source address."""
    for kind in (EntityKind.HOST, EntityKind.USER, EntityKind.ADDRESS):
        uid = alert.first(kind, Role.DEVICE, Role.TARGET, Role.ACTOR, Role.RELATED)
        if uid:
            return MainEntity(kind.value, uid)
    return MainEntity("", "")


_ENCODER = msgspec.json.Encoder(order="deterministic")


def content_digest(alert: Alert) -> bytes:
    """Return the 16-byte digest of what an alert says (its time of receipt left aside): equal digests, same alert."""
    body = _ENCODER.encode(msgspec.structs.replace(alert, received_time=alert.time))
    return hashlib.blake2b(body, digest_size=16).digest()


def from_epoch(seconds: float) -> datetime:
    """Return an aware UTC time from epoch seconds."""
    return datetime.fromtimestamp(seconds, UTC)
