"""How unusual each user and host has lately been, as of any moment: what an alert may know of its entities' behaviour.

A value is noted when it becomes known (a day's at its end, an event's when it is received) and halves in ``HALF_LIFE_DAYS``. What
holds at a moment is the highest of what was noted by then, decayed; so what comes later changes nothing about an earlier moment,
and what comes late and is lower than what was known changes nothing at all.
"""

from __future__ import annotations

import math
import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from datetime import datetime

from features.aliases import normalise_uid

HALF_LIFE_DAYS = 0.25
_RATE = math.log(2.0) / (HALF_LIFE_DAYS * 86400.0)


class _Highest:
    """One entity's values that were higher than all before them, decayed: ``value`` at ``time``, in order of time."""

    __slots__ = ("time", "value")

    def __init__(self) -> None:
        self.time, self.value = array("d"), array("d")

    def note(self, time: float, value: float, most: int) -> None:
        at = bisect_right(self.time, time)
        if at and self._decayed(at - 1, time) >= value:
            return
        self.time.insert(at, time)
        self.value.insert(at, value)
        while at + 1 < len(self.time) and self._decayed(at, self.time[at + 1]) >= self.value[at + 1]:
            del self.time[at + 1], self.value[at + 1]
        if len(self.time) > most:
            del self.time[0], self.value[0]

    def at(self, time: float) -> float:
        at = bisect_right(self.time, time)
        return self._decayed(at - 1, time) if at else math.nan

    def _decayed(self, at: int, time: float) -> float:
        return self.value[at] * math.exp((self.time[at] - time) * _RATE)


class EntityAnomalies:
    """The anomaly of entities by tenant, kind and uid, for any number of threads.

    Of each entity at most ``most_values`` are kept, the latest; beyond ``most_entities`` the one that was noted longest ago is
    forgotten. What is forgotten reads as not known.
    """

    def __init__(self, most_entities: int = 2**17, most_values: int = 64) -> None:
        self._of: OrderedDict[tuple[str, str, str], _Highest] = OrderedDict()
        self._most_entities, self._most_values = most_entities, most_values
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._of)

    def note(self, tenant: str, kind: str, uid: str, time: datetime, value: float) -> None:
        """Take up that from ``time`` on the entity is known to be that unusual; 0 is "as usual". Raises ``ValueError`` below 0."""
        if not 0.0 <= value < math.inf:
            raise ValueError(f"an anomaly is finite and not negative, not {value}")
        key = (tenant, kind, normalise_uid(uid))
        with self._guard:
            self._of.setdefault(key, _Highest()).note(time.timestamp(), value, self._most_values)
            self._of.move_to_end(key)
            if len(self._of) > self._most_entities:
                self._of.popitem(last=False)

    def at(self, tenant: str, kind: str, uid: str, time: datetime) -> float:
        """Return how unusual the entity was known to be at ``time``; NaN where nothing was known."""
        if not uid:
            return math.nan
        with self._guard:
            found = self._of.get((tenant, kind, normalise_uid(uid)))
            return math.nan if found is None else found.at(time.timestamp())

    def forget(self, tenant: str, kind: str, uid: str) -> None:
        """Forget one entity."""
        with self._guard:
            self._of.pop((tenant, kind, normalise_uid(uid)), None)
