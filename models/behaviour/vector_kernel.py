"""Compiled passes over rows of numbers: how much of the past is as far out, and to which leaves trees send them.

Everything here is plain arrays; :mod:`models.behaviour.rarity` and :mod:`models.behaviour.forest` give them names.
"""

from __future__ import annotations

import numpy as np
from numba import njit

_ROWS = 64
"""So many rows are gone through column by column, while they are near."""


@njit(cache=True, nogil=True)
def tails(x, known, stairs, found):
    """Write the smaller share of the past of each number of ``x`` f8[n, F] that is ``known``, and how many spreads it lies beyond all.

    ``stairs``: by feature the rising values with the shares at least as high and low, and the spread. ``found``: shares of 1 and
    distances of 0, to be written over.
    """
    (value, high, low, spread), (share, beyond) = stairs, found
    last = value.shape[1] - 1
    for start in range(0, x.shape[0], _ROWS):
        for f in range(x.shape[1]):
            both_tails = low[f, 0] < 1.0
            for i in range(start, min(start + _ROWS, x.shape[0])):
                if not known[i, f]:
                    continue
                step = np.searchsorted(value[f], x[i, f], side="right") - 1
                if step >= 0:
                    share[i, f] = high[f, step]
                far = x[i, f] - value[f, last]
                if both_tails:
                    step = np.searchsorted(value[f], x[i, f])
                    if step <= last:
                        share[i, f] = min(share[i, f], low[f, step])
                    far = max(far, value[f, 0] - x[i, f])
                if far > 0.0:
                    beyond[i, f] = far / spread[f]


@njit(cache=True, nogil=True)
def leaves(x, trees, out):
    """Write to which node i4[n, trees] each tree leads each row of ``x`` f4[n, F].

    ``trees``: their roots, and of every node its feature (−1: it is a leaf), threshold, left and right.
    """
    roots, feature, threshold, left, right = trees
    for i in range(x.shape[0]):
        for t in range(roots.shape[0]):
            node = roots[t]
            while feature[node] >= 0:
                node = left[node] if x[i, feature[node]] <= threshold[node] else right[node]
            out[i, t] = node
