"""P-values and false discovery: what is promised holds, exactly where it can be counted, and in simulations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.behaviour.conformal import LEAST_PAST, Past, discoveries, p_value


def filled(scores: list[float], size: int = 10_000) -> Past:
    past = Past(size)
    for score in scores:
        past.add(score)
    return past


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-3, 3).map(lambda x: round(x, 1)), min_size=LEAST_PAST + 1, max_size=60), st.floats(0, 1))
def test_whichever_of_exchangeable_scores_comes_last_the_share_of_small_p_values_is_at_most_the_level(
    scores: list[float], level: float
) -> None:
    p = [filled(scores[:at] + scores[at + 1 :]).p_value(scores[at]) for at in range(len(scores))]
    assert sum(one <= level for one in p) <= level * len(scores) + 1e-9


def test_p_values_are_uniform_when_the_present_is_like_the_past() -> None:
    rng = np.random.default_rng(0)
    past, seen = Past(100), []
    for score in rng.normal(size=3000):
        seen.append(past.p_value(float(score)))
        past.add(float(score))
    later = np.array(seen[LEAST_PAST:])
    for level in (0.05, 0.1, 0.5):
        assert (later <= level).mean() <= level + 0.02
    assert len(past) == 100


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), max_size=120), st.integers(LEAST_PAST, 40), st.floats(-1e3, 1e3))
def test_the_past_is_the_latest_scores(scores: list[float], size: int, score: float) -> None:
    kept = np.array(scores, np.float32)[-size:]
    expected = (1 + (kept >= np.float32(score)).sum()) / (1 + len(kept)) if len(kept) >= LEAST_PAST else 1.0
    assert filled(scores, size).p_value(score) == expected


def test_with_too_little_past_there_is_no_p_value() -> None:
    past = filled([0.0] * (LEAST_PAST - 1))
    assert past.p_value(9.0) == 1.0
    assert past.surprise(9.0) == 0.0
    past.add(0.0)
    assert past.p_value(9.0) == 1 / (LEAST_PAST + 1)
    assert past.p_value(0.0) == 1.0


def test_a_surprise_rises_beyond_the_highest_of_the_past_and_stays_finite() -> None:
    past = filled([float(score) for score in range(100)])
    told = [past.surprise(score) for score in (50.0, 99.0, 100.0, 200.0, 1e300)]
    assert told == sorted(set(told))
    assert told[1] == pytest.approx(-np.log(2 / 101))
    assert told[-1] < 30


def test_a_record_of_the_account_is_judged_by_the_group_and_what_is_usual_for_it_is_not_strange() -> None:
    group = filled([float(score) for score in range(-1000, 0)])
    own = filled([float(score) for score in range(30)])
    assert p_value(40.0, own, group) == 1 / 1001
    assert p_value(28.0, own, group) == 3 / 31
    assert p_value(40.0, filled([0.0] * 5), group) == 1.0
    assert p_value(40.0, own, filled([0.0] * 5)) == 1.0


def test_p_values_of_accounts_of_one_group_hold_their_level() -> None:
    rng = np.random.default_rng(2)
    small = {0.01: 0, 0.05: 0}
    group, owns = Past(2000), [Past(250) for _ in range(20)]
    for day in range(300):
        for own, score in zip(owns, rng.standard_t(3, size=20).tolist(), strict=True):
            if day >= 100:
                for level in small:
                    small[level] += p_value(score, own, group) <= level
            own.add(score)
            group.add(score)
    for level, count in small.items():
        assert count / 4000 <= level * 1.1


def shares(rng: np.random.Generator, correlation: float, rate: float) -> tuple[float, float]:
    """Return the mean false share, and the share found, over days of 95 usual users and 5 strange, against one past of theirs."""
    false, found = [], []
    past = filled(rng.normal(size=4000).tolist())
    for _ in range(400):
        common = rng.normal()
        score = np.sqrt(correlation) * common + np.sqrt(1 - correlation) * rng.normal(size=100)
        score[95:] += 6.0
        called = discoveries([past.p_value(one) for one in score.tolist()], rate)
        false.append(called[:95].sum() / max(called.sum(), 1))
        found.append(called[95:].mean())
    return float(np.mean(false)), float(np.mean(found))


@pytest.mark.parametrize("correlation", [0.0, 0.3, 0.8])
def test_false_discoveries_are_held_to_the_rate_however_much_users_have_in_common(correlation: float) -> None:
    rng = np.random.default_rng(1)
    false, found = shares(rng, correlation, 0.1)
    assert false <= 0.11
    assert found > 0.8


def test_who_was_not_judged_is_not_counted_and_a_rate_of_nothing_calls_out_nobody() -> None:
    assert discoveries([], 0.1).tolist() == []
    assert discoveries([0.04, 0.9, 0.001], 0.1).tolist() == [True, False, True]
    assert discoveries([float("nan")] * 50 + [0.04], 0.1).tolist() == [False] * 50 + [True]
    assert discoveries([1.0] * 50 + [0.04], 0.1).tolist() == [False] * 51
    assert not discoveries([0.0, 0.5], 0.0)[1]
