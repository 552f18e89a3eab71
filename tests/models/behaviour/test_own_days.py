"""An account's own usual days: what lies beyond them, what is too new to say, and that no account moves another's."""

from __future__ import annotations

import numpy as np

from models.behaviour.own_days import KNOWN_DAYS, OwnDays


def _settled(days: int) -> OwnDays:
    own, rng = OwnDays(1), np.random.default_rng(1)
    for _ in range(days):
        own.learn(["quiet", "busy"], np.array([[3.0], [9.0]]) + rng.normal(0.0, 1.0, (2, 1)))
    return own


def test_the_same_value_is_far_beyond_one_account_and_usual_for_another() -> None:
    quiet, busy = _settled(60).beyond(["quiet", "busy"], np.array([[9.0], [9.0]])).ravel()
    assert quiet > 4.0
    assert abs(busy) < 1.5


def test_nothing_lies_beyond_an_account_that_is_hardly_known() -> None:
    own = _settled(int(KNOWN_DAYS) - 1)
    assert (own.beyond(["quiet", "new"], np.array([[99.0], [99.0]])) == 0.0).all()
    assert len(own) == 3


def test_one_account_does_not_move_another() -> None:
    own, other = _settled(30), _settled(30)
    for _ in range(30):
        other.learn(["busy"], np.array([[1000.0]]))
    value = np.array([[5.0]])
    assert own.beyond(["quiet"], value) == other.beyond(["quiet"], value)


def test_a_changed_habit_becomes_usual() -> None:
    own = _settled(60)
    before = float(own.beyond(["quiet"], np.array([[9.0]]))[0, 0])
    for _ in range(60):
        own.learn(["quiet"], np.array([[9.0]]))
    assert float(own.beyond(["quiet"], np.array([[9.0]]))[0, 0]) < 1.0 < before
