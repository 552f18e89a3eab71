"""Which days of whom were judged: none is judged twice, and those that nobody knew of when others ended still can be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from features.accounts import Account
from models.behaviour.day_vector import DayKey


class Ended:
    """Of each account and host the first and the last day that were judged; no day from the one to the other is judged again.

    So a history that comes later than the events after it is taken up before them, and what comes late of a judged day is not.
    """

    def __init__(self) -> None:
        self._spans: dict[tuple[str, str, str], tuple[int, int]] = {}

    def add(self, keys: Iterable[DayKey]) -> None:
        """Take up days that were judged."""
        for key in keys:
            whose = key.tenant, key.kind.value, key.entity
            first, last = self._spans.get(whose, (key.ordinal, key.ordinal))
            self._spans[whose] = min(first, key.ordinal), max(last, key.ordinal)

    def late(self, accounts: Sequence[Account], whose: NDArray[np.int64], ordinal: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which of the days (``whose`` are places in ``accounts``, −1: of nobody) are not to be judged any more."""
        late = np.zeros(len(whose), bool)
        for at, (one, day) in enumerate(zip(whose.tolist(), ordinal.tolist(), strict=True)):
            if one >= 0:
                first, last = self._spans.get((accounts[one].tenant, accounts[one].kind, accounts[one].uid), (1, 0))
                late[at] = first <= day <= last
        return late
