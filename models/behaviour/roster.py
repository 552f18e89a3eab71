"""Arrays with a row for each name: they grow as names come, and shrink as names stay away."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from models.behaviour.day import OLDEST_DAYS

Scalar = TypeVar("Scalar", bound=np.generic)

MOST_AWAY = 0.25
"""The rows of who stays away are given up when they are so large a share of all: others are not copied for one of them each day."""


class Roster:
    """Numbers names in the order in which they come; one that has not come for :data:`OLDEST_DAYS` is somebody new."""

    def __init__(self) -> None:
        self._row: dict[Hashable, int] = {}
        self._last = np.zeros(0, np.int32)
        self._rows = self._today = 0

    def __len__(self) -> int:
        return self._rows

    def of(self, names: Iterable[Hashable], day: int) -> NDArray[np.intp]:
        """Return the row of each name, which came on that day (since 1970)."""
        found, before = list[int](), self._rows
        for name in names:
            row = self._row.get(name)
            if row is None or (row < before and self._last[row] < day - OLDEST_DAYS):
                row = self._row[name] = self._rows
                self._rows += 1
            found.append(row)
        rows = np.array(found, np.intp)
        self._last = grown(self._last, self._rows)
        self._last[rows] = np.maximum(self._last[rows], day)
        return rows

    def forget(self, day: int) -> NDArray[np.intp] | None:
        """Give up the rows of who has long been away on that day; return those of the others, which then have new ones, in that order.

        ``None`` if all stay as they are.
        """
        if day <= self._today:
            return None
        self._today = day
        stays = self._last[: self._rows] >= day - OLDEST_DAYS
        rows, place = np.flatnonzero(stays), (np.cumsum(stays) - 1).tolist()
        away = self._rows - len(rows)
        if not away or away < MOST_AWAY * self._rows:
            return None
        self._row = {name: place[row] for name, row in self._row.items() if stays[row]}
        self._last, self._rows = self._last[rows], len(rows)
        return rows


def grown(array: NDArray[Scalar], size: int, fill: float = 0.0) -> NDArray[Scalar]:
    """Return the array with at least ``size`` rows, at least twice as many as it had if it had fewer; new ones hold ``fill``."""
    if size <= len(array):
        return array
    out = np.full((max(size, 2 * len(array)), *array.shape[1:]), fill, array.dtype)
    out[: len(array)] = array
    return out
