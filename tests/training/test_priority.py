"""Priority is learned from how past incidents ended."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from scipy.special import expit

from features.alert import Rule
from models.incidents.incident import Incident, Line
from models.incidents.priority import DEFAULT
from tests.conftest import START
from training.correlate import Correlated
from training.priority import ENOUGH_INCIDENTS, fit_priority, learn_priority, outcomes


def _incident(number: int, rules: int, score: float = 0.4) -> Incident:
    lines = tuple(
        Line(uid=f"{number}-{i}", first=START, last=START + timedelta(minutes=i), product="edr", rule=Rule(f"r{i}"), score=score)
        for i in range(rules)
    )
    return Incident(uid=f"i{number}", tenant="acme", lines=lines)


def test_variety_that_went_with_attacks_raises_the_priority() -> None:
    """All have the same highest score; those of several rules were attacks, but for a few of each."""
    past = [_incident(i, 4 if i % 2 else 1) for i in range(4 * ENOUGH_INCIDENTS)]
    attack = {incident.uid: (len(incident.lines) == 4) != (i % 20 < 2) for i, incident in enumerate(past)}
    model = learn_priority(past, attack, DEFAULT)
    assert model.incidents == len(past)
    narrow, wide = (model.probability(_incident(999, rules)) for rules in (1, 4))
    assert narrow == pytest.approx(0.1, abs=0.03)
    assert wide == pytest.approx(0.9, abs=0.03)


def test_too_few_of_an_outcome_leave_the_default() -> None:
    past = [_incident(i, 2) for i in range(3 * ENOUGH_INCIDENTS)]
    attack = {incident.uid: i < ENOUGH_INCIDENTS - 1 for i, incident in enumerate(past)}
    assert learn_priority(past, attack, DEFAULT) is DEFAULT
    assert learn_priority(past, {}, DEFAULT) is DEFAULT


def _chances(model_of: int, seed: int, features: int = 11) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return incidents of which the first feature alone says how likely each is an attack, and that probability."""
    chance = np.random.default_rng(seed)
    x = chance.normal(size=(model_of, features))
    true = expit(1.5 * x[:, 0] - 1.0)
    return x, chance.random(model_of) < true, true


def test_it_is_calibrated_to_what_it_has_not_learned_from() -> None:
    """With few incidents and many features that mean nothing, the weights alone say too much."""
    gaps = []
    for seed in range(5):
        x, y, _ = _chances(120, seed)
        model = fit_priority(x, y)
        new, _, true = _chances(20_000, 100 + seed)
        said = expit(model.intercept + new @ np.array(model.weights))
        gaps.append(np.mean(said - true))
        assert np.mean((said - true) ** 2) < np.var(true) / 2
    assert abs(np.mean(gaps)) < 0.03


def test_no_weight_is_below_zero() -> None:
    x, y, _ = _chances(2_000, 0)
    x[:, -1] = -x[:, 0]
    weights = np.array(fit_priority(x, y).weights)
    assert (weights >= 0.0).all()
    assert weights[0] > 1.0
    assert weights[-1] == 0.0


def test_an_incident_is_an_attack_if_any_judged_alert_of_it_is() -> None:
    found = Correlated(np.array([0, 0, 1, 2, 1]), ["i", "j", "background"], np.array([True, True, True, False, True]), {})
    attack, judged = np.array([False, True, True, True, False]), np.array([True, True, False, True, True])
    assert outcomes(found, attack, judged) == {"i": True, "j": False}
