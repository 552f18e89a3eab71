"""Arrays with a row for each name: they grow as names come, and shrink as names stay away."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.behaviour.day import OLDEST_DAYS

Scalar = TypeVar("Scalar", bound=np.generic)

MOST_AWAY = 0.25
"""Who stays away is forgotten when they are so large a share of all: rows are not copied for one of them each day."""


class Roster:
    """Numbers names in the order in which they come, and forgets those that have not come for :data:`OLDEST_DAYS`."""

    def __init__(self) -> None:
        self._row: dict[Hashable, int] = {}
        self._last = np.zeros(0, np.int32)
        self._today = 0

    def __len__(self) -> int:
        return len(self._row)

    def of(self, names: Iterable[Hashable], day: int) -> NDArray[np.intp]:
        """Return the row of each name, which came on that day (since 1970)."""
        rows = np.array([self._row.setdefault(name, len(self._row)) for name in names], np.intp)
        self._last = grown(self._last, len(self._row))
        self._last[rows] = np.maximum(self._last[rows], day)
        return rows

    def forget(self, day: int) -> NDArray[np.intp] | None:
        """Forget who has long been away on that day; return the rows of the others, which then have new ones, in that order.

        ``None`` if all stay as they are.
        """
        if day <= self._today:
            return None
        self._today = day
        stays = self._last[: len(self._row)] >= day - OLDEST_DAYS
        away = len(stays) - int(np.count_nonzero(stays))
        if not away or away < MOST_AWAY * len(stays):
            return None
        names, rows = list(self._row), np.flatnonzero(stays)
        self._row = {names[row]: at for at, row in enumerate(rows.tolist())}
        self._last = self._last[rows]
        return rows


def grown(array: NDArray[Scalar], size: int, fill: float = 0.0) -> NDArray[Scalar]:
    """Return the array with at least ``size`` rows, at least twice as many as it had if it had fewer; new ones hold ``fill``."""
    if size <= len(array):
        return array
    out = np.full((max(size, 2 * len(array)), *array.shape[1:]), fill, array.dtype)
    out[: len(array)] = array
    return out
