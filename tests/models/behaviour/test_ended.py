"""Which days were judged: of whom and when, once, as long as events of them may still come."""

from __future__ import annotations

import numpy as np

from features.accounts import Account
from features.alert import EntityKind
from models.behaviour.day_vector import DayKey
from models.behaviour.ended import FORGOTTEN_EVERY, Ended


def late(ended: Ended, name: str, day: int) -> bool:
    account = Account("t", "user", name)
    return bool(ended.late([account], np.array([0]), np.array([day]))[0])


def key(name: str, day: int) -> DayKey:
    return DayKey(day, "t", EntityKind.USER, name)


def test_a_day_that_was_judged_is_late_and_one_before_or_between_is_not() -> None:
    ended = Ended()
    ended.add([key("ann", 100), key("ann", 103), key("ann", 98)])
    assert [day for day in range(90, 110) if late(ended, "ann", day)] == [98, 100, 103]
    assert not late(ended, "bob", 100)


def test_days_of_which_nothing_can_come_are_forgotten_and_those_who_had_no_others() -> None:
    ended = Ended()
    ended.add([key("gone", 100), *(key("ann", day) for day in (90, 120, 140, 141))])
    ended.forget(FORGOTTEN_EVERY - 1)
    assert late(ended, "gone", 100)
    ended.forget(121)
    assert len(ended) == 1
    assert [day for day in range(121, 160) if late(ended, "ann", day)] == [140, 141]
    ended.add([key("ann", 150), key("ann", 125)])
    assert [day for day in range(121, 160) if late(ended, "ann", day)] == [125, 140, 141, 150]
