"""Signatures and their alignment."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.incidents.attack import TACTICS
from models.incidents.sightings import sightings
from models.incidents.signature import MOST_MOVES, Move, PastChain, align, likeness, signature
from tests.models.incidents.chains_by_hand import PHISHING, START, leased, line, on

MOVES = st.builds(
    Move,
    st.sampled_from(["", *TACTICS]),
    st.sampled_from(["", "T1059", "T1059.001", "T1021.002"]),
    st.sampled_from(["host", "user"]),
)
SEQUENCES = st.lists(MOVES, max_size=8)


def _past(incident: str, *moves: Move, hours: float = 0) -> PastChain:
    return PastChain(incident=incident, moves=moves, verdict="true_positive", time=START + timedelta(hours=hours))


def test_a_signature_names_moves_and_nobody() -> None:
    moves = signature(sightings(PHISHING, leased))
    assert moves[:2] == (Move("initial-access", "T1566.001", "user"), Move("execution", "T1059.001", "host"))
    assert len(moves) == len(PHISHING)
    assert len(signature(sightings([line(n, "impact", on("a"), technique=f"T{n}") for n in range(99)]))) == MOST_MOVES


@given(SEQUENCES, SEQUENCES)
def test_likeness_is_symmetric_and_between_0_and_1(a: list[Move], b: list[Move]) -> None:
    assert likeness(a, b) == pytest.approx(likeness(b, a))
    assert 0.0 <= likeness(a, b) <= 1.0


@given(st.lists(MOVES, min_size=1, max_size=8))
def test_the_same_is_wholly_alike(moves: list[Move]) -> None:
    assert likeness(moves, moves) == pytest.approx(1.0)


def test_a_move_left_out_costs_less_than_another_order() -> None:
    moves = signature(sightings(PHISHING, leased))
    assert likeness(moves, moves[:2] + moves[3:]) == pytest.approx((5 - 0.4) / 6)
    assert likeness(moves, moves[::-1]) < likeness(moves, moves[:2] + moves[3:]) < 1.0


def test_a_sub_technique_is_nearer_than_a_tactic_and_a_tactic_than_nothing() -> None:
    one = [Move("execution", "T1059.001", "host")]
    others = [Move("execution", name, "host") for name in ("T1059.001", "T1059.003", "T1204")] + [Move("impact", "T1486", "host")]
    assert [likeness(one, [other]) for other in others] == [1.0, 0.8, 0.5, 0.0]
    assert likeness(one, [Move("execution", "T1059.001", "user")]) == pytest.approx(0.8)


def test_past_chains_come_most_alike_first_with_their_verdicts() -> None:
    a, b, c = (Move("execution", f"T{n}", "host") for n in range(3))
    past = [_past("half", a, c), _past("same", a, b), _past("none", Move("impact", "T9", "host")), _past("empty")]
    found = align([a, b], past, START)
    assert [(alike.past.incident, alike.past.verdict) for alike in found] == [
        ("same", "true_positive"),
        ("half", "true_positive"),
    ]
    assert [alike.likeness for alike in found] == [1.0, 0.75]
    assert align([a, b], past[::-1], START) == found
    assert [alike.past.incident for alike in align([a, b], past, START, most=1)] == ["same"]


def test_a_verdict_given_later_is_not_known() -> None:
    a = Move("execution", "T1", "host")
    past = [_past("before", a, hours=-1), _past("after", a, hours=1)]
    assert [alike.past.incident for alike in align([a], past, START)] == ["before"]
