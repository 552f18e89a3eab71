"""Covering: what adds most comes first, and what was seen already counts against its like."""

from __future__ import annotations

import itertools
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.coverage import Aspects, cover

NOTHING = Aspects(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))


@st.composite
def cases(draw: st.DrawFn) -> tuple[NDArray[np.float64], Aspects, int]:
    """Return few candidates with few aspects, each worth the same to all, and a budget."""
    n = draw(st.integers(1, 6))
    entries = draw(
        st.lists(st.tuples(st.integers(0, n - 1), st.integers(-2, 3), st.integers(0, 8)), max_size=14, unique_by=lambda e: e[:2])
    )
    worth = draw(st.lists(st.integers(0, 4), min_size=6, max_size=6))
    own = np.array(draw(st.lists(st.integers(0, 8), min_size=n, max_size=n)), np.float64) / 8.0
    item, aspect, chance = (np.array([entry[k] for entry in entries], np.int64) for k in range(3))
    return own, Aspects(item, aspect, chance / 8.0, np.array(worth, np.float64)[aspect + 2]), draw(st.integers(0, n + 1))


def worth_of(own: NDArray[np.float64], aspects: Aspects, chosen: tuple[int, ...]) -> float:
    """Return what a set is worth, by the definition."""
    best: dict[int, float] = {}
    for item, aspect, chance, worth in zip(*(column.tolist() for column in aspects), strict=True):
        if item in chosen:
            best[aspect] = max(best.get(aspect, 0.0), chance * worth)
    return float(own[list(chosen)].sum()) + sum(best.values())


@given(cases())
def test_each_pick_adds_the_most_there_is_and_what_it_says(case: tuple[NDArray[np.float64], Aspects, int]) -> None:
    own, aspects, budget = case
    picked, gains = cover(own, aspects, budget)
    assert len(picked) == min(budget, len(own)) == len(set(picked.tolist()))
    before: tuple[int, ...] = ()
    for pick, gain in zip(picked.tolist(), gains.tolist(), strict=True):
        left = [i for i in range(len(own)) if i not in before]
        most = max(worth_of(own, aspects, (*before, i)) for i in left) - worth_of(own, aspects, before)
        now = worth_of(own, aspects, (*before, pick)) - worth_of(own, aspects, before)
        assert math.isclose(gain, now, abs_tol=1e-12)
        assert math.isclose(now, most, abs_tol=1e-12)
        before = (*before, pick)
    assert (np.diff(gains) <= 1e-12).all()


@given(cases())
def test_the_picks_are_worth_most_of_what_the_best_are(case: tuple[NDArray[np.float64], Aspects, int]) -> None:
    own, aspects, budget = case
    picked, gains = cover(own, aspects, budget)
    best = max(worth_of(own, aspects, some) for some in itertools.combinations(range(len(own)), len(picked)))
    assert gains.sum() >= (1.0 - 1.0 / math.e) * best - 1e-12


def test_nothing_to_see_goes_by_its_own_worth_and_ties_by_place() -> None:
    assert cover(np.array([0.1, 0.9, 0.1]), NOTHING, 9)[0].tolist() == [1, 0, 2]
    assert cover(np.zeros(0), NOTHING, 3)[0].tolist() == []


def test_the_like_of_what_was_picked_waits() -> None:
    """Two that show the same minute of the same host, one that shows less of another."""
    both = Aspects(np.array([0, 1, 2]), np.array([5, 5, 6]), np.array([0.9, 0.8, 0.3]), np.ones(3))
    assert cover(np.zeros(3), both, 3)[0].tolist() == [0, 2, 1]
