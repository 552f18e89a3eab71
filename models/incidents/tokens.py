"""Tokens: what two alerts can have in common, of which sort it is, and which part it plays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from functools import lru_cache

import msgspec

from features.alert import Alert, EntityKind, Role
from features.aliases import normalise_uid

Resolve = Callable[[str, str, str, datetime], str]
"""(tenant, kind, uid, time) → the entity's uid as of then; an address may turn out to be a host's."""

ACTOR, PLACE = 1, 2
"""Bits of a token's part: it acts; it is named as a host, not only by address."""


class Sort(IntEnum):
    """Sorts of tokens. A host may be named by its address, so addresses are nodes, too; outside is what no host or user owns."""

    NODE = 0
    USER = 1
    OUTSIDE = 2


class Token(msgspec.Struct, frozen=True, gc=False):
    """One thing that an alert names: ``part`` holds ``ACTOR`` and ``PLACE``."""

    sort: Sort
    uid: str
    part: int


_SORTS = {EntityKind.HOST: Sort.NODE, EntityKind.ADDRESS: Sort.NODE, EntityKind.USER: Sort.USER, EntityKind.MAILBOX: Sort.USER}
_OBSERVED = {"ip": Sort.NODE, "hostname": Sort.NODE, "user": Sort.USER}
_REMEMBERED = 100_000
MOST_TOKENS = 32
"""An alert that names more is read as naming the first so many: a list of a thousand addresses joins nothing by itself."""


def tokens(alert: Alert, resolve: Resolve | None = None) -> tuple[Token, ...]:
    """Return the different tokens of an alert, in the order named, at most ``MOST_TOKENS``."""
    found: dict[tuple[Sort, str], Token] = {}
    for entity in alert.entities[:MOST_TOKENS]:
        uid = resolve(alert.tenant, entity.kind, entity.uid, alert.time) if resolve else entity.uid
        token = _of_entity(entity.kind, uid, entity.role)
        key = token.sort, token.uid
        before = found.get(key)
        found[key] = token if before is None else Token(token.sort, token.uid, before.part | token.part)
    for observable in alert.observables[:MOST_TOKENS]:
        token = _of_observable(observable.kind, observable.value)
        found.setdefault((token.sort, token.uid), token)
    found.pop((Sort.OUTSIDE, ""), None)
    return tuple(found.values())[:MOST_TOKENS]


@lru_cache(_REMEMBERED)
def _of_entity(kind: EntityKind, uid: str, role: Role) -> Token:
    part = (ACTOR if role is Role.ACTOR else 0) | (PLACE if kind is EntityKind.HOST else 0)
    return _token(_SORTS.get(kind, Sort.OUTSIDE), uid, part)


@lru_cache(_REMEMBERED)
def _of_observable(kind: str, value: str) -> Token:
    return _token(_OBSERVED.get(kind, Sort.OUTSIDE), value, 0)


def _token(sort: Sort, uid: str, part: int) -> Token:
    """Return a token; what has no name is always the same one, which :func:`tokens` leaves out."""
    name = normalise_uid(uid)
    return Token(sort, name, part) if name else Token(Sort.OUTSIDE, "", 0)
