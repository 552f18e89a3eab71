"""A day of a tenant is settled as a whole: who is called out is decided together, and what is not doubted is learned.

Doubted, and held (:mod:`models.behaviour.held`), is what is called out, what is unusual for an account under suspicion, and what
belongs to a drift further than colleagues' (:mod:`models.behaviour.drift`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from features.label import Verdict
from models.behaviour.conformal import discoveries
from models.behaviour.day import Day
from models.behaviour.drift import FURTHEST, Drift, Movement, surprise
from models.behaviour.held import Account, Held
from models.behaviour.judgement import Deviation
from models.behaviour.watch import Judged


class Settled(NamedTuple):
    """What became of an account's day: whether it is called out, whether it waits to be learned, and how far the account moved."""

    flagged: bool
    held: bool
    moved: Deviation | None


class _Looked(NamedTuple):
    """A day that waits, with its judgement."""

    day: Day
    judged: Judged


class Guarded:
    """Stands between judging and learning. ``learn`` takes up a judged day, at once or later, in whatever order."""

    def __init__(self, learn: Callable[[Day, Judged], None], drift: Drift, false_discovery: float) -> None:
        self.held: Held[_Looked] = Held()
        self._learn, self._drift, self._false_discovery = learn, drift, false_discovery

    def settle(self, days: Sequence[Day], judged: Sequence[Judged]) -> list[Settled]:
        """Settle the days of all accounts of one tenant on one UTC day; learn also what was held until it."""
        if not days:
            return []
        for waited in self.held.due(days[0].ordinal):
            self._learn(waited.day, waited.judged)
        called = discoveries([np.nan if one.cold else one.p_value for one in judged], self._false_discovery)
        return [self._settled(*both) for both in zip(days, judged, called.tolist(), strict=True)]

    def verdict(self, account: Account, first: int, last: int, verdict: Verdict) -> int:
        """Take up what a person said of an account's days; return how many held ones were learned by that."""
        legitimate = self.held.verdict(account, first, last, verdict)
        if legitimate:
            self._drift.forgive(*account)
        for waited in legitimate:
            self._learn(waited.day, waited.judged)
        return len(legitimate)

    def _settled(self, day: Day, judged: Judged, flagged: bool) -> Settled:
        movement = self._drift.judge(day)
        far = movement.p_value <= FURTHEST
        looked = _Looked(day, judged)
        held = self.held.waits(
            Account(day.tenant, day.entity), day.ordinal, flagged=flagged or far, p_value=judged.p_value, day=looked
        )
        if not held:
            self._learn(day, judged)
        return Settled(flagged, held, _moved(movement) if far else None)


def _moved(movement: Movement) -> Deviation:
    text = "has moved further from its behaviour of a season ago than its colleagues have"
    return Deviation(name="drift", text=text, surprise=surprise(movement), observed=movement.nats)
