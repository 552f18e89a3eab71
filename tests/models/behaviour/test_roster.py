"""Names are numbered as they come, and arrays grow with them without losing what they hold."""

import numpy as np

from models.behaviour.roster import Roster, grown


def test_a_name_keeps_its_row() -> None:
    roster = Roster()
    assert roster.of(["a", "b", "a"]).tolist() == [0, 1, 0]
    assert roster.of(["c", "b"]).tolist() == [2, 1]
    assert len(roster) == 3


def test_an_array_at_least_doubles_and_keeps_what_it_holds() -> None:
    held = np.arange(6, dtype=np.float32).reshape(3, 2)
    more = grown(held, 4, -np.inf)
    assert (more.shape, more.dtype) == ((6, 2), np.float32)
    assert (more[:3] == held).all()
    assert np.isneginf(more[3:]).all()
    assert grown(held, 3) is held
    assert len(grown(np.zeros(0), 5)) == 5
