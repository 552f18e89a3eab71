"""What suppression misses: known values, and intervals that hold the truth as often as they say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from models.misses import (
    CERTAIN,
    LOOKS,
    GroupMisses,
    Interval,
    estimate_misses,
    misses_by_group,
    proportion,
    verdict_error,
)

ERROR = 0.17


@given(st.integers(0, 60), st.integers(1, 60), st.floats(0.001, 0.5))
def test_proportion_is_the_interval_of_clopper_and_pearson(hits: int, count: int, delta: float) -> None:
    hits = min(hits, count)
    known = binomtest(hits, count).proportion_ci(1.0 - delta, method="exact")
    found = proportion(hits, count, delta)
    assert found.share == hits / count
    assert (found.low, found.high) == (pytest.approx(known.low, abs=1e-9), pytest.approx(known.high, abs=1e-9))


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [(0, 10, 0.0, 0.3085), (1, 10, 0.0025, 0.4450), (5, 10, 0.1871, 0.8129), (10, 10, 0.6915, 1.0)],
)
def test_proportion_has_the_values_of_the_tables(hits: int, count: int, low: float, high: float) -> None:
    assert proportion(hits, count, 0.05)[1:] == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))


@given(st.floats(0.0, 1.0), st.floats(0.1, 1e4), st.floats(0.001, 0.5))
def test_counts_may_be_fractions(share: float, count: float, delta: float) -> None:
    found = proportion(share * count, count, delta)
    assert 0.0 <= found.low <= found.share + 1e-9
    assert found.share - 1e-9 <= found.high <= 1.0


def test_of_nothing_everything_may_be() -> None:
    assert proportion(0.0, 0.0, 0.05) == (0.0, 0.0, 1.0)
    assert verdict_error(0, 0) == (0.0, 0.0, 0.5)


@given(st.floats(0.0, 0.5), st.integers(1, 10**6))
def test_verdict_error_inverts_how_often_two_differ(error: float, pairs: int) -> None:
    differ = round(2.0 * error * (1.0 - error) * pairs)
    found = verdict_error(differ, pairs)
    assert found.low <= found.share <= found.high <= 0.5
    assert 2.0 * found.share * (1.0 - found.share) == pytest.approx(min(differ / pairs, 0.5))


def test_verdict_error_of_people_who_toss_a_coin_is_a_half() -> None:
    assert verdict_error(70, 100).share == 0.5
    assert verdict_error(2822, 10_000).share == pytest.approx(ERROR, abs=1e-3)


def test_without_an_audit_everything_may_be_missed() -> None:
    assert estimate_misses(np.zeros(0, bool), np.zeros(0)) == (0.0, 0.0, 1.0)
    assert estimate_misses(np.zeros(0, bool), np.zeros(0), Interval(0.17, 0.1, 0.3)) == (0.0, 0.0, 1.0)


@given(st.integers(0, 40), st.integers(1, 40), st.floats(0.01, 1.0))
def test_equal_chances_and_certain_verdicts_are_a_plain_proportion(hits: int, count: int, shown: float) -> None:
    missed = np.arange(count) < hits
    found = estimate_misses(missed, np.full(count, shown))
    assert found == pytest.approx(proportion(int(missed.sum()), count, 0.05))


@given(st.integers(0, 2**32 - 1))
def test_what_was_seldom_drawn_counts_for_all_that_it_stands_for(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shown, missed = rng.choice([0.02, 0.3, 1.0], 50), rng.random(50) < 0.2
    found = estimate_misses(missed, shown)
    assert found.share == pytest.approx(np.average(missed, weights=1.0 / shown))
    assert found.low <= found.share <= found.high


@given(st.floats(0.0, 1.0), st.floats(0.0, 0.4))
def test_the_share_behind_what_was_said_is_found(share: float, error: float) -> None:
    said = share * (1.0 - error) ** LOOKS + (1.0 - share) * error**LOOKS
    missed = np.arange(100_000) < round(said * 100_000)
    found = estimate_misses(missed, np.full(len(missed), 0.5), Interval(error, error, error))
    assert found.share == pytest.approx(share, abs=1e-3 + 1e-5 / (1.0 - 2.0 * error) ** 3)


@given(st.integers(0, 40), st.floats(0.0, 0.2), st.floats(0.0, 0.2))
def test_less_certain_verdicts_never_narrow_the_interval(hits: int, low: float, more: float) -> None:
    missed, shown = np.arange(200) < hits, np.full(200, 0.1)
    sure = estimate_misses(missed, shown, Interval(low + more / 2, low + more / 2, low + more / 2))
    unsure = estimate_misses(missed, shown, Interval(low + more / 2, low, low + more))
    assert unsure.low <= sure.low + 1e-12
    assert unsure.high >= sure.high - 1e-12


def _month(rng: np.random.Generator) -> tuple[Interval, float]:
    """Return the estimate of a month and the truth: tenants audited unequally, in which attacks are unequally many."""
    tenant = rng.integers(0, 3, 6000)
    attack = rng.random(6000) < np.array([0.0, 0.01, 0.05])[tenant] * rng.uniform(0.0, 1.0)
    shown = np.array([0.02, 0.1, 1.0])[tenant] * 0.5
    drawn = rng.random(6000) < shown
    yes = (rng.random((LOOKS, 6000)) < ERROR) != attack
    differ = int(((rng.random(400) < ERROR) != (rng.random(400) < ERROR)).sum())
    return estimate_misses(yes.all(axis=0)[drawn], shown[drawn], verdict_error(differ, 400, 0.025)), float(attack.mean())


def test_the_interval_holds_the_truth_although_people_err_and_chances_differ() -> None:
    rng = np.random.default_rng(1)
    months = [_month(rng) for _ in range(400)]
    held = [found.low <= truth <= found.high for found, truth in months]
    assert np.mean(held) >= 0.93
    assert np.mean([found.high - found.low for found, _ in months]) < 0.1


def test_believing_one_verdict_in_six_that_is_wrong_would_miss_the_truth() -> None:
    rng = np.random.default_rng(2)
    said = rng.random(3000) < ERROR
    assert estimate_misses(said, np.full(3000, 0.1), CERTAIN).low > 0.1


def test_groups_are_estimated_each_for_itself_and_overall_first() -> None:
    missed, shown = np.array([True, False, False, True]), np.array([0.02, 0.5, 1.0, 0.5])
    groups = [("tenant:b", "severity:2"), ("tenant:a",), ("tenant:b", "all", "tenant:b"), ()]
    found = misses_by_group(missed, shown, groups)
    assert list(found) == ["all", "severity:2", "tenant:a", "tenant:b"]
    assert found["all"] == GroupMisses(4, 2, estimate_misses(missed, shown))
    assert found["severity:2"] == GroupMisses(1, 1, estimate_misses(missed[:1], shown[:1]))
    assert found["tenant:a"] == GroupMisses(1, 0, estimate_misses(missed[1:2], shown[1:2]))
    assert found["tenant:b"] == GroupMisses(2, 1, estimate_misses(missed[[0, 2]], shown[[0, 2]]))


def test_without_an_audit_there_is_no_group_but_the_overall_one() -> None:
    assert misses_by_group(np.zeros(0, bool), np.zeros(0), []) == {"all": GroupMisses(0, 0, Interval(0.0, 0.0, 1.0))}


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 1.0), st.sampled_from("abc")), min_size=1, max_size=30))
def test_groups_that_share_out_all_alerts_make_up_the_overall_share(drawn: list[tuple[bool, float, str]]) -> None:
    missed, shown, keys = (np.array(column) for column in zip(*drawn, strict=True))
    found = misses_by_group(missed, shown, [[key] for key in keys.tolist()], Interval(0.1, 0.05, 0.2), 0.1)
    overall, parts = found.pop("all"), list(found.values())
    assert overall.drawn == sum(part.drawn for part in parts)
    assert overall.missed == sum(part.missed for part in parts)
    for key, part in found.items():
        assert part.share == estimate_misses(missed[keys == key], shown[keys == key], Interval(0.1, 0.05, 0.2), 0.1)
    plain = misses_by_group(missed, shown, [[key] for key in keys.tolist()])
    weight = {key: float((1.0 / shown[keys == key]).sum()) for key in found}
    assert plain["all"].share.share == pytest.approx(
        sum(weight[key] * plain[key].share.share for key in weight) / sum(weight.values())
    )
