"""P-values that promise something: how often the past was as strange as this, and which of a day's users to call out."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST_PAST = 20
"""With fewer past scores there is no p-value: it is 1."""


class Past:
    """The latest scores, of one account or of a group: at most ``size``."""

    def __init__(self, size: int) -> None:
        self._order: deque[float] = deque()
        self._sorted: list[float] = []
        self._size = size

    def __len__(self) -> int:
        return len(self._order)

    def add(self, score: float) -> None:
        """Take up one more score."""
        self._order.append(score)
        insort(self._sorted, score)
        if len(self._order) > self._size:
            del self._sorted[bisect_left(self._sorted, self._order.popleft())]

    def p_value(self, score: float) -> float:
        """Return (1 + scores at least as high) ÷ (1 + scores): if past and present are exchangeable, P(p ≤ a) ≤ a."""
        if len(self) < LEAST_PAST:
            return 1.0
        return (1 + len(self) - bisect_left(self._sorted, score)) / (1 + len(self))


def discoveries(p_values: Sequence[float], rate: float) -> NDArray[np.bool_]:
    """Return which hypotheses Benjamini and Hochberg (1995) reject so that the false share among them is at most ``rate``."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    passed = np.flatnonzero(p[order] <= rate * np.arange(1, len(p) + 1) / max(len(p), 1))
    out = np.zeros(len(p), bool)
    if len(passed):
        out[order[: passed[-1] + 1]] = True
    return out
