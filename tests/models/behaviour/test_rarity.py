"""Rarity: tails of the past, never smaller than they were, and damage that is refused."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.behaviour.rarity import MAX_STEPS, Rarity
from models.errors import BundleError

NAMES = ("volume", "novelty")


def past(rows: int = 3000) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.column_stack([rng.lognormal(size=rows), rng.integers(0, 3, rows).astype(float)])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=1, max_size=700), st.floats(-120, 120))
def test_a_tail_is_never_taken_as_smaller_than_it_was_in_the_past(column: list[float], value: float) -> None:
    x = np.array(column)
    rarity = Rarity.fit(x[:, np.newaxis], ("one",))
    higher, lower = (1 + (x >= value).sum()) / (1 + len(x)), (1 + (x <= value).sum()) / (1 + len(x))
    if x.min() <= value <= x.max():
        assert rarity.surprises(np.array([[value]]))[0, 0] <= -np.log(min(higher, lower)) + 1e-12


def test_the_surprise_of_the_outermost_values_is_that_of_their_rank() -> None:
    x = past()
    rarity = Rarity.fit(x, NAMES)
    assert rarity.value.shape[1] <= MAX_STEPS + 2
    top = np.sort(x[:, 0])[::-1]
    told = rarity.surprises(np.column_stack([top[:5], np.ones(5)]))[:, 0]
    assert told == pytest.approx(-np.log((1 + np.arange(1, 6)) / 3001))


def test_beyond_the_past_the_wilder_is_the_rarer_and_missing_surprises_nobody() -> None:
    x = past()
    rarity = Rarity.fit(x, NAMES)
    far = rarity.anomaly_score(np.array([[x.max(), 1.0], [2 * x.max(), 1.0], [1e30, 1.0], [np.nan, 1.0]]))
    assert far[0] < far[1] < far[2] < 200
    assert far[3] < far[0]
    assert np.isfinite(rarity.anomaly_score(np.array([[np.inf, -np.inf]]))).all()


def test_what_nobody_ever_had_surprises_however_many_had_the_same_before() -> None:
    always, seldom = np.zeros(999), np.append(np.zeros(998), 2.0)
    rarity = Rarity.fit(np.column_stack([always, seldom]), NAMES, both_tails=False)
    assert (rarity.surprises(np.array([[1.0, 1.0]])) >= [[math.log(999), math.log(499)]]).all()
    by_a_hair = rarity.surprises(np.array([[0.04, 0.04]]))
    assert (by_a_hair < 0.5).all()
    assert rarity.surprises(np.zeros((1, 2))).tolist() == [[0.0, 0.0]]
    of_one = Rarity.fit(np.full((1, 2), 5.0), NAMES, both_tails=False)
    assert (of_one.surprises(np.array([[5.05, 5.05]])) < 0.1).all()


def test_where_little_is_not_rare_only_much_surprises() -> None:
    rarity = Rarity.fit(past(), NAMES, both_tails=False)
    assert rarity.anomaly_score(np.array([[-1e9, -5.0]])).tolist() == [0.0]
    assert rarity.anomaly_score(np.array([[1e9, 1.0]]))[0] > 8.0


def test_a_feature_that_nobody_ever_had_says_nothing() -> None:
    rarity = Rarity.fit(np.column_stack([past()[:, 0], np.full(3000, np.nan)]), NAMES)
    assert rarity.surprises(np.array([[1.0, np.nan]]))[0, 1] == 0.0
    assert np.isfinite(rarity.surprises(np.array([[1.0, 5.0]]))).all()


def test_tails_are_read_as_they_were_written_and_damage_is_refused() -> None:
    rarity = Rarity.fit(past(), NAMES)
    data = rarity.to_bytes()
    assert data == rarity.to_bytes()
    assert Rarity.from_bytes(data, "here").anomaly_score(past()).tolist() == rarity.anomaly_score(past()).tolist()
    for name, wrong in {
        "high": rarity.high[:1], "low": rarity.low * 0, "value": rarity.value[:, ::-1].copy(), "spread": rarity.spread * 0,
        "middle": rarity.middle * np.nan, "names": np.array([object()] * 2),
    }.items():  # fmt: skip
        with np.load(io.BytesIO(data)) as held:
            parts = {key: held[key] for key in held.files}
        file = io.BytesIO()
        np.savez(file, **{**parts, name: wrong})
        with pytest.raises(BundleError, match="here"):
            Rarity.from_bytes(file.getvalue(), "here")


def by_the_book(rarity: Rarity, column: int, value: float) -> float:
    """Return the surprise of one value, its steps looked for one after the other."""
    steps = list(zip(rarity.value[column], rarity.high[column], rarity.low[column], strict=True))
    if not math.isfinite(value):
        return 0.0
    rare = -np.log(np.array([([1.0] + [high for at, high, _ in steps if at <= value])[-1]]))[0]
    beyond = value - steps[-1][0]
    if steps[0][2] < 1.0:
        rare = max(rare, -np.log(np.array([([low for at, _, low in steps if at >= value] + [1.0])[0]]))[0])
        beyond = max(beyond, steps[0][0] - value)
    return float(rare + np.log1p(np.array([max(beyond / rarity.spread[column], 0.0)]))[0])


@pytest.mark.parametrize("both_tails", [True, False])
@pytest.mark.parametrize("rows", [0, 1, 7, 700])
def test_surprises_are_those_of_the_book_to_the_bit(rows: int, *, both_tails: bool) -> None:
    rng = np.random.default_rng(rows)
    x = np.column_stack([rng.lognormal(size=rows), rng.integers(0, 4, rows), np.full(rows, 2.0)])
    x[rng.random(x.shape) < 0.05] = np.nan
    rarity = Rarity.fit(x, ("one", "few", "same"), both_tails=both_tails)
    asked = np.vstack([rng.normal(0, 3, (150, 3)), rng.integers(-1, 5, (30, 3)), [[np.nan, np.inf, -np.inf]], x[:20]])
    expected = [[by_the_book(rarity, at, float(value)) for at, value in enumerate(row)] for row in asked]
    assert rarity.surprises(asked).tolist() == expected


@pytest.mark.parametrize("features", [0, 1, 3, 9])
def test_rows_of_other_features_are_refused(features: int) -> None:
    with pytest.raises(ValueError, match=f"{features} features, not 2"):
        Rarity.fit(np.ones((9, 2)), ("one", "other")).surprises(np.ones((4, features)))
