"""Evidence: what makes a rule habitual, and what does not."""

from __future__ import annotations

import numpy as np

from features.default_view import DEFAULT_VIEW
from features.encode import FactEncoder
from models.engine import ScoringEngine
from models.evidence import habit
from tests.conftest import build_alert


def _habits(seconds: list[float]) -> np.ndarray:
    """Return how habitual one rule on one entity is at each of its alerts."""
    encoder = FactEncoder(bytes(32))
    alerts = [build_alert(i, at=at, host="h", rule="r") for i, at in enumerate(seconds)]
    return habit(DEFAULT_VIEW, ScoringEngine(None, encoder).score(encoder.alerts(alerts)).features)


def test_a_burst_makes_nothing_habitual() -> None:
    assert (_habits([0.0] * 500) < 1.0).all()


def test_what_fired_some_minutes_ago_and_repeatedly_is_habitual() -> None:
    assert _habits([0.0, 600.0, 1200.0])[-1] >= 1.0
    assert _habits([0.0])[0] < 1.0


def test_what_has_been_silent_for_a_day_is_habitual_no_more() -> None:
    often = [600.0 * i for i in range(50)]
    assert _habits([*often, often[-1] + 86_000.0])[-1] >= 1.0
    assert _habits([*often, often[-1] + 87_000.0])[-1] == 0.0
