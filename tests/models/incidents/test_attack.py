"""ATT&CK tactics: however they are spelt, they stand in the order of the matrix."""

from __future__ import annotations

import pytest

from models.incidents.attack import TACTICS, tactic_place


@pytest.mark.parametrize(("place", "name"), list(enumerate(TACTICS)))
def test_every_spelling_has_the_same_place(place: int, name: str) -> None:
    title = name.replace("-", " ").title()
    for spelt in (name, name.upper(), name.replace("-", "_"), title, f"  {title} ", TACTICS[name], TACTICS[name].lower()):
        assert tactic_place(spelt) == place


@pytest.mark.parametrize("name", ["", "phishing", "TA9999", "T1566", "initial\u2011access", "\ud800"])
def test_what_is_no_tactic_has_no_place(name: str) -> None:
    assert tactic_place(name) is None
