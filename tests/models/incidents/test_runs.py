"""Runs: lines in order, whatever order they come in, and however alike their digests are."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models.incidents.lines import LineTable
from models.incidents.run_kernel import PART_BITS
from models.incidents.runs import Runs

PLACES = st.lists(st.tuples(st.integers(-2, 2), st.integers(0, 2), st.integers(0, 2)), unique=True, min_size=1, max_size=40)
"""Rank and the two halves of the digest of lines."""
RUNS = 5


def _runs(ranks: NDArray[np.int64], digests: NDArray[np.uint64]) -> Runs:
    lines = LineTable()
    lines._rank, lines._digest = ranks, digests
    return Runs(lines)


def _held(places: list[tuple[int, int, int]], data: st.DataObject) -> tuple[Runs, list[list[int]]]:
    """Return runs of lines that came in any order and in several goes, and what is in each by its place."""
    ranks, digests = np.array([rank for rank, _, _ in places]), np.array([halves for _, *halves in places], np.uint64)
    runs, expected = _runs(ranks, digests), [set[int]() for _ in range(RUNS)]
    each = st.tuples(st.integers(0, RUNS - 1), st.integers(0, len(places) - 1))
    for some in data.draw(st.lists(st.lists(each, max_size=60), max_size=4)):
        fresh = [(run, number) for run, number in dict.fromkeys(some) if number not in expected[run]]
        runs.put(_array([run for run, _ in fresh]), _array([number << PART_BITS | number % 4 for _, number in fresh]))
        for run, number in fresh:
            expected[run].add(number)
    return runs, [sorted(some, key=places.__getitem__) for some in expected]


def _array(numbers: list[int]) -> NDArray[np.int64]:
    return np.array(numbers, np.int64)


def _check(runs: Runs, expected: list[list[int]]) -> None:
    every = np.arange(RUNS)
    entries, which = runs.between(every, np.zeros_like(every), runs.size[every])
    assert which.tolist() == [run for run in range(RUNS) for _ in expected[run]]
    assert entries.tolist() == [number << PART_BITS | number % 4 for some in expected for number in some]


@settings(deadline=None)
@given(PLACES, st.data())
def test_lines_stand_by_place_with_their_part(places: list[tuple[int, int, int]], data: st.DataObject) -> None:
    runs, expected = _held(places, data)
    _check(runs, expected)
    gone = data.draw(st.integers(0, len(places) - 1))
    runs.take(np.array([0, 1]), np.array([gone, gone]))
    expected[:2] = [[number for number in some if number != gone] for some in expected[:2]]
    _check(runs, expected)
    limit = data.draw(st.integers(-3, 3))
    runs.cut(np.arange(1, RUNS), limit)
    expected[1:] = [[number for number in some if places[number][0] >= limit] for some in expected[1:]]
    _check(runs, expected)
    runs._pack()
    _check(runs, expected)
    fresh = [number for number in range(len(places)) if number not in expected[0]]
    runs.put(np.zeros(len(fresh), np.int64), _array([number << PART_BITS | number % 4 for number in fresh]))
    _check(runs, [sorted(range(len(places)), key=places.__getitem__), *expected[1:]])


@settings(deadline=None)
@given(PLACES, st.data(), st.integers(-3, 3))
def test_how_many_come_before_is_counted(places: list[tuple[int, int, int]], data: st.DataObject, limit: int) -> None:
    runs, expected = _held(places, data)
    number = data.draw(st.integers(0, len(places) - 1))
    every = np.arange(RUNS)
    limited, before = runs.stand(every, np.full(RUNS, number), np.full(RUNS, limit))
    assert limited.tolist() == [sum(places[other][0] < limit for other in some) for some in expected]
    assert before.tolist() == [sum(places[other] < places[number] for other in some) for some in expected]


def test_the_pool_follows_what_is_held() -> None:
    runs = _runs(np.arange(100_000), np.zeros((100_000, 2), np.uint64))
    for first in range(0, 100_000, 500):
        numbers = np.arange(first, first + 500)
        runs.put(numbers % 7, numbers << PART_BITS)
        runs.cut(np.arange(7), first - 1_000)
    assert runs.size.sum() == 1_500
    assert len(runs._pool[0]) < 10 * 1_500
