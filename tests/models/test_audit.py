"""How much is audited, and who is drawn."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.audit import Audit, luck

SECRET = b"s" * 32


counts = st.one_of(st.floats(0.0, 1e9), st.just(math.nan))


@given(st.lists(st.tuples(counts, counts, counts), max_size=20), st.floats(0.001, 1.0), st.floats(0.0, 1e4))
def test_a_propensity_is_a_probability_and_never_nothing(
    given_counts: list[tuple[float, float, float]], rate: float, daily: float
) -> None:
    volume, repeats, of_rule = np.array(given_counts, np.float64).reshape(-1, 3).T
    found = Audit(rate=rate, daily=daily, rule=1.0).propensity(volume, repeats, of_rule)
    assert ((found > 0.0) & (found <= 1.0)).all()
    assert (found >= Audit(rate=rate, daily=daily).propensity(volume, repeats, of_rule)).all()


def test_a_quiet_tenant_is_audited_wholly_a_steady_one_daily_times_and_a_loud_one_at_the_rate() -> None:
    volume = np.array([0.0, math.nan, 100.0 / math.log(2.0), 1e6])
    assert Audit(rate=0.02, daily=20.0).propensity(volume, np.zeros(4), volume).round(9).tolist() == [1, 1, 0.2, 0.02]


def test_repeats_of_one_rule_on_one_entity_are_drawn_a_few_times_a_day() -> None:
    repeats = np.array([1.0, 100.0, 10_000.0]) / math.log(2.0)
    assert Audit(line=2.0).propensity(np.full(3, 1e6), repeats, repeats).round(9).tolist() == [0.02, 0.02, 0.0002]


def test_each_rule_is_drawn_once_a_day_at_least_but_its_line_no_oftener_than_lines_are() -> None:
    loud, of_rule = np.full(3, 1e6), np.array([0.0, 10.0, 10_000.0]) / math.log(2.0)
    found = Audit(rule=1.0).propensity(loud, np.zeros(3), of_rule)
    assert found.round(9).tolist() == [1, 0.1, 0.02]
    assert Audit(rule=1.0, line=0.5).propensity(loud, of_rule, of_rule).round(9).tolist() == [1, 0.05, 0.00005]


def test_no_rate_no_audit() -> None:
    assert Audit(rate=0.0).propensity(np.array([0.0, 1e6]), np.zeros(2), np.zeros(2)).tolist() == [0.0, 0.0]


def test_luck_is_uniform_the_same_again_and_another_for_another_tenant_or_secret() -> None:
    alerts, others_too = ([(tenant, f"a{i}\ud800") for i in range(4000)] for tenant in ("acme", "beta"))
    drawn = luck(SECRET, alerts)
    assert drawn.tobytes() == luck(SECRET, alerts).tobytes()
    assert luck(SECRET, alerts[7:8])[0] == drawn[7]
    assert np.abs(np.histogram(drawn, 10, (0.0, 1.0))[0] - 400).max() < 100
    for others in (luck(SECRET, others_too), luck(b"t" * 32, alerts)):
        assert abs(np.corrcoef(drawn, others)[0, 1]) < 0.08
