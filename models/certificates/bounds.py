"""Exact bounds on a proportion, from how often something was seen among independent units.

Clopper and Pearson (Biometrika 1934), one-sided: with k of n observed, the proportion exceeds ``Beta⁻¹(1−δ; k+1, n−k)`` with
probability at most δ.
"""

from __future__ import annotations

import math
from functools import cache

from scipy.special import betaincinv

_ROUNDING = 1.0 + 1e-12


def upper_bound(n: int, k: int, delta: float) -> float:
    """Return the upper confidence bound on a proportion with ``k`` of ``n`` observed; 1 where nothing is known."""
    if n == 0 or k >= n:
        return 1.0
    return float(betaincinv(k + 1, n - k, 1.0 - delta))


def lower_bound(n: int, hits: int, delta: float) -> float:
    """Return the lower confidence bound on a proportion with ``hits`` of ``n`` observed; 0 where nothing is known."""
    return 1.0 - upper_bound(n, n - hits, delta)


def units_needed(alpha: float, delta: float, misses: int = 0) -> int:
    """Return how many units, ``misses`` of them missed, prove ``alpha``: 299 without a miss for 1 % at 95 %."""
    low = max(math.ceil(math.log(delta) / math.log1p(-alpha) - 1e-9), misses + 1)
    if _proves(low, misses, alpha, delta):
        return low
    high = 2 * low
    while not _proves(high, misses, alpha, delta):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _proves(middle, misses, alpha, delta) else (middle, high)
    return high


@cache
def misses_allowed(n: int, alpha: float, delta: float) -> int:
    """Return how many of ``n`` units may be missed so that ``alpha`` is still proven; −1 where even none is too many."""
    if not _proves(n, 0, alpha, delta):
        return -1
    low, high = 0, n
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _proves(n, middle, alpha, delta) else (low, middle)
    return low


def _proves(n: int, k: int, alpha: float, delta: float) -> bool:
    return upper_bound(n, k, delta) <= alpha * _ROUNDING
