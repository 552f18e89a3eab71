"""Tokens: what two alerts can have in common, of which sort it is, and which part it plays."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

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


class Token(NamedTuple):
    """One thing that an alert names: ``part`` holds ``ACTOR`` and ``PLACE``."""

    sort: Sort
    uid: str
    part: int


_normal = lru_cache(100_000)(normalise_uid)

_SORTS = {EntityKind.HOST: Sort.NODE, EntityKind.ADDRESS: Sort.NODE, EntityKind.USER: Sort.USER, EntityKind.MAILBOX: Sort.USER}
_OBSERVED = {"ip": Sort.NODE, "hostname": Sort.NODE, "user": Sort.USER}
MOST_TOKENS = 32
"""An alert that names more is read as naming the first so many: a list of a thousand addresses joins nothing by itself."""


def tokens(alert: Alert, resolve: Resolve | None = None) -> tuple[Token, ...]:
    """Return the different tokens of an alert, in the order named, at most ``MOST_TOKENS``."""
    found: dict[tuple[Sort, str], int] = {}
    for entity in alert.entities[:MOST_TOKENS]:
        uid = resolve(alert.tenant, entity.kind.value, entity.uid, alert.time) if resolve else entity.uid
        key = (_SORTS.get(entity.kind, Sort.OUTSIDE), _normal(uid))
        part = (ACTOR if entity.role is Role.ACTOR else 0) | (PLACE if entity.kind is EntityKind.HOST else 0)
        found[key] = found.get(key, 0) | part
    for observable in alert.observables[:MOST_TOKENS]:
        key = (_OBSERVED.get(observable.kind, Sort.OUTSIDE), _normal(observable.value))
        found.setdefault(key, 0)
    return tuple(Token(sort, uid, part) for (sort, uid), part in list(found.items())[:MOST_TOKENS] if uid)
