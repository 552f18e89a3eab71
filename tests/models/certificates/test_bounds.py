"""The exact bounds: Clopper and Pearson's, and what follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from models.certificates.bounds import lower_bound, misses_allowed, units_needed, upper_bound


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


@given(n=st.integers(0, 3000), alpha=st.floats(0.001, 0.5), delta=st.floats(0.001, 0.5))
def test_so_many_misses_are_allowed_and_not_one_more(n: int, alpha: float, delta: float) -> None:
    allowed = misses_allowed(n, alpha, delta)
    if allowed >= 0:
        assert upper_bound(n, allowed, delta) <= alpha * (1.0 + 1e-9)
    if allowed + 1 < n:
        assert upper_bound(n, allowed + 1, delta) > alpha * (1.0 - 1e-9)
