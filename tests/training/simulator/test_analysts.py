"""Analysts: wrong as often as people are, late, in their shifts, and never shown everything."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from features.history import read_labels
from features.label import Verdict
from training.simulator import Simulated
from training.simulator.analysts import ANALYSTS, BUDGET, ERROR_RATES, VERDICTS, Verdicts, chance_shown, judge

N = 40_000
DAY = 86_400.0


@pytest.fixture(scope="module")
def judged() -> tuple[np.ndarray, np.ndarray, Verdicts]:
    """Single-alert cases over four weeks, a fifth of them attacks, a fifth on purpose."""
    rng = np.random.default_rng(5)
    attack, purpose = np.arange(N) % 5 == 0, np.arange(N) % 5 == 1
    return attack, purpose, judge(attack, purpose, np.arange(N), rng.uniform(0.0, 28 * DAY, N), rng)


def _targets(verdicts: Verdicts) -> np.ndarray:
    return np.array([verdict.target for verdict in VERDICTS])[verdicts.verdict]


def test_one_in_six_is_wrong_each_analyst_at_a_rate_of_their_own(judged: tuple[np.ndarray, np.ndarray, Verdicts]) -> None:
    attack, _, verdicts = judged
    target = _targets(verdicts)
    wrong, said = target != attack, target >= 0
    assert pytest.approx(0.17) == ERROR_RATES.mean()
    for some in (attack, ~attack):
        low, high = binomtest(int((wrong & said & some).sum()), int((said & some).sum())).proportion_ci(0.999)
        assert low < 0.17 < high
    for number, rate in enumerate(ERROR_RATES):
        own = said & (verdicts.analyst == number)
        low, high = binomtest(int(wrong[own].sum()), int(own.sum())).proportion_ci(0.999)
        assert low < rate < high
    assert 0.0 < (~said).mean() < 0.06


def test_on_purpose_is_a_benign_positive_and_the_rest_a_false_one(judged: tuple[np.ndarray, np.ndarray, Verdicts]) -> None:
    attack, purpose, verdicts = judged
    benign = (_targets(verdicts) == 0) & ~attack
    said = np.array([VERDICTS[code] for code in verdicts.verdict[benign]])
    assert (said[purpose[benign]] == Verdict.BENIGN_POSITIVE).all()
    assert (said[~purpose[benign]] == Verdict.FALSE_POSITIVE).all()


def test_verdicts_come_later_in_shifts_and_few_on_weekends() -> None:
    rng = np.random.default_rng(1)
    shown = rng.uniform(0.0, 28 * DAY, N)
    verdicts = judge(np.zeros(N, bool), np.zeros(N, bool), np.arange(N), shown, rng)
    delay = verdicts.time - shown
    assert (delay > 0.0).all()
    assert 2.0 < np.median(delay) / 3600.0 < 14.0
    weekend = (verdicts.time // DAY) % 7 >= 5
    assert weekend.mean() < 0.2
    assert set(np.unique(verdicts.analyst)) == set(range(len(ANALYSTS)))
    first = verdicts.analyst == 0
    hour = verdicts.time[first] % DAY / 3600.0
    assert ((hour >= 6.0) & (hour < 14.0)).all()


def test_a_case_is_judged_once_and_together() -> None:
    rng = np.random.default_rng(2)
    case = np.repeat(np.arange(500), 4) * 7
    shown = rng.uniform(0.0, 7 * DAY, len(case))
    verdicts = judge(np.repeat(np.arange(500) % 3 == 0, 4), np.zeros(len(case), bool), case, shown, rng)
    table = pd.DataFrame({"case": case, "time": verdicts.time, "verdict": verdicts.verdict, "analyst": verdicts.analyst})
    assert (table.groupby("case").nunique() == 1).all().all()
    assert (table.groupby("case")["time"].first() > pd.Series(shown).groupby(case).max()).all()
    assert np.array_equal(verdicts.row, np.arange(len(case)))


def test_nothing_to_judge_is_no_error() -> None:
    none = np.zeros(0, np.int64)
    verdicts = judge(none.astype(bool), none.astype(bool), none, none.astype(float), np.random.default_rng(0))
    assert len(verdicts.row) == 0


def test_what_is_shown_keeps_to_the_budget_and_prefers_the_severe_and_new() -> None:
    rng = np.random.default_rng(3)
    count = 1400
    severity, day = rng.integers(1, 6, count), np.arange(count) % 7
    idle = np.where(rng.random(count) < 0.5, np.inf, 1.0)
    chance = chance_shown(severity, idle, day)
    assert (chance > 0.0).all()
    assert (chance <= 1.0).all()
    assert chance[day == 2].sum() == pytest.approx(BUDGET)
    assert chance[day == 6].sum() == pytest.approx(BUDGET / 3)
    assert chance[severity == 5].mean() > 2 * chance[severity == 1].mean()
    assert chance[np.isinf(idle)].mean() > 1.2 * chance[idle == 1.0].mean()
    assert (chance_shown(severity[:10], idle[:10], np.zeros(10, np.int64)) == 1.0).all()


def test_labels_say_how_likely_they_were(simulated: Simulated) -> None:
    labels = [label for _, label in read_labels(simulated.history)]
    shown = np.array([label.shown for label in labels])
    assert ((shown > 0.0) & (shown <= 1.0)).all()
    assert len(np.unique(shown)) > 50
    assert {label.analyst for label in labels} == set(ANALYSTS)
    assert sum(label.verdict is Verdict.UNDETERMINED for label in labels) > 0
