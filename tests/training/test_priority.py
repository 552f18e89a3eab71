"""Priority is learned from how past incidents ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from features.alert import Rule
from models.incidents.incident import Incident, Line
from models.incidents.priority import DEFAULT
from tests.conftest import START
from training.priority import ENOUGH_INCIDENTS, learn_priority


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
