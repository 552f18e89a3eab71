"""What an event is: one activity of a user or host, the input of behaviour analytics."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from features.alert import Entity, EntityKind, Name, Role

MAX_FACETS = 64


class Outcome(StrEnum):
    """How the activity ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    UNKNOWN = "unknown"


class Source(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """From where it was done. The coordinates are degrees; both are known or neither."""

    address: str = ""
    country: str = ""
    device: str = ""
    application: str = ""
    latitude: Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)] | None = None
    longitude: Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)] | None = None


class Facet(msgspec.Struct, frozen=True, gc=False):
    """A further named value that says how it was done: a directory that was touched, the clock's time zone."""

    name: Name
    value: Name


class Event(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One activity, normalised: who (``actor``) did what (``action``) to what (``target``), from where, and how it ended.

    ``time`` is UTC and aware. The actor is a user or, for a program that acts by itself, an application: a service account.
    """

    uid: Name
    tenant: Name
    time: datetime
    actor: Entity
    action: Name
    target: Entity | None = None
    source: Source = Source()
    outcome: Outcome = Outcome.UNKNOWN
    facets: Annotated[tuple[Facet, ...], msgspec.Meta(max_length=MAX_FACETS)] = ()

    @property
    def by_program(self) -> bool:
        """Whether a service account did it."""
        return self.actor.kind is EntityKind.APPLICATION


def user(uid: str) -> Entity:
    """Return a person's account as an actor."""
    return Entity(EntityKind.USER, uid, Role.ACTOR)


def service_account(uid: str) -> Entity:
    """Return a program's account as an actor."""
    return Entity(EntityKind.APPLICATION, uid, Role.ACTOR)
