"""What suppression misses, estimated from the audit: with unequal chances of being drawn, and with analysts who err."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

LOOKS = 3
"""Verdicts that must agree before a would-be suppression counts as a miss: one alone is wrong too often for something so rare."""
_ERRORS_TRIED = 65


class Interval(NamedTuple):
    """A share with its confidence interval."""

    share: float
    low: float
    high: float


CERTAIN = Interval(0.0, 0.0, 0.0)
"""The error of verdicts that are never wrong."""


def proportion(hits: float, count: float, delta: float) -> Interval:
    """Return ``hits`` of ``count`` with its exact two-sided interval at 1 − ``delta`` (Clopper & Pearson 1934); counts may be fractions."""
    if count <= 0.0:
        return Interval(0.0, 0.0, 1.0)
    low = float(betaincinv(hits, count - hits + 1.0, delta / 2.0)) if hits > 0.0 else 0.0
    high = float(betaincinv(hits + 1.0, count - hits, 1.0 - delta / 2.0)) if hits < count else 1.0
    return Interval(hits / count, low, high)


def verdict_error(disagreements: int, pairs: int, delta: float = 0.05) -> Interval:
    """Return how often a verdict is wrong, from how often two independent ones on the same alert differ: d = 2e(1 − e)."""
    differ = proportion(disagreements, pairs, delta)
    return Interval(*((1.0 - np.sqrt(1.0 - 2.0 * min(d, 0.5))) / 2.0 for d in differ))


def estimate_misses(
    missed: NDArray[np.bool_], shown: NDArray[np.float64], error: Interval = CERTAIN, delta: float = 0.05
) -> Interval:
    """Return the share of attacks among the would-be suppressed.

    ``missed`` b[m]: whether all ``LOOKS`` verdicts on a drawn alert said attack; ``shown`` f8[m]: its probability of being
    drawn; ``error``: how often a single verdict is wrong (see :func:`verdict_error`). The share is self-normalised by inverse
    propensity (Hájek 1971), its interval exact at the effective sample size (Korn & Graubard 1998), both corrected for
    verdicts that err (Rogan & Gladen 1978) over the whole interval of ``error``; ``delta`` is split between the two.
    """
    if not len(missed):
        return Interval(0.0, 0.0, 1.0)
    weight = 1.0 / shown
    count = float(weight.sum()) ** 2 / float((weight**2).sum())
    raw = proportion(float(weight[missed].sum() / weight.sum()) * count, count, delta if error.high == 0.0 else delta / 2.0)
    rates = np.linspace(error.low, min(error.high, 0.45), _ERRORS_TRIED)
    low, high = _true_share(raw.low, rates).min(), _true_share(raw.high, rates).max()
    return Interval(float(_true_share(raw.share, np.array([error.share]))[0]), float(low), float(high))


def _true_share(said: float, error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the true share behind a share ``said`` by ``LOOKS`` verdicts that are each wrong with probability ``error``."""
    false, true = error**LOOKS, (1.0 - error) ** LOOKS
    return np.clip((said - false) / (true - false), 0.0, 1.0)
