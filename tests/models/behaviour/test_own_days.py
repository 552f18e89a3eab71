"""An account's own usual days: what lies beyond them, what is too new to say, and that no account moves another's."""

from __future__ import annotations

import numpy as np

from models.behaviour.day import OLDEST_DAYS
from models.behaviour.own_days import KNOWN_DAYS, OwnDays
from models.behaviour.roster import MOST_AWAY


def _settled(days: int) -> OwnDays:
    own, rng = OwnDays(1), np.random.default_rng(1)
    for day in range(days):
        own.learn(["quiet", "busy"], np.array([[3.0], [9.0]]) + rng.normal(0.0, 1.0, (2, 1)), day)
    return own


def test_the_same_value_is_far_beyond_one_account_and_usual_for_another() -> None:
    quiet, busy = _settled(60).beyond(["quiet", "busy"], np.array([[9.0], [9.0]]), 60).ravel()
    assert quiet > 4.0
    assert abs(busy) < 1.5


def test_nothing_lies_beyond_an_account_that_is_hardly_known() -> None:
    own = _settled(int(KNOWN_DAYS) - 1)
    assert (own.beyond(["quiet", "new"], np.array([[99.0], [99.0]]), 9) == 0.0).all()
    assert len(own) == 3


def test_one_account_does_not_move_another() -> None:
    own, other = _settled(30), _settled(30)
    for day in range(30, 60):
        other.learn(["busy"], np.array([[1000.0]]), day)
    value = np.array([[5.0]])
    assert own.beyond(["quiet"], value, 60) == other.beyond(["quiet"], value, 60)


def test_a_changed_habit_becomes_usual() -> None:
    own = _settled(60)
    before = float(own.beyond(["quiet"], np.array([[9.0]]), 60)[0, 0])
    for day in range(60, 120):
        own.learn(["quiet"], np.array([[9.0]]), day)
    assert float(own.beyond(["quiet"], np.array([[9.0]]), 120)[0, 0]) < 1.0 < before


def test_who_comes_no_more_takes_no_memory_and_the_others_are_known_as_before() -> None:
    busy, quiet = OwnDays(1), OwnDays(1)
    rng = np.random.default_rng(3)
    for day in range(3 * OLDEST_DAYS):
        value = rng.normal(3.0, 1.0, (1, 1))
        quiet.learn(["stays"], value, day)
        busy.learn(["stays", f"once {day}"], np.vstack([value, value]), day)
        assert len(busy) <= (OLDEST_DAYS + 2) / (1.0 - MOST_AWAY) + 1
    assert busy.beyond(["stays"], np.array([[5.0]]), day) == quiet.beyond(["stays"], np.array([[5.0]]), day)
