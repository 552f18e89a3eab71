"""How far a day's features lie beyond the account's own usual days: a running mean and spread of each, for each account."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.behaviour.roster import Roster, grown

Floats = NDArray[np.float64]
MEMORY_DAYS = 40.0
"""Days that the mean remembers, about."""
KNOWN_DAYS = 5.0
"""With fewer known days of an account nothing lies beyond them."""
LEAST_VARIANCE, FIRST_VARIANCE = 0.05, 0.5
"""Nobody is so regular that less than this is remarkable; and what is taken for an account's variance before its days are known."""


class OwnDays:
    """The means and variances of all accounts' days, 8 bytes a feature."""

    def __init__(self, features: int) -> None:
        self._known = Roster()
        self._days = np.zeros(0, np.float32)
        self._mean = np.zeros((0, features), np.float32)
        self._variance = np.zeros((0, features), np.float32)

    def __len__(self) -> int:
        return len(self._known)

    def beyond(self, whose: Sequence[Hashable], values: Floats, day: int) -> Floats:
        """Return by how many of the account's usual deviations each value of a day exceeds its mean; 0 where too little is known."""
        rows = self._rows(whose, day)
        deviations: Floats = (values - self._mean[rows]) / np.sqrt(self._variance[rows] + LEAST_VARIANCE)
        return np.where(self._days[rows, np.newaxis] >= KNOWN_DAYS, deviations, 0.0)

    def learn(self, whose: Sequence[Hashable], values: Floats, day: int) -> None:
        """Take up one day of each of ``whose``, who are distinct."""
        rows = self._rows(whose, day)
        share = 1.0 / np.minimum(self._days[rows, np.newaxis] + 1.0, MEMORY_DAYS)
        apart = np.where(self._days[rows, np.newaxis] > 0, values - self._mean[rows], 0.0)
        self._mean[rows] = np.where(self._days[rows, np.newaxis] > 0, self._mean[rows] + share * apart, values)
        self._variance[rows] = (1.0 - share) * (self._variance[rows] + share * apart**2)
        self._variance[rows] = np.where(self._days[rows, np.newaxis] > 0, self._variance[rows], FIRST_VARIANCE)
        self._days[rows] += 1.0

    def _rows(self, whose: Sequence[Hashable], day: int) -> NDArray[np.intp]:
        if (kept := self._known.forget(day)) is not None:
            self._days, self._mean, self._variance = self._days[kept], self._mean[kept], self._variance[kept]
        found, number = self._known.of(whose, day), len(self._known)
        self._days, self._mean = grown(self._days, number), grown(self._mean, number)
        self._variance = grown(self._variance, number)
        return found
