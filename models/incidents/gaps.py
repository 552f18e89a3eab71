"""What a chain lacks: tactics that one would expect among those seen."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from models.incidents.attack import TACTICS
from models.incidents.signature import Move

_NEEDS: dict[str, tuple[str, ...]] = {
    "persistence": ("initial-access", "execution"),
    "privilege-escalation": ("initial-access", "execution"),
    "credential-access": ("initial-access", "execution"),
    "lateral-movement": ("credential-access",),
    "collection": ("initial-access", "discovery"),
    "exfiltration": ("collection",),
    "impact": ("execution", "privilege-escalation", "lateral-movement"),
}
"""Tactic → those of which at least one comes before it as a rule, by what the tactics of ATT&CK are for."""
_PAST, _SHARE = 5, 0.5
"""Past chains that make an expectation, and the share of them in which the tactic lies between the same two."""


class Gap(msgspec.Struct, frozen=True, gc=False):
    """A tactic that one would expect and no alert speaks of, and ``why``."""

    tactic: str
    why: str


def gaps(seen: Sequence[str], past: Sequence[Sequence[Move]] = (), *, entry_seen: bool = True) -> tuple[Gap, ...]:
    """Return what is missing: tactics that are not among those ``seen`` (in the order of time), in the order of the matrix.

    ``past``: signatures of past chains.
    """
    known = [tactic for tactic in seen if tactic in TACTICS]
    found: dict[str, str] = {}
    if known and not entry_seen:
        found["initial-access"] = f"the first that was seen is {known[0]}: how the attacker got in was not seen"
    for place, tactic in enumerate(known):
        needs = _NEEDS.get(tactic, ())
        if needs and not set(needs) & set(known[:place]):
            found.setdefault(needs[0], f"{tactic} was seen with no {' or '.join(needs)} before it")
    for tactic, why in _usual(known, past):
        found.setdefault(tactic, why)
    order = list(TACTICS)
    return tuple(Gap(tactic, found[tactic]) for tactic in sorted(set(found) - set(known), key=order.index))


def _usual(known: Sequence[str], past: Sequence[Sequence[Move]]) -> list[tuple[str, str]]:
    """Return tactics that past chains have between two that follow each other here."""
    chains = [list(dict.fromkeys(move.tactic for move in moves if move.tactic)) for moves in past]
    found = []
    for before, after in pairwise(known):
        like = [c for c in chains if before in c and after in c and c.index(before) < c.index(after)]
        between = [c[c.index(before) + 1 : c.index(after)] for c in like]
        for tactic in TACTICS:
            count = sum(tactic in some for some in between)
            if len(like) >= _PAST and count >= _SHARE * len(like):
                found.append((tactic, f"{count} of {len(like)} past chains have it between {before} and {after}"))
    return found
