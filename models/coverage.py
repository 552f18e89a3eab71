"""The queue that covers: what to look at next so that a short day sees every different thing worth seeing."""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Aspects(NamedTuple):
    """What n candidates would show, as m entries: candidate ``item`` i8[m] shows aspect ``aspect`` i8[m] (a time window, an entity,
    a rule, a technique) with probability ``chance`` f8[m], and seeing it for certain is worth ``worth`` f8[m]."""

    item: NDArray[np.int64]
    aspect: NDArray[np.int64]
    chance: NDArray[np.float64]
    worth: NDArray[np.float64]


def cover(own: NDArray[np.float64], aspects: Aspects, budget: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return at most ``budget`` candidates i8[k] in the order to look at them, and what each adds, f8[k], falling.

    A set S is worth Σ ``own[i]`` + Σ over aspects of ``worth`` · max ``chance`` in S: what was seen already counts only where it
    is surer now, so likeness to earlier picks counts against a candidate. That is monotone and submodular, so picking the one
    that adds most, again and again, reaches at least 1 − 1/e of the best (Nemhauser et al. 1978); what a candidate adds only
    falls, so few need to be looked at again (Minoux 1978).

    >>> both = Aspects(np.array([0, 1, 2]), np.array([7, 7, 8]), np.array([0.9, 0.8, 0.5]), np.ones(3))
    >>> cover(np.zeros(3), both, 3)[0].tolist()
    [0, 2, 1]
    """
    order = np.argsort(aspects.item, kind="stable")
    _, aspect = np.unique(aspects.aspect[order], return_inverse=True)
    chance, worth = aspects.chance[order], aspects.worth[order]
    start = np.searchsorted(aspects.item[order], np.arange(len(own) + 1))
    seen = np.zeros(int(aspect.max(initial=-1)) + 1)

    def adds(i: int) -> float:
        span = slice(start[i], start[i + 1])
        return float(own[i] + (worth[span] * np.maximum(chance[span] - seen[aspect[span]], 0.0)).sum())

    alone = own + np.bincount(aspects.item, aspects.worth * np.maximum(aspects.chance, 0.0), minlength=len(own))
    heap = [(-gain, i, 0) for i, gain in enumerate(alone.tolist())]
    heapq.heapify(heap)
    picked: list[int] = []
    gains: list[float] = []
    while heap and len(picked) < budget:
        gain, i, when = heapq.heappop(heap)
        if when < len(picked):
            heapq.heappush(heap, (-adds(i), i, len(picked)))
            continue
        picked.append(i)
        gains.append(-gain)
        span = slice(start[i], start[i + 1])
        np.maximum.at(seen, aspect[span], chance[span])
    return np.array(picked, np.int64), np.array(gains, np.float64)
