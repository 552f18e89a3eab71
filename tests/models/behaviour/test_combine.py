"""Detectors combined: one that is sure is enough, more surprise is never less abnormal, and the p-value keeps its promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.behaviour.combine import GROUP_KNOWN, NOTHING_SAID, Combination, Combiner, Whose, bet, log_mean

DETECTORS = ("impersonation", "rarity", "forest", "volume")
ANN = Whose("t", "user", "ann", "sales")


def combination(*weights: float) -> Combination:
    return Combination(detectors=DETECTORS, weights=weights, intercept=-4.0, attacks=50, harmless=370)


def lived(combiner: Combiner, days: int = 60, staff: int = 20, seed: int = 0) -> list[float]:
    """Let everybody live and return their p-values."""
    rng = np.random.default_rng(seed)
    out = []
    for _ in range(days):
        for who in range(staff):
            whose = Whose("t", "user", f"p{who}", "sales")
            bare = (float(rng.normal(-6, 1)), *rng.exponential(size=3).tolist())
            told = combiner.look(whose, bare)
            combiner.remember(whose, bare, told)
            out.append(told.p_value)
    return out


def test_one_detector_that_is_sure_is_enough_and_two_are_surer() -> None:
    combiner = Combiner(detectors=DETECTORS)
    lived(combiner)
    whose = Whose("t", "user", "p1", "sales")
    usual, one, two = (
        combiner.look(whose, bare) for bare in ((-6.0, 0.5, 0.5, 0.5), (-6.0, 30.0, 0.5, 0.5), (-6.0, 30.0, 30.0, 0.5))
    )
    assert usual.score < one.score < two.score
    assert usual.p_value > 0.2
    assert one.p_value < 0.01
    assert combiner.look(whose, (6.0, 0.5, 0.5, 0.5)).score > one.score


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-5, 40), min_size=4, max_size=4), st.integers(0, 3), st.floats(0, 20))
def test_more_of_any_detector_is_never_less_abnormal(bare: list[float], at: int, more: float) -> None:
    combiner = LIVED
    higher = [value + more * (number == at) for number, value in enumerate(bare)]
    assert combiner.look(ANN, higher).score >= combiner.look(ANN, bare).score - 1e-12


LIVED = Combiner(combination(1.0, 0.5, 0.2, 0.0), DETECTORS)
lived(LIVED)


def test_p_values_of_usual_days_hold_their_level() -> None:
    for learned in (None, combination(1.0, 0.3, 0.0, 0.1)):
        later = np.array(lived(Combiner(learned, DETECTORS), days=100)[1000:])
        assert later.min() < 0.01
        for level in (0.01, 0.05, 0.2):
            assert (later <= level).mean() <= level * 1.3


def test_bets_pay_one_on_average_however_they_hang_together() -> None:
    p = (np.arange(100_000) + 0.5) / 100_000
    assert np.mean([math.exp(bet("rarity", -math.log(one))) for one in p.tolist()]) == pytest.approx(1.0, abs=0.01)
    same = [math.exp(log_mean([bet(name, -math.log(one)) for name in ("rarity", "forest")])) for one in p[::10].tolist()]
    assert np.mean(same) == pytest.approx(1.0, abs=0.02)
    assert bet("impersonation", 3.0) == 3.0


def test_a_new_group_is_held_against_its_tenant_and_a_new_tenant_is_not_judged() -> None:
    combiner = Combiner(detectors=DETECTORS)
    assert combiner.look(ANN, (0.0, 9.0, 9.0, 9.0)).p_value == 1.0
    lived(combiner, days=GROUP_KNOWN // 20 + 1)
    whose = Whose("t", "user", "p1", "nobody else")
    assert combiner.look(whose, (-6.0, 30.0, 30.0, 30.0)).p_value < 0.01
    assert combiner.look(Whose("other", "user", "p1", "sales"), (-6.0, 30.0, 30.0, 30.0)).p_value == 1.0


def test_a_detector_without_a_word_says_nothing() -> None:
    combiner = Combiner(detectors=DETECTORS)
    lived(combiner)
    told = combiner.look(ANN, (-6.0, math.nan, math.nan, math.nan))
    assert told.told == (-6.0, 0.0, 0.0, 0.0)
    assert told.score == -6.0
    combiner.remember(ANN, (-6.0, math.nan, math.nan, math.nan), told)
    assert combiner.look(ANN, (math.nan,) * 4).score == NOTHING_SAID


@pytest.mark.parametrize(
    "wrong",
    [
        {"weights": (1.0, -0.1, 0.0, 0.0)}, {"weights": (1.0,)}, {"weights": (math.inf, 0.0, 0.0, 0.0)},
        {"weights": (math.nan, 0.0, 0.0, 0.0)}, {"intercept": math.nan}, {"attacks": 0},
    ],
)  # fmt: skip
def test_a_combination_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    right = {"detectors": DETECTORS, "weights": (1.0, 0.0, 0.0, 0.0), "intercept": 0.0, "attacks": 1, "harmless": 1}
    with pytest.raises(ValueError, match="combination"):
        Combination(**{**right, **wrong})
    with pytest.raises(ValueError, match="other detectors"):
        Combiner(combination(1.0, 0.0, 0.0, 0.0), detectors=("rarity",))
