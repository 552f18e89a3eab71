"""Piles: what one rule says of one subject again and again, each time with something that it shares with nothing.

Each of these lines alone would raise an incident. The first few do; what follows is laid upon the last of these, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping

from models.incidents.agenda import Item, item_of
from models.incidents.incident import Incident
from service.incidents.held import Held
from service.incidents.records import Status

MOST_ALIKE = 20
"""So many open incidents alike in rule and subject are raised of lines that nothing links."""

Key = tuple[str, str, str]
"""Tenant, subject, rule."""


def pile_key(tenant: str, item: Item | None) -> Key | None:
    """Return what an incident of one rule is alike in with others."""
    return (tenant, item.subject, next(iter(item.rules))) if item is not None and len(item.rules) == 1 else None


class Piles:
    """Which open incidents are alike."""

    def __init__(self, held: Mapping[str, Held]) -> None:
        self._held = held
        self._alike: dict[Key, dict[str, None]] = {}

    def add(self, one: Held) -> None:
        """Take note of an incident."""
        key = pile_key(one.tenant, one.item)
        if key is not None:
            self._alike.setdefault(key, {})[one.uid] = None

    def upon(self, alone: Incident, before: str | None) -> Held | None:
        """Return the incident that a line which is ``alone`` is laid upon: the one it was laid upon ``before``, if it may be."""
        key = pile_key(alone.tenant, item_of(alone, alone.score))
        if key is None:
            return None
        alike = [one for uid in self._alike.get(key, ()) if (one := self._held.get(uid)) is not None and self._is(one, key)]
        self._alike[key] = {one.uid: None for one in alike}
        if len(alike) < MOST_ALIKE:
            return None
        return next((one for one in alike if one.uid == before), alike[-1])

    @staticmethod
    def _is(one: Held, key: Key) -> bool:
        return one.status is not Status.CLOSED and pile_key(one.tenant, one.item) == key
