"""How much is audited, and who is drawn."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.audit import Audit, luck

SECRET = b"s" * 32


counts = st.one_of(st.floats(0.0, 1e9), st.just(math.nan))


@given(st.lists(st.tuples(counts, counts), max_size=20), st.floats(0.001, 1.0), st.floats(0.0, 1e4))
def test_a_propensity_is_a_probability_and_never_nothing(pairs: list[tuple[float, float]], rate: float, daily: float) -> None:
    volume, repeats = np.array(pairs, np.float64).reshape(-1, 2).T
    found = Audit(rate=rate, daily=daily).propensity(volume, repeats)
    assert ((found > 0.0) & (found <= 1.0)).all()


def test_a_quiet_tenant_is_audited_wholly_a_steady_one_daily_times_and_a_loud_one_at_the_rate() -> None:
    volume = np.array([0.0, math.nan, 100.0 / math.log(2.0), 1e6])
    assert Audit(rate=0.02, daily=20.0).propensity(volume, np.zeros(4)).round(9).tolist() == [1, 1, 0.2, 0.02]


def test_repeats_of_one_rule_on_one_entity_are_drawn_a_few_times_a_day() -> None:
    repeats = np.array([1.0, 100.0, 10_000.0]) / math.log(2.0)
    assert Audit(line=2.0).propensity(np.full(3, 1e6), repeats).round(9).tolist() == [0.02, 0.02, 0.0002]


def test_no_rate_no_audit() -> None:
    assert Audit(rate=0.0).propensity(np.array([0.0, 1e6]), np.zeros(2)).tolist() == [0.0, 0.0]


def test_luck_is_uniform_the_same_again_and_another_for_another_tenant_or_secret() -> None:
    alerts, others_too = ([(tenant, f"a{i}\ud800") for i in range(4000)] for tenant in ("acme", "beta"))
    drawn = luck(SECRET, alerts)
    assert drawn.tobytes() == luck(SECRET, alerts).tobytes()
    assert luck(SECRET, alerts[7:8])[0] == drawn[7]
    assert np.abs(np.histogram(drawn, 10, (0.0, 1.0))[0] - 400).max() < 100
    for others in (luck(SECRET, others_too), luck(b"t" * 32, alerts)):
        assert abs(np.corrcoef(drawn, others)[0, 1]) < 0.08
