"""How busy an account or host usually is on a day, how busy its peers are, and whether many use it at once as a habit."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.behaviour.day_vector import DayKey
from models.behaviour.roster import Roster, grown

Floats = NDArray[np.float64]
MEMORY_DAYS = 30.0
"""A mean follows the last days: the newest counts one in so many."""
MOST_APART = 3.0
"""One day moves its group's mean as if it were at most so far from it, in log units: nobody makes excess look usual."""
SHARED_DAYS, SHARED_AT_ONCE, MOST_AT_ONCE = 5, 2.5, 5.0
"""An account is shared if over so many days or more, in the mean, so many devices or addresses were in use within one hour; a day
counts with at most so many, so that one day is no habit."""


class _Means:
    """Running means by name, each an array's row."""

    def __init__(self, columns: int) -> None:
        self._rows = Roster()
        self.days = np.zeros(0)
        self.mean = np.zeros((0, columns))

    def __len__(self) -> int:
        return len(self._rows)

    def rows(self, names: Sequence[Hashable], day: int) -> NDArray[np.intp]:
        if (kept := self._rows.forget(day)) is not None:
            self.days, self.mean = self.days[kept], self.mean[kept]
        found = self._rows.of(names, day)
        self.days, self.mean = grown(self.days, len(self._rows)), grown(self.mean, len(self._rows))
        return found

    def learn(self, rows: NDArray[np.intp], values: Floats) -> None:
        """Take up one day of each of ``rows``, which are distinct."""
        self.days[rows] = np.minimum(self.days[rows] + 1.0, MEMORY_DAYS)
        self.mean[rows] += (values - self.mean[rows]) / self.days[rows][:, np.newaxis]


class Habits:
    """Learns day by day; each day is compared with what was known before it."""

    def __init__(self) -> None:
        self._own, self._group = _Means(2), _Means(1)

    def step(
        self, keys: Sequence[DayKey], groups: Sequence[str], volume: Floats, at_once: Floats
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Return volume (n × 3: as it is, beyond the own habit, beyond the peers') and which accounts are shared; then learn.

        ``keys`` are in the order of time, ``volume`` is log(1 + events), ``at_once`` the day's most devices or addresses in an hour.
        """
        out, shared = np.column_stack([volume, np.zeros((len(keys), 2))]), np.zeros(len(keys), bool)
        ordinals = np.array([key.ordinal for key in keys], np.int64)
        for start, end in _runs(ordinals):
            part, some, day = slice(start, end), keys[start:end], keys[start].ordinal
            own = self._own.rows([key[1:] for key in some], day)
            known = self._own.days[own] > 0
            out[part, 1] = np.where(known, volume[part] - self._own.mean[own, 0], 0.0)
            shared[part] = (self._own.days[own] >= SHARED_DAYS) & (self._own.mean[own, 1] >= SHARED_AT_ONCE)
            self._own.learn(own, np.column_stack([volume[part], np.minimum(at_once[part], MOST_AT_ONCE)]))
            told = np.array([at for at in range(start, end) if groups[at]], np.intp)
            if len(told):
                names = [(keys[at].tenant, keys[at].kind, groups[at]) for at in told.tolist()]
                out[told, 2] = self._peers(names, day, volume[told])
        return out, shared

    def _peers(self, names: Sequence[Hashable], day: int, volume: Floats) -> Floats:
        """Return how far each lies beyond its group's mean; the group then learns the day's mean of its members."""
        group = self._group.rows(names, day)
        known = self._group.days[group] > 0
        mean = self._group.mean[group, 0]
        beyond = np.where(known, volume - mean, 0.0)
        held = np.where(known, mean + np.clip(beyond, -MOST_APART, MOST_APART), volume)
        distinct, inverse = np.unique(group, return_inverse=True)
        self._group.learn(distinct, (np.bincount(inverse, held) / np.bincount(inverse))[:, np.newaxis])
        return beyond


def _runs(ordinals: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return the bounds of each day's rows."""
    starts = np.flatnonzero(np.diff(ordinals, prepend=ordinals[:1] - 1)).tolist()
    return list(pairwise([*starts, len(ordinals)]))
