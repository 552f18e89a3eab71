"""Links are learned from what people put together; where little is known the default holds."""

from __future__ import annotations

import numpy as np

from features.alert import Alert, Entity, EntityKind, Role
from models.incidents.link_model import DEFAULT, FEATURES, link_features
from tests.conftest import build_alert
from training.links import BENIGN, ENOUGH_INCIDENTS, examples, learn_links

DAY = 86_400.0


def _past(incidents: int) -> tuple[list[Alert], np.ndarray, list[str | None]]:
    """Return incidents of three alerts on one host within minutes, each beside everyday alerts of the same host hours away."""
    alerts, score, known = [], [], []
    for number in range(incidents):
        for step in range(5):
            attack = step < 3
            entities = (Entity(EntityKind.HOST, f"h{number}", Role.DEVICE),)
            at = number * DAY + (step * 600.0 if attack else 30_000.0 * step)
            alerts.append(build_alert(len(alerts), at=at, rule=f"r{step}", entities=entities))
            score.append(0.7 if attack else 0.2)
            known.append(f"case-{number}" if attack else BENIGN)
    return alerts, np.array(score), known


def test_weights_are_learned_from_enough_incidents() -> None:
    model = learn_links(*_past(ENOUGH_INCIDENTS + 5))
    assert model.incidents == ENOUGH_INCIDENTS + 5
    assert model != DEFAULT
    shared, sides, same, _ = examples(*_past(ENOUGH_INCIDENTS + 5))
    p = model.probability(link_features(shared, sides))
    assert p[same].min() > 0.5 > p[~same].max()
    assert model.weights[FEATURES.index("pattern")] > 0.5  # what the trees know is not unlearned from incidents that need none


def test_few_incidents_leave_the_default() -> None:
    assert learn_links(*_past(ENOUGH_INCIDENTS - 1)) is DEFAULT


def test_what_nobody_judged_teaches_nothing() -> None:
    alerts, score, known = _past(4)
    told = examples(alerts, score, known)
    blank: list[str | None] = [None if name == BENIGN else name for name in known]
    less = examples(alerts, score, blank)
    assert (told.incidents, less.incidents) == (4, 4)
    assert told.same.sum() == less.same.sum() == len(less.same)
    assert len(less.same) < len(told.same) == len(told.sides.margin)
