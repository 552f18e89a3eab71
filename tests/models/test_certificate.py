"""Certificates: the exact formula, the refusal, and that the promise holds in simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import beta, binom

from models.certificate import (
    DEFAULT_OBJECTIVE,
    GRID,
    Certificate,
    Objective,
    Status,
    certify,
    lower_bound,
    units_needed,
    upper_bound,
)
from models.errors import ObjectiveError


def _certify(scores: NDArray[np.float64], alpha: float = 0.01, confidence: float = 0.95) -> Certificate:
    objective = Objective.parse(f"maximum suppression @ missed_incidents <= {alpha}, confidence {confidence}")
    return certify(scores, objective, unit="incident", assumption="own", window=("a", "b"))


@pytest.mark.parametrize(("alpha", "needed"), [(0.01, 299), (0.005, 598), (0.001, 2995), (0.05, 59), (0.1, 29)])
def test_the_known_numbers_of_units_without_a_miss(alpha: float, needed: int) -> None:
    assert units_needed(alpha, 0.05) == needed
    assert upper_bound(needed, 0, 0.05) <= alpha < upper_bound(needed - 1, 0, 0.05)


@given(n=st.integers(1, 5000), k=st.integers(0, 60), delta=st.floats(0.001, 0.5))
def test_bounds_are_clopper_and_pearsons(n: int, k: int, delta: float) -> None:
    k = min(k, n)
    upper = 1.0 if k == n else beta.ppf(1.0 - delta, k + 1, n - k)
    lower = 0.0 if k == 0 else beta.ppf(delta, k, n - k + 1)
    assert upper_bound(n, k, delta) == pytest.approx(upper, rel=1e-8)
    assert lower_bound(n, k, delta) == pytest.approx(lower, rel=1e-7, abs=1e-12)


@given(alpha=st.floats(0.005, 0.5), delta=st.floats(0.01, 0.5), misses=st.integers(0, 10))
def test_units_needed_are_just_enough(alpha: float, delta: float, misses: int) -> None:
    needed = units_needed(alpha, delta, misses)
    assert upper_bound(needed, misses, delta) <= alpha * (1.0 + 1e-9)
    assert upper_bound(needed - 1, misses, delta) > alpha * (1.0 - 1e-9)


def test_nothing_is_known_of_nothing() -> None:
    assert upper_bound(0, 0, 0.05) == 1.0
    assert lower_bound(0, 0, 0.05) == 0.0


@pytest.mark.parametrize(("n", "missing"), [(0, 299), (1, 298), (298, 1)])
def test_a_refusal_says_how_many_units_are_missing(n: int, missing: int) -> None:
    certificate = _certify(np.full(n, 0.9))
    assert (certificate.status, certificate.threshold, certificate.missing) == (Status.REFUSED, None, missing)
    assert (certificate.n, certificate.k) == (n, 0)
    assert certificate.bound == upper_bound(n, 0, certificate.delta)


def test_as_many_more_units_as_are_missing_are_enough_even_after_misses() -> None:
    scores = np.concatenate([np.zeros(2), np.full(298, 0.9)])
    refused = _certify(scores)
    assert refused.status is Status.REFUSED
    assert refused.missing == units_needed(0.01, 0.05, 2) - 300
    assert _certify(np.append(scores, np.full(refused.missing, 0.9))).status is Status.GRANTED
    assert _certify(np.append(scores, np.full(refused.missing - 1, 0.9))).status is Status.REFUSED


def test_a_grant_is_the_largest_threshold_that_keeps_the_objective() -> None:
    scores = np.linspace(0.05, 1.0, 1000)
    certificate = _certify(scores)
    assert certificate.status is Status.GRANTED
    assert certificate.threshold in GRID
    assert certificate.k == int((scores < certificate.threshold).sum())
    assert certificate.bound == upper_bound(1000, certificate.k, certificate.delta) <= 0.01
    following = GRID[int(np.flatnonzero(certificate.threshold == GRID)[0]) + 1]
    assert upper_bound(1000, int((scores < following).sum()), certificate.delta) > 0.01
    assert certificate.missing == 0


def test_an_alert_that_cannot_be_suppressed_is_never_missed() -> None:
    assert _certify(np.full(299, 2.0)).threshold == GRID[-1]


@pytest.mark.parametrize(("alpha", "confidence", "n"), [(0.1, 0.9, 100), (0.05, 0.95, 150), (0.2, 0.8, 40)])
def test_the_promise_is_broken_no_oftener_than_allowed(alpha: float, confidence: float, n: int) -> None:
    """The score of a unit is uniform, so that the true share missed at a threshold is the threshold itself."""
    random = np.random.default_rng(11)
    thresholds = [_certify(random.random(n), alpha, confidence).threshold for _ in range(1000)]
    broken = sum(threshold is not None and threshold > alpha for threshold in thresholds)
    delta = 1.0 - confidence
    assert broken <= binom.ppf(0.999, 1000, delta)
    assert broken > 0, "a bound that is never reached is not the exact one"
    assert sum(threshold is not None for threshold in thresholds) > 900


def test_an_objective_is_read_to_the_letter() -> None:
    objective = Objective.parse(DEFAULT_OBJECTIVE)
    assert (objective.alpha, objective.delta) == (0.01, 0.05)
    spaced = Objective.parse("  maximum   suppression @ missed_incidents <= .01,\n confidence .95 ")
    assert spaced.text == "maximum suppression @ missed_incidents <= .01, confidence .95"
    assert (spaced.alpha, spaced.delta) == (0.01, 0.05)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "suppress a lot",
        "maximum suppression @ missed_incidents <= 0.01",
        "maximum suppression @ missed_incidents < 0.01, confidence 0.95",
        "maximum suppression @ missed_incidents <= 1, confidence 0.95",
        "maximum suppression @ missed_incidents <= 0.0, confidence 0.95",
        "maximum suppression @ missed_incidents <= 1 %, confidence 0.95",
        "maximum suppression @ missed_incidents <= -0.01, confidence 0.95",
        "maximum suppression @ missed_incidents <= 1e-2, confidence 0.95",
        "maximum suppression @ missed_incidents <= 0.01, confidence 95",
        "maximum suppression @ missed_incidents <= 0.01, confidence 0.4",
        "maximum suppression @ missed_incidents <= 0.01, confidence 1.0",
        "maximum suppression @ missed_alerts <= 0.01, confidence 0.95",
        "Maximum suppression @ missed_incidents <= 0.01, confidence 0.95",
        "maximum suppression @ missed_incidents <= 0.01, confidence 0.95 please",
        "maximum suppression @ missed_incidents <= 0.\u0661, confidence 0.95",
    ],
)
def test_an_objective_that_is_nearly_understood_is_refused(text: str) -> None:
    with pytest.raises(ObjectiveError) as refusal:
        Objective.parse(text)
    assert refusal.value.text == text


def test_the_grid_is_fixed_and_rises() -> None:
    assert (np.diff(GRID) > 0.0).all()
    assert math.isclose(GRID[0], 1.0 / (1.0 + math.exp(12.0)))
