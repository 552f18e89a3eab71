"""P-values that promise something: how often the past was as strange as this, and which of a day's users to call out.

A p-value is conformal (Vovk and others 2005): if the score and the past are exchangeable, P(p ≤ a) ≤ a for every a, whatever the
scores are, and ties only make it larger. Where too little is known it is 1: nobody is called out by a guess.

Of a day's p-values Benjamini and Hochberg (1995) call out those of which at most the set share is false on average. P-values that
were computed against one past depend on each other positively, under which their procedure holds (Bates and others 2023).
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, insort
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LEAST_PAST = 20
"""With fewer past scores there is no p-value: it is 1."""


class Past:
    """The latest scores, of one account or of a group: at most ``size``, 8 bytes each."""

    def __init__(self, size: int) -> None:
        self._ring, self._sorted = array("f"), array("f")
        self._size, self._next = size, 0

    def __len__(self) -> int:
        return len(self._ring)

    def add(self, score: float) -> None:
        """Take up one more score; at ``size`` the oldest goes."""
        rounded = _rounded(score)
        if len(self._ring) < self._size:
            self._ring.append(rounded)
        else:
            del self._sorted[bisect_left(self._sorted, self._ring[self._next])]
            self._ring[self._next] = rounded
            self._next = (self._next + 1) % self._size
        insort(self._sorted, rounded)

    def p_value(self, score: float) -> float:
        """Return (1 + scores at least as high) ÷ (1 + scores); 1 while there are fewer than :data:`LEAST_PAST`."""
        if len(self) < LEAST_PAST:
            return 1.0
        return (1 + len(self) - bisect_left(self._sorted, _rounded(score))) / (1 + len(self))

    def surprise(self, score: float) -> float:
        """Return −log of the p-value, and beyond the highest score what a Pareto tail of one spread adds: in nats, 0 if nothing is known.

        It ranks; only the p-value promises.
        """
        if len(self) < LEAST_PAST:
            return 0.0
        highest, middle = self._sorted[-1], self._sorted[len(self) // 2]
        beyond = max(0.0, score - highest) / max(highest - middle, 1e-3)
        return -math.log(self.p_value(score)) + math.log1p(min(beyond, 1e6))


def _rounded(score: float) -> float:
    """Return the score as it is held (in 4 bytes), so that it is compared as it was stored."""
    return array("f", (score,))[0]


def p_value(score: float, own: Past, group: Past) -> float:
    """Return the p-value of an account's score against its own past and its group's.

    It is never less than the group's, so it promises what that does. A score that is a record for the account is as strange as
    its past can say, and the group's, which is larger, decides; any other is at most as strange as the account's own past says:
    who is always loud is not called out for being so.
    """
    if len(own) < LEAST_PAST:
        return 1.0
    mine, record = own.p_value(score), 1 / (1 + len(own))
    return max(group.p_value(score), mine if mine > record else 0.0)


def discoveries(p_values: Sequence[float], rate: float) -> NDArray[np.bool_]:
    """Return which hypotheses are rejected so that the false share among them is at most ``rate`` on average.

    A p-value that is no number belongs to an account that was not judged, and is not among those that are counted.
    """
    p = np.asarray(p_values, float)
    out, tested = np.zeros(len(p), bool), np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    passed = np.flatnonzero(p[order] <= rate * np.arange(1, len(tested) + 1) / max(len(tested), 1))
    if len(passed):
        out[order[: passed[-1] + 1]] = True
    return out
