"""Calibration: keeps the order, survives JSON, and finds what is there to be found."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit

from models.calibration import Calibrator, priority


def _fit(raw: np.ndarray, target: np.ndarray, weight: np.ndarray | None = None) -> Calibrator:
    return Calibrator.fit(raw, target.astype(np.int8), np.ones(len(raw)) if weight is None else weight)


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 60))
def test_a_fitted_calibrator_keeps_the_order_whatever_it_was_given(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    found = _fit(random.normal(0.0, 3.0, n), random.integers(0, 2, n))
    assert found.slope > 0.0
    assert np.isfinite([found.slope, found.intercept]).all()
    score = found(np.linspace(-20.0, 20.0, 200))
    assert (np.diff(score) >= 0.0).all()
    assert ((score >= 0.0) & (score <= 1.0)).all()
    assert (np.diff(priority(score)) >= 0).all()


@given(slope=st.floats(1e-3, 50.0), intercept=st.floats(-20.0, 20.0))
def test_a_calibrator_comes_back_from_json_bit_for_bit(slope: float, intercept: float) -> None:
    given_one = Calibrator(slope, intercept)
    again = msgspec.json.decode(msgspec.json.encode(given_one), type=Calibrator)
    raw = np.linspace(-10.0, 10.0, 50)
    assert again == given_one
    assert again(raw).tobytes() == given_one(raw).tobytes()


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, -1.0), (1.0, 0.0), (2.0, 1.5)])
def test_a_known_slope_is_recovered(slope: float, intercept: float) -> None:
    random = np.random.default_rng(3)
    raw = random.normal(0.0, 2.0, 40_000)
    found = _fit(raw, random.random(40_000) < expit(slope * raw + intercept))
    assert (found.slope, found.intercept) == pytest.approx((slope, intercept), abs=0.06)


def test_a_weight_counts_as_that_many_rows() -> None:
    random = np.random.default_rng(4)
    raw, target = random.normal(0.0, 2.0, 300), random.integers(0, 2, 300)
    twice = _fit(np.tile(raw, 2), np.tile(target, 2))
    heavy = _fit(raw, target, np.full(300, 2.0))
    assert (heavy.slope, heavy.intercept) == pytest.approx((twice.slope, twice.intercept), rel=1e-4)


def test_perfect_separation_stays_finite() -> None:
    found = _fit(np.array([-5.0, -4.0, 4.0, 5.0]), np.array([0, 0, 1, 1]))
    assert 0.0 < found(np.array([-5.0]))[0] < 0.5 < found(np.array([5.0]))[0] < 1.0


@pytest.mark.parametrize(("score", "wanted"), [(0.0, 0), (0.001, 0), (0.5, 50), (0.999, 100), (1.0, 100), (10 / 11, 67)])
def test_priority_is_the_logarithm_of_the_odds(score: float, wanted: int) -> None:
    assert priority(np.array([score])).tolist() == [wanted]
