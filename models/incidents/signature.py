"""A chain's signature, and which past chains went alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec

from models.incidents.sightings import Sighting

MOST_MOVES = 24
"""Length of a signature: the first different moves."""
_GAP = -0.4
_CANDIDATES = 300
"""Past chains that are aligned: those that share most with the chain."""


class Move(msgspec.Struct, frozen=True, gc=False, order=True):
    """A step of a signature: tactic, technique, and on what kind of entity. No name of anybody's."""

    tactic: str
    technique: str
    kind: str


class PastChain(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A chain of a past incident with its ``verdict``, which was given at ``time``."""

    incident: str
    moves: tuple[Move, ...]
    verdict: str
    time: datetime


class Alike(msgspec.Struct, frozen=True, gc=False):
    """A past chain and how alike it is, from 0 to 1."""

    past: PastChain
    likeness: float


def signature(ordered: Sequence[Sighting]) -> tuple[Move, ...]:
    """Return the different moves in the order in which they were seen first."""
    moves = dict.fromkeys(
        Move(seen.tactic, next(iter(seen.line.techniques), ""), next((n.kind for n in (*seen.places, *seen.victims)), ""))
        for seen in ordered
    )
    return tuple(moves)[:MOST_MOVES]


def align(moves: Sequence[Move], past: Sequence[PastChain], at: datetime, most: int = 5) -> list[Alike]:
    """Return the past chains most like ``moves``, those with a verdict by ``at``; none that has nothing in common.

    Of many, those that share most techniques and tactics are aligned.
    """
    own = _bag(moves)
    known = [chain for chain in past if chain.time <= at and chain.moves]
    shares = {id(chain): _shared(own, _bag(chain.moves)) for chain in known}
    near = sorted((chain for chain in known if shares[id(chain)] > 0.0), key=lambda c: (-shares[id(c)], c.incident))
    found = [Alike(chain, likeness(moves, chain.moves)) for chain in near[:_CANDIDATES]]
    found = [alike for alike in found if alike.likeness > 0.0]
    return sorted(found, key=lambda alike: (-alike.likeness, alike.past.incident))[:most]


def likeness(some: Sequence[Move], others: Sequence[Move]) -> float:
    """Return how alike two sequences of moves are, from 0 to 1: symmetric, 1 for the same.

    Global alignment (Needleman & Wunsch 1970): the best sum over pairs in order of their likeness (:func:`_same`), less 0.4 for
    each move left over; divided by the longer length, floored at 0.
    """
    if not some or not others:
        return 0.0
    above = [_GAP * j for j in range(len(others) + 1)]
    for i, move in enumerate(some, 1):
        row = [_GAP * i]
        for j, other in enumerate(others, 1):
            row.append(max(above[j - 1] + _same(move, other), above[j] + _GAP, row[j - 1] + _GAP))
        above = row
    return max(above[-1] / max(len(some), len(others)), 0.0)


def _same(a: Move, b: Move) -> float:
    """Return how alike two moves are: the technique 1, its parent 0.8, else the tactic 0.5, else −0.5; another kind of entity −0.2."""
    if a == b:
        return 1.0
    other_kind = 0.0 if a.kind == b.kind else -0.2
    if a.technique and a.technique == b.technique:
        return 1.0 + other_kind
    if a.technique and a.technique.split(".")[0] == b.technique.split(".")[0]:
        return 0.8 + other_kind
    return 0.5 + other_kind if a.tactic and a.tactic == b.tactic else -0.5


def _bag(moves: Sequence[Move]) -> Counter[str]:
    return Counter(name for move in moves for name in (move.tactic, move.technique) if name)


def _shared(a: Counter[str], b: Counter[str]) -> float:
    return (a & b).total() / max((a | b).total(), 1)
