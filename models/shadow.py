"""What a shadow period says: what would have happened had everything been let out, with bounds, by group.

Two things are counted. *Alerts* tell what would be saved. *Units*, incidents where one is known, else a rule on an entity for a day,
tell what would be lost, as certificates count: an incident is missed when all its alerts would have been suppressed.

In shadow every alert comes before a person, so no lot is drawn; but only what somebody judged tells anything. Bounds are exact if
what was judged is no worse a choice than a random one, which who judged it must answer for; they say nothing of the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from models.certificates.bounds import lower_bound, upper_bound
from models.certificates.certificate import EVERY
from models.decision import Action
from models.misses import proportion
from models.withdrawal import Unit

DELTA = 0.05
"""Each bound holds with a confidence of 1 − this, by itself."""


class Decided(NamedTuple):
    """One alert as it was first decided. ``attack``: what people say of it, ``None`` where nobody has judged it."""

    groups: tuple[str, ...]
    unit: Unit
    action: Action
    published: Action
    tier: str
    attack: bool | None


class Share(msgspec.Struct, frozen=True):
    """``hits`` of ``of``, with its exact two-sided interval."""

    hits: int
    of: int
    low: float
    high: float

    @classmethod
    def made(cls, hits: int, of: int) -> Share:
        """Return a share with its interval."""
        found = proportion(hits, of, DELTA)
        return cls(hits, of, found.low, found.high)


class GroupShadow(msgspec.Struct, frozen=True, kw_only=True):
    """What would have happened to a group's ``alerts``.

    ``suppressed``: would have been, ``let_out`` of them were. ``saved_seconds``: a person's time for the rest of them. ``attacks``:
    attacks among those of them that were judged. ``missed``: units of which all would have been suppressed, among those that people
    call attacks, at most ``missed_bound`` of all such units. ``responses`` by tier; ``right``: those on attacks, among units that were
    judged, at least ``precision_bound`` of all.
    """

    alerts: int
    suppressed: int
    let_out: int
    suppressed_a_day: float
    saved_seconds: float
    attacks: Share
    missed: Share
    missed_bound: float
    responses: dict[str, int]
    right: Share
    precision_bound: float


class _Tally:
    def __init__(self) -> None:
        self.alerts = self.suppressed = self.let_out = self.judged = self.attacks = 0
        self.responses: dict[str, int] = {}
        self.units: dict[Unit, list[bool]] = {}
        """Of each: whether all its alerts would be suppressed, whether any would be responded to, whether one was judged, and an attack."""

    def add(self, one: Decided) -> None:
        hidden = one.action is Action.SUPPRESS
        self.alerts += 1
        self.suppressed += hidden
        self.let_out += hidden and one.published is one.action
        self.judged += hidden and one.attack is not None
        self.attacks += hidden and bool(one.attack)
        if one.action is Action.RESPOND:
            self.responses[one.tier] = self.responses.get(one.tier, 0) + 1
        unit = self.units.setdefault(one.unit, [True, False, False, False])
        unit[0] &= hidden
        unit[1] |= one.action is Action.RESPOND
        unit[2] |= one.attack is not None
        unit[3] |= bool(one.attack)

    def told(self, days: float, seconds: float) -> GroupShadow:
        missed = [hidden for hidden, _, _, attack in self.units.values() if attack]
        right = [attack for _, responded, judged, attack in self.units.values() if responded and judged]
        return GroupShadow(
            alerts=self.alerts, suppressed=self.suppressed, let_out=self.let_out,
            suppressed_a_day=self.suppressed / days, saved_seconds=(self.suppressed - self.let_out) * seconds,
            attacks=Share.made(self.attacks, self.judged),
            missed=Share.made(sum(missed), len(missed)), missed_bound=upper_bound(len(missed), sum(missed), DELTA),
            responses=self.responses,
            right=Share.made(sum(right), len(right)), precision_bound=lower_bound(len(right), sum(right), DELTA),
        )  # fmt: skip


def shadow(decided: Iterable[Decided], days: float, seconds: float) -> dict[str, GroupShadow]:
    """Return what would have happened within ``days``, over all alerts (``EVERY``, always there) and by group, the largest saving first.

    ``seconds``: what an alert costs a person.
    """
    tallies = {EVERY: _Tally()}
    for one in decided:
        for group in (EVERY, *one.groups):
            tallies.setdefault(group, _Tally()).add(one)
    order = sorted(tallies, key=lambda group: (group != EVERY, -tallies[group].suppressed, group))
    return {group: tallies[group].told(days, seconds) for group in order}
