"""The certifier: from calibration units to thresholds with exact bounds.

Suppression: thresholds of a grid fixed beforehand are tried upward from "hide nothing", each at level δ, and the walk stops
before the first that fails (fixed-sequence testing: Bauer 1991; Angelopoulos et al., *Learn then Test*, 2021), so no correction
for the many tries is due. The bound never falls along the walk, hence the last threshold that passes follows from the order
statistics of the scores. A threshold must also hold for every kind of attack that has enough units, and lose none of the
others: one easy and numerous kind must not buy the budget of a rare, hard one.

Response: the bound may rise and fall with the threshold, so the thresholds of a coarse grid are tested with δ divided among
them (Bonferroni), and the lowest that passes is taken.

Each group with enough units has a certificate of its own, which is never looser than that of a group in which it lies; the
others go by the wider group's. Since a group's certificate only ever tightens, the one over all alerts holds as it stands.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.certificates.bounds import misses_allowed, units_needed, upper_bound
from models.certificates.certificate import EVERY, GRID, Certificate, Status, about
from models.certificates.groups import parents
from models.certificates.objective import Aim, Objective
from models.certificates.units import Calibration, Ranked, Units

RESPONSE_GRID: NDArray[np.float64] = np.array(
    [0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.993, 0.995, 0.999]
)
"""Thresholds of a response, fixed beforehand."""


def certify(calibration: Calibration, objectives: Sequence[Objective], audit_rate: float = 0.0) -> tuple[Certificate, ...]:
    """Return the certificates of each objective: over all alerts first, then of each group with enough units, wide ones first."""
    ranked = {Aim.SUPPRESSION: Ranked(calibration.incidents), Aim.RESPONSE: Ranked(calibration.responses)}
    found: list[Certificate] = []
    for objective in objectives:
        units = ranked[objective.aim]
        prover = (
            _Suppression(units, objective, calibration.ceiling)
            if objective.aim is Aim.SUPPRESSION
            else _Response(units, objective)
        )
        facts = {"unit": calibration.unit, "window": calibration.window, "model": calibration.model, "audit_rate": audit_rate}
        whole = prover.prove(EVERY, np.arange(len(units)), {})
        made = {EVERY: about(objective, **whole, **facts, assumption=calibration.assumption)}
        for key, rows in units.groups.items():
            if prover.enough(rows):
                assumption = "own" if key.startswith("tenant:") else calibration.assumption
                made[key] = about(objective, **prover.prove(key, rows, made), **facts, assumption=assumption)
        found += made.values()
    return tuple(_doubted(one, calibration.doubt) for one in found) if calibration.doubt else tuple(found)


def _doubted(certificate: Certificate, why: str) -> Certificate:
    return msgspec.structs.replace(
        certificate, status=Status.REFUSED, threshold=None, k=0, bound=1.0, missing=0, binding="", because=why
    )


def certify_pooled(
    score: NDArray[np.float64], objective: Objective, *, unit: str, assumption: str, window: tuple[str, str], model: str = ""
) -> Certificate:
    """Return the certificate of a suppression over all alerts from unit scores f8[n] alone, whatever kinds or groups there are."""
    nothing = [""] * len(score)
    units = Units(
        score=score.tolist(), tenant=nothing, product=nothing, severity=nothing, rule=nothing, kind=nothing,
        attack=[True] * len(score),
    )  # fmt: skip
    proof = _Suppression(Ranked(units), objective).prove(EVERY, np.arange(len(score)), {})
    return about(objective, **proof, unit=unit, assumption=assumption, window=window, model=model)


class _Suppression:
    """Proves how many incidents are hidden whole below a threshold."""

    def __init__(self, units: Ranked, objective: Objective, ceiling: float = 1.0) -> None:
        self._units, self._alpha, self._delta, self._ceiling = units, objective.alpha, objective.delta, ceiling
        self._needed = units_needed(self._alpha, self._delta)

    def enough(self, rows: NDArray[np.int64]) -> bool:
        return len(rows) >= self._needed

    def prove(self, key: str, rows: NDArray[np.int64], made: dict[str, Certificate]) -> dict[str, object]:
        n, score = len(rows), self._units.score[rows]
        highest, binding = _quantile(score, misses_allowed(n, self._alpha, self._delta)), ""
        limit, of_kind = self._kind_limit(rows)
        if limit < highest:
            highest, binding = limit, of_kind
        for parent in (made[p] for p in parents(key) if p in made):
            highest = min(highest, -np.inf if parent.threshold is None else parent.threshold)
        fitting = GRID[min(highest, self._ceiling) >= GRID]
        threshold = float(fitting[-1]) if len(fitting) else None
        k = int(np.searchsorted(score, GRID[0] if threshold is None else threshold, side="left"))
        return {
            "group": key, "n": n, "k": 0 if threshold is None else k, "threshold": threshold, "binding": binding,
            "bound": upper_bound(n, 0 if threshold is None else k, self._delta),
            "status": Status.REFUSED if threshold is None else Status.GRANTED,
            "missing": max(units_needed(self._alpha, self._delta, k) - n, 0) if threshold is None else 0,
        }  # fmt: skip

    def _kind_limit(self, rows: NDArray[np.int64]) -> tuple[float, str]:
        """Return the highest threshold that every kind allows, and the kind that allows no more."""
        kind, score = self._units.kind[rows], self._units.score[rows]
        counts = np.bincount(kind, minlength=len(self._units.kinds))
        first = np.zeros(len(counts), np.int64)
        first[kind[::-1]] = np.arange(len(kind))[::-1]
        limit, binding = np.inf, ""
        for number in np.flatnonzero(counts).tolist():
            n = int(counts[number])
            allowed = misses_allowed(n, self._alpha, self._delta) if n >= self._needed else 0
            own = float(score[first[number]]) if allowed == 0 else _quantile(score[kind == number], allowed)
            if own < limit and self._units.kinds[number]:
                limit, binding = own, self._units.kinds[number]
        return limit, binding


class _Response:
    """Proves how many of those responded to from a threshold on were no attack."""

    def __init__(self, units: Ranked, objective: Objective) -> None:
        self._units, self._alpha, self._tests = units, objective.alpha, len(RESPONSE_GRID)
        self._delta = objective.delta / self._tests
        self._needed = units_needed(self._alpha, self._delta)

    def enough(self, rows: NDArray[np.int64]) -> bool:
        return int((self._units.score[rows] >= RESPONSE_GRID[0]).sum()) >= self._needed

    def prove(self, key: str, rows: NDArray[np.int64], made: dict[str, Certificate]) -> dict[str, object]:
        score, wrong = self._units.score[rows], self._units.score[rows[~self._units.attack[rows]]]
        n = len(score) - np.searchsorted(score, RESPONSE_GRID, side="left")
        k = len(wrong) - np.searchsorted(wrong, RESPONSE_GRID, side="left")
        bound = np.array([upper_bound(int(a), int(b), self._delta) for a, b in zip(n, k, strict=True)])
        lowest = max((np.inf if c.threshold is None else c.threshold for p in parents(key) if (c := made.get(p))), default=0.0)
        passing = np.flatnonzero((bound <= self._alpha * (1.0 + 1e-12)) & (lowest <= RESPONSE_GRID))
        at = int(passing[0]) if len(passing) else int(np.argmin(bound))
        granted = len(passing) > 0
        return {
            "group": key, "n": int(n[at]), "k": int(k[at]), "threshold": float(RESPONSE_GRID[at]) if granted else None,
            "bound": float(bound[at]), "status": Status.GRANTED if granted else Status.REFUSED, "correction": self._tests,
            "missing": 0 if granted else max(units_needed(self._alpha, self._delta, int(k[at])) - int(n[at]), 0),
        }  # fmt: skip


def _quantile(ordered: NDArray[np.float64], misses: int) -> float:
    """Return the highest threshold below which at most ``misses`` of the ``ordered`` scores lie."""
    if misses < 0:
        return -np.inf
    return float(ordered[misses]) if misses < len(ordered) else np.inf
