"""Certificates: a threshold together with a proven bound on what it can miss.

The bound is Clopper and Pearson's (Biometrika 1934): with k misses among n independent units, P(miss) exceeds
``Beta⁻¹(1−δ; k+1, n−k)`` with probability at most δ. The threshold is found by fixed-sequence testing (Bauer 1991;
Angelopoulos et al., *Learn then Test*, 2021): thresholds of a grid fixed beforehand are tried upward from "suppress
nothing", each at level δ, and the walk stops before the first that fails; so no correction for the many tries is due.
"""

from __future__ import annotations

import math
import re
from enum import StrEnum

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from models.errors import ObjectiveError

GRID: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.arange(-12.0, 4.0001, 0.05)))
"""Thresholds on the calibrated score, fixed beforehand: log-odds −12 to 4 in steps of 0.05."""

_OBJECTIVE = re.compile(r"maximum suppression @ missed_incidents <= (0?\.\d+), confidence (0?\.\d+)", re.ASCII)

DEFAULT_OBJECTIVE = "maximum suppression @ missed_incidents <= 0.01, confidence 0.95"


class Objective(msgspec.Struct, frozen=True):
    """What a threshold must achieve. ``alpha``: the most that may be missed; ``delta``: the risk that the bound is wrong."""

    text: str
    alpha: float
    delta: float

    @classmethod
    def parse(cls, text: str) -> Objective:
        """Read an objective such as ``maximum suppression @ missed_incidents <= 0.01, confidence 0.95``.

        Raises ``ObjectiveError`` for anything else: an objective that is nearly understood is not obeyed.
        """
        found = _OBJECTIVE.fullmatch(" ".join(text.split()))
        if found is None:
            raise ObjectiveError(text, f"expected a sentence like {DEFAULT_OBJECTIVE!r}")
        alpha, confidence = float(found[1]), float(found[2])
        if not 0.0 < alpha < 1.0 or not 0.5 <= confidence < 1.0:
            raise ObjectiveError(text, "missed_incidents must lie in (0, 1) and confidence in [0.5, 1)")
        return cls(" ".join(text.split()), alpha, round(1.0 - confidence, 12))


class Status(StrEnum):
    """Whether the bound was proven."""

    GRANTED = "granted"
    REFUSED = "refused"


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold's proof, as data.

    ``n`` units in calibration, ``k`` of them suppressed at ``threshold``; ``bound`` is the upper bound on
    P(suppressed | true positive) at confidence 1 − ``delta``. ``refused``: no threshold keeps ``alpha``, nothing is
    suppressed, and ``missing`` more units without a miss are needed. ``assumption`` names what must hold: ``own``
    (units of these tenants, scored by models that had not seen their tenant or time) or ``transferred``.
    """

    objective: str
    alpha: float
    delta: float
    unit: str
    group: str
    n: int
    k: int
    bound: float
    status: Status
    threshold: float | None
    missing: int
    assumption: str
    window: tuple[str, str]


def upper_bound(n: int, k: int, delta: float) -> float:
    """Return the exact upper confidence bound on a proportion with ``k`` of ``n`` observed (Clopper–Pearson, one-sided)."""
    if n == 0 or k >= n:
        return 1.0
    return float(betaincinv(k + 1, n - k, 1.0 - delta))


def lower_bound(n: int, hits: int, delta: float) -> float:
    """Return the exact lower confidence bound on a proportion with ``hits`` of ``n`` observed (Clopper–Pearson, one-sided)."""
    return 1.0 - upper_bound(n, n - hits, delta)


def units_needed(alpha: float, delta: float, misses: int = 0) -> int:
    """Return how many units, ``misses`` of them missed, prove ``alpha``: 299 without a miss for 1 % at 95 %."""
    needed = max(math.ceil(math.log(delta) / math.log1p(-alpha) - 1e-9), misses + 1)
    while upper_bound(needed, misses, delta) > alpha * (1.0 + 1e-12):
        needed += 1
    return needed


def certify(
    unit_scores: NDArray[np.float64], objective: Objective, *, unit: str, assumption: str, window: tuple[str, str]
) -> Certificate:
    """Return the certificate of the largest threshold that keeps the objective.

    ``unit_scores`` f8[n]: for each positive unit (incident or attack step) the score of its highest alert *as the whole
    decision sees it*: 1 for an alert that another condition keeps from being suppressed. A unit is missed when every
    alert of it is suppressed, that is when its score lies below the threshold.
    """
    n = len(unit_scores)
    misses = np.searchsorted(np.sort(unit_scores), GRID, side="left")
    threshold, k, bound = None, 0, upper_bound(n, 0, objective.delta)
    for t, missed in zip(GRID, misses, strict=True):
        reached = upper_bound(n, int(missed), objective.delta)
        if reached > objective.alpha * (1.0 + 1e-12):
            break
        threshold, k, bound = float(t), int(missed), reached
    return Certificate(
        objective=objective.text,
        alpha=objective.alpha,
        delta=objective.delta,
        unit=unit,
        group="all",
        n=n,
        k=k,
        bound=bound,
        status=Status.REFUSED if threshold is None else Status.GRANTED,
        threshold=threshold,
        missing=units_needed(objective.alpha, objective.delta, int(misses[0])) - n if threshold is None else 0,
        assumption=assumption,
        window=window,
    )
