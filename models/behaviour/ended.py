"""Which days of whom were judged: none is judged twice, and those that nobody knew of when others ended still can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from features.accounts import Account
from models.behaviour.day_vector import DayKey

FORGOTTEN_EVERY = 30
"""Days: so often what is too old is forgotten."""


class Ended:
    """The days that were judged of each account and host: one day, and from it on a bit for each."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, str, str], tuple[int, int]] = {}
        self._first = 0

    def __len__(self) -> int:
        return len(self._days)

    def add(self, keys: Iterable[DayKey]) -> None:
        """Take up days that were judged."""
        for key in keys:
            whose = key.tenant, key.kind.value, key.entity
            first, days = self._days.get(whose, (key.ordinal, 0))
            if key.ordinal < first:
                first, days = key.ordinal, days << (first - key.ordinal)
            self._days[whose] = first, days | 1 << (key.ordinal - first)

    def forget(self, before: int) -> None:
        """Forget the days before that one (since 1970), of which no event is believed any more; not at once, but now and then."""
        if before - self._first < FORGOTTEN_EVERY:
            return
        self._first = before
        shifted = ((whose, max(first, before), days >> max(before - first, 0)) for whose, (first, days) in self._days.items())
        self._days = {whose: (first, days) for whose, first, days in shifted if days}

    def late(self, accounts: Sequence[Account], whose: NDArray[np.int64], ordinal: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the days (``whose`` are places in ``accounts``, −1: of nobody) are not to be judged any more."""
        late = np.zeros(len(whose), bool)
        for at, (one, day) in enumerate(zip(whose.tolist(), ordinal.tolist(), strict=True)):
            if one >= 0:
                first, days = self._days.get((accounts[one].tenant, accounts[one].kind, accounts[one].uid), (day, 0))
                late[at] = day >= first and days >> (day - first) & 1
        return late
