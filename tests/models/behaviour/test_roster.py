"""Names are numbered as they come, and arrays grow with them without losing what they hold."""

import numpy as np

from models.behaviour.day import OLDEST_DAYS
from models.behaviour.roster import Roster, grown


def test_a_name_keeps_its_row() -> None:
    roster = Roster()
    assert roster.of(["a", "b", "a"], 1).tolist() == [0, 1, 0]
    assert roster.of(["c", "b"], 2).tolist() == [2, 1]
    assert len(roster) == 3


def test_who_stays_away_is_forgotten_and_the_others_keep_their_order() -> None:
    roster = Roster()
    roster.of(["a", "b", "c", "d"], 10)
    roster.of(["d", "b"], 11)
    assert roster.forget(10 + OLDEST_DAYS) is None, "nobody has been away for so long"
    kept = roster.forget(11 + OLDEST_DAYS)
    assert kept is not None
    assert kept.tolist() == [1, 3]
    assert roster.of(["d", "a", "b"], 11 + OLDEST_DAYS).tolist() == [1, 2, 0]
    assert roster.forget(11 + OLDEST_DAYS) is None, "of an earlier day nothing follows"


def test_what_is_learned_late_keeps_nobody_from_being_known() -> None:
    roster = Roster()
    roster.of(["a"], 500)
    roster.of(["a"], 20)
    assert roster.forget(21 + OLDEST_DAYS) is None


def test_a_few_who_stay_away_are_not_worth_numbering_all_anew() -> None:
    roster = Roster()
    roster.of(range(5), 1)
    roster.of(range(1, 5), 300)
    assert roster.forget(2 + OLDEST_DAYS) is None
    assert len(roster) == 5


def test_who_comes_back_after_that_is_somebody_new_however_many_others_stayed() -> None:
    roster = Roster()
    roster.of(range(9), 1)
    roster.of(range(1, 9), 300)
    assert roster.forget(2 + OLDEST_DAYS) is None
    assert roster.of([0, 1, 0], 2 + OLDEST_DAYS).tolist() == [9, 1, 9]
    kept = roster.forget(301 + OLDEST_DAYS)
    assert kept is not None
    assert kept.tolist() == [1, 9]
    assert roster.of([1, 0], 302).tolist() == [0, 1]


def test_an_array_at_least_doubles_and_keeps_what_it_holds() -> None:
    held = np.arange(6, dtype=np.float32).reshape(3, 2)
    more = grown(held, 4, -np.inf)
    assert (more.shape, more.dtype) == ((6, 2), np.float32)
    assert (more[:3] == held).all()
    assert np.isneginf(more[3:]).all()
    assert grown(held, 3) is held
    assert len(grown(np.zeros(0), 5)) == 5
