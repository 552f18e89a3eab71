"""What came before: against its definition, whatever the blocks in which facts come."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.trail import Before, Trail

facts = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 9)), max_size=40)


def by_definition(some: list[tuple[int, int]]) -> list[tuple[float, int]]:
    """Return time and number (from 1) of what came before each fact."""
    out, latest = [], dict[int, tuple[float, int]]()
    for number, (who, time) in enumerate(some, 1):
        before = latest.get(who)
        out.append(before if before is not None and before[0] <= time else (np.nan, 0))
        if before is None or time >= before[0]:
            latest[who] = (float(time), number)
    return out


def step(trail: Trail, some: list[tuple[int, int]], first: int) -> Before:
    """Take up facts numbered from ``first`` on."""
    who, time = np.array(some, np.int64).reshape(-1, 2).T
    return trail.step(who.astype(np.uint64), time.astype(np.float64), (np.arange(first, first + len(some), dtype=np.uint64),))


@settings(max_examples=200, deadline=None)
@given(some=facts, cuts=st.lists(st.integers(0, 40), max_size=4))
def test_what_came_before_is_the_latest_received_that_is_not_later(some: list[tuple[int, int]], cuts: list[int]) -> None:
    trail, bounds = Trail(), sorted({0, len(some), *(min(cut, len(some)) for cut in cuts)})
    parts = [step(trail, some[start:end], start + 1) for start, end in pairwise(bounds)]
    found = [(time, number) for part in parts for time, number in zip(part.time.tolist(), part.carried[0].tolist(), strict=True)]
    assert [str(one) for one in found] == [str(one) for one in by_definition(some)]


def test_of_too_many_accounts_those_not_seen_for_longest_are_forgotten() -> None:
    trail = Trail(remembered=8)
    step(trail, [(who, who) for who in range(1, 10)], 1)
    assert len(trail) == 6
    assert np.isnan(step(trail, [(1, 100)], 1).time[0])
    assert step(trail, [(9, 100)], 1).time[0] == 9.0


@pytest.mark.parametrize("dtype", [np.float64, np.uint64])
def test_what_is_carried_comes_back_as_it_was(dtype: type) -> None:
    value = np.array([2**63 + 1], np.uint64) if dtype is np.uint64 else np.array([0.1])
    trail, who = Trail(), np.array([1], np.uint64)
    trail.step(who, np.zeros(1), (value,))
    found = trail.step(who, np.ones(1), (value,)).carried[0]
    assert found.dtype == value.dtype
    assert found.tobytes() == value.tobytes()
