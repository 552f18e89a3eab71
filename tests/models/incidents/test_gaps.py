"""Gaps: what an order of tactics and past chains let one expect."""

from __future__ import annotations

from models.incidents.gaps import Gap, gaps
from models.incidents.signature import Move


def _past(*tactics: str) -> list[Move]:
    return [Move(tactic, "", "host") for tactic in tactics]


def test_a_move_without_stolen_credentials() -> None:
    found = gaps(["initial-access", "execution", "lateral-movement"])
    assert found == (Gap("credential-access", "lateral-movement was seen with no credential-access before it"),)
    assert gaps(["initial-access", "execution", "credential-access", "lateral-movement"]) == ()


def test_the_way_in_was_not_seen() -> None:
    found = gaps(["execution", "persistence"], entry_seen=False)
    assert [gap.tactic for gap in found] == ["initial-access"]
    assert found[0].why == "the first that was seen is execution: how the attacker got in was not seen"


def test_what_was_seen_is_not_missing() -> None:
    assert gaps(["lateral-movement", "credential-access", "initial-access"], entry_seen=False) == ()


def test_gaps_come_in_the_order_of_the_matrix() -> None:
    found = [gap.tactic for gap in gaps(["exfiltration", "lateral-movement", "persistence"], entry_seen=False)]
    assert found == ["initial-access", "credential-access", "collection"]


def test_past_chains_say_what_lies_between() -> None:
    usual, other = _past("initial-access", "discovery", "collection"), _past("initial-access", "collection")
    found = gaps(["initial-access", "collection"], [usual] * 3 + [other] * 2)
    assert found == (Gap("discovery", "3 of 5 past chains have it between initial-access and collection"),)
    assert gaps(["initial-access", "collection"], [usual] * 4) == (), "four are too few to expect by"
    assert gaps(["initial-access", "collection"], [usual] * 2 + [other] * 3) == ()


def test_nothing_seen_lacks_nothing() -> None:
    assert gaps([], entry_seen=False) == gaps([""], entry_seen=False) == ()
