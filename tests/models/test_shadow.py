"""What a shadow period says: alerts for the saving, units for the loss."""

from __future__ import annotations

import pytest

from models.certificates.bounds import lower_bound, upper_bound
from models.decision import Action
from models.shadow import Decided, shadow
from models.withdrawal import Unit

HIDE, QUEUE, RESPOND = Action.SUPPRESS, Action.QUEUE, Action.RESPOND


def decided(
    unit: str, action: Action = HIDE, attack: bool | None = None, group: str = "severity:1", published: Action = QUEUE
) -> Decided:
    return Decided((group,), Unit("acme", unit), action, published, "minimal" if action is RESPOND else "", attack)


def test_nothing_decided_says_nothing() -> None:
    found = shadow([], 3.0, 60.0)
    assert list(found) == ["all"]
    assert (found["all"].suppressed, found["all"].missed_bound, found["all"].precision_bound) == (0, 1.0, 0.0)
    assert (found["all"].attacks.low, found["all"].attacks.high) == (0.0, 1.0)


def test_alerts_tell_what_is_saved() -> None:
    rows = [decided("1"), decided("1", published=HIDE), decided("2", QUEUE), decided("3", group="severity:2", attack=False)]
    found = shadow(rows, 2.0, 60.0)
    whole = found["all"]
    assert (whole.alerts, whole.suppressed, whole.let_out, whole.suppressed_a_day, whole.saved_seconds) == (4, 3, 1, 1.5, 120.0)
    assert (whole.attacks.hits, whole.attacks.of) == (0, 1)
    assert list(found) == ["all", "severity:1", "severity:2"]
    assert (found["severity:2"].alerts, found["severity:2"].saved_seconds) == (1, 60.0)


def test_an_incident_is_missed_when_all_of_it_would_be_suppressed() -> None:
    rows = [
        decided("whole", attack=True), decided("whole"),
        decided("seen", attack=True), decided("seen", QUEUE),
        decided("benign", attack=False), decided("unknown"),
    ]  # fmt: skip
    found = shadow(rows, 1.0, 1.0)["all"]
    assert (found.missed.hits, found.missed.of) == (1, 2)
    assert found.missed_bound == pytest.approx(upper_bound(2, 1, 0.05))
    assert (found.attacks.hits, found.attacks.of) == (2, 3)


def test_responses_are_held_against_what_people_said() -> None:
    rows = [decided(str(i), RESPOND, attack=i > 0, published=RESPOND) for i in range(5)] + [decided("9", RESPOND)] * 2
    found = shadow(rows, 1.0, 1.0)["all"]
    assert (found.responses, found.right.hits, found.right.of) == ({"minimal": 7}, 4, 5)
    assert found.precision_bound == pytest.approx(lower_bound(5, 4, 0.05))
