"""What suppression misses, estimated from the audit: with unequal chances of being drawn, and with analysts who err."""

from __future__ import annotations

from collections.abc import Sequence
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

OVERALL = "all"
"""The group of everything."""


class GroupMisses(NamedTuple):
    """What suppression misses in a group: ``drawn`` audited alerts, ``missed`` of them confirmed attacks, and the true share."""

    drawn: int
    missed: int
    share: Interval


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


def misses_by_group(
    missed: NDArray[np.bool_],
    shown: NDArray[np.float64],
    groups: Sequence[Sequence[str]],
    error: Interval = CERTAIN,
    delta: float = 0.05,
) -> dict[str, GroupMisses]:
    """Return :func:`estimate_misses` overall and for each group, by key, the overall one (``OVERALL``) first, then by key.

    ``groups`` names for each drawn alert the groups that it is in, known when it was decided, such as ``tenant:acme`` or
    ``severity:3``. Each interval holds at 1 − ``delta`` by itself; for all of g groups at once give ``delta / g``. A group in
    which nothing was drawn is not there, and nothing is known of it.
    """
    rows: dict[str, list[int]] = {OVERALL: list(range(len(missed)))}
    for row, keys in enumerate(groups):
        for key in set(keys) - {OVERALL}:
            rows.setdefault(key, []).append(row)
    found = {}
    for key in sorted(rows, key=lambda key: (key != OVERALL, key)):
        some = np.array(rows[key], np.int64)
        share = estimate_misses(missed[some], shown[some], error, delta)
        found[key] = GroupMisses(len(some), int(missed[some].sum()), share)
    return found


def _true_share(said: float, error: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the true share behind a share ``said`` by ``LOOKS`` verdicts that are each wrong with probability ``error``."""
    false, true = error**LOOKS, (1.0 - error) ** LOOKS
    return np.clip((said - false) / (true - false), 0.0, 1.0)
