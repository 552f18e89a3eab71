"""What was done, as columns: no object for any single event of a world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.rows import NONE

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Deeds(NamedTuple):
    """n events as columns, in any order.

    ``time``: seconds since the start. ``account`` and ``device`` index the town's; ``target`` its list of targets. ``address``: an
    IPv4 address as a number. ``country``, ``action`` and ``program`` index their lists. −1 is none. ``case``: number of the
    scenario that it is part of, −1 in normal life.
    """

    time: Floats
    account: Ints
    action: Ints
    target: Ints
    address: Ints
    country: Ints
    device: Ints
    program: Ints
    failed: Ints
    case: Ints

    def take(self, index: Ints | NDArray[np.bool_]) -> Deeds:
        """Return the events at ``index`` (positions or a mask)."""
        return Deeds(self.time[index], *(column[index] for column in self[1:]))

    def but(self, **columns: object) -> Deeds:
        """Return the events with other columns (arrays or single numbers)."""
        return deeds(**(self._asdict() | columns))


def deeds(time: Floats, **columns: object) -> Deeds:
    """Return events with the columns given (arrays or single numbers); none has failed, and the others are −1."""
    filled = {name: columns.get(name, NONE) for name in Deeds._fields[1:]} | {"failed": columns.get("failed", 0)}
    return Deeds(time, *(np.broadcast_to(np.asarray(value, np.int64), time.shape) for value in filled.values()))


def together(parts: Sequence[Deeds]) -> Deeds:
    """Return all events, one part after the other."""
    time, *others = (np.concatenate(column) for column in zip(deeds(np.zeros(0)), *parts, strict=True))
    return Deeds(time, *others)
