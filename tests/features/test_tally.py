"""Rows added up by place: what a loop over the rows would hold, in whatever blocks they come."""

from __future__ import annotations

import numpy as np
import pytest

from features import tally

PLACES, COLUMNS, TOLD = 5, 4, 2
RANDOM = np.random.default_rng(7)
VALUES = np.round(RANDOM.exponential(1.0, (200, COLUMNS)), 1)
ROWS = np.sort(RANDOM.integers(0, len(VALUES), 300))
AT = RANDOM.integers(0, PLACES, 300)
TOKEN = 1000 + np.arange(len(VALUES))


def tallied(block: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    most, tokens, sums = np.zeros((PLACES, COLUMNS)), np.full((PLACES, TOLD), -1), np.zeros((PLACES, 3))
    for start in range(0, len(ROWS), block):
        some = slice(start, start + block)
        tally.highest(ROWS[some], AT[some], VALUES, TOKEN, (most, tokens))
        tally.add(ROWS[some], AT[some], VALUES, sums)
    return most, tokens, sums


@pytest.mark.parametrize("block", [1, 17])
def test_blocks_do_not_matter_to_the_bit(block: int) -> None:
    assert [one.tobytes() for one in tallied(block)] == [one.tobytes() for one in tallied(300)]


def test_maxima_the_first_that_has_them_and_sums() -> None:
    most, tokens, sums = tallied(300)
    for place in range(PLACES):
        mine = ROWS[place == AT]
        assert (most[place] == VALUES[mine].max(axis=0)).all()
        assert (tokens[place] == TOKEN[mine[VALUES[mine].argmax(axis=0)[:TOLD]]]).all()
        np.testing.assert_allclose(sums[place], VALUES[mine, :3].sum(axis=0), rtol=1e-12)


def test_what_is_not_above_what_is_held_changes_nothing() -> None:
    most, tokens = np.zeros((1, 1)), np.full((1, 1), -1)
    tally.highest(np.zeros(1, np.intp), np.zeros(1, np.intp), np.zeros((1, 1)), np.array([5]), (most, tokens))
    assert tokens[0, 0] == -1


@pytest.mark.parametrize("codes", [[], [7], [5, 7, 5], RANDOM.integers(-(2**62), 2**62, 1000).tolist() * 2, (AT << 40).tolist()])
def test_distinct_codes_in_the_order_in_which_they_come(codes: list[int]) -> None:
    found, at = tally.distinct(np.array(codes, np.int64))
    assert found.tolist() == list(dict.fromkeys(codes))
    assert found[at].tolist() == codes
