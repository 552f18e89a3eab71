"""Repeats: alerts of one rule on the same entities within a window are one line with a count."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray


def lines(same: NDArray[np.int64], time: NDArray[np.float64], window: float) -> NDArray[np.int64]:
    """Return for each of n alerts the row of the alert that opens its line, i8[n]: its own where it opens one.

    ``same`` i8[n]: code of rule and entities; −1 where there is no entity, and so nothing to be the same: a line by itself. A
    line lasts ``window`` seconds from its first alert, so that endless repeats make a line each window.

    >>> lines(np.array([0, 0, 0, -1, -1]), np.array([0.0, 50.0, 70.0, 0.0, 0.0]), 60.0).tolist()
    [0, 0, 2, 3, 4]
    """
    found = np.arange(len(same), dtype=np.int64)
    order = np.lexsort((time, same))
    order = order[same[order] >= 0]
    key, until, opener = -1, -math.inf, -1
    for row, its, moment in zip(order.tolist(), same[order].tolist(), time[order].tolist(), strict=True):
        if its != key or moment > until:
            key, until, opener = its, moment + window, row
        found[row] = opener
    return found
