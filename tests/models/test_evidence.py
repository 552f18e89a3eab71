"""Evidence: what makes a rule habitual, and what does not."""

from __future__ import annotations

import numpy as np

from features.default_view import ANOMALY_FEATURES, DEFAULT_VIEW
from features.encode import FactEncoder
from models.engine import ScoringEngine
from models.evidence import evidence, habit
from models.support import Support, SupportTable
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


def test_entities_of_which_nothing_is_known_are_nothing_missing() -> None:
    encoder = FactEncoder(bytes(32))
    block = encoder.alerts([build_alert(0, severity=3)])
    features = np.zeros((2, len(DEFAULT_VIEW.features)))
    features[0, [DEFAULT_VIEW.index(name) for name in ANOMALY_FEATURES]] = np.nan
    features[1, DEFAULT_VIEW.index("criticality")] = np.nan
    whole = block.take(np.zeros(2, np.int64))
    seen = evidence(DEFAULT_VIEW, features, whole, np.ones(2, bool), SupportTable(Support({}), encoder.rules))
    assert seen.missing[0] == 0.0
    assert seen.missing[1] > 0.0
