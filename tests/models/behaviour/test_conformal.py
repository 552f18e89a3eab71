"""P-values and false discovery."""

from __future__ import annotations

import numpy as np

from models.behaviour.conformal import LEAST_PAST, Past, discoveries


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


def test_with_too_little_past_there_is_no_p_value() -> None:
    past = Past(100)
    for _ in range(LEAST_PAST - 1):
        past.add(0.0)
    assert past.p_value(9.0) == 1.0
    past.add(0.0)
    assert past.p_value(9.0) == 1 / (LEAST_PAST + 1)
    assert past.p_value(0.0) == 1.0


def test_false_discoveries_are_held_to_the_rate() -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(300):
        p = np.concatenate([rng.uniform(size=95), rng.uniform(size=5) * 1e-4])
        called = discoveries(p.tolist(), 0.1)
        shares.append(called[:95].sum() / max(called.sum(), 1))
    assert np.mean(shares) <= 0.12
    assert discoveries([], 0.1).tolist() == []
    assert discoveries([0.04, 0.9, 0.001], 0.1).tolist() == [True, False, True]
    assert not discoveries([0.0, 0.5], 0.0)[1]
