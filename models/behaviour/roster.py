"""Arrays with a row for each name, which grow as names come."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Scalar = TypeVar("Scalar", bound=np.generic)


class Roster:
    """Numbers names in the order in which they come."""

    def __init__(self) -> None:
        self._row: dict[Hashable, int] = {}

    def __len__(self) -> int:
        return len(self._row)

    def of(self, names: Iterable[Hashable]) -> NDArray[np.intp]:
        """Return the row of each name."""
        return np.array([self._row.setdefault(name, len(self._row)) for name in names], np.intp)


def grown(array: NDArray[Scalar], size: int, fill: float = 0.0) -> NDArray[Scalar]:
    """Return the array with at least ``size`` rows, at least twice as many as it had if it had fewer; new ones hold ``fill``."""
    if size <= len(array):
        return array
    out = np.full((max(size, 2 * len(array)), *array.shape[1:]), fill, array.dtype)
    out[: len(array)] = array
    return out
