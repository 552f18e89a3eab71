"""A day of a tenant's accounts, or of its hosts, is settled as a whole: who is called out is decided together, and what is not doubted is learned.

Doubted, and held (:mod:`models.behaviour.held`), is what is called out, what is unusual for an account under suspicion, and what
belongs to a drift further than colleagues' (:mod:`models.behaviour.drift`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from features.alert import EntityKind
from features.label import Verdict
from models.behaviour.combine import Combined
from models.behaviour.conformal import discoveries
from models.behaviour.day import OLDEST_DAYS, Day
from models.behaviour.day_judges import Looked
from models.behaviour.day_vector import DayKey
from models.behaviour.drift import FURTHEST, Drift, Movement, surprise
from models.behaviour.held import Account, Held
from models.behaviour.judgement import Deviation
from models.behaviour.watch import Judged


class Entry(NamedTuple):
    """One account's or host's day, judged and not yet learned.

    ``said`` is the impersonation stream's word on the ``day``, ``looked`` that on its vector (in the row ``row``), ``combined``
    what both came to, from the scores ``bare``; whoever was not asked is missing.
    """

    key: DayKey
    group: str
    judged: Judged
    day: Day | None = None
    said: Judged | None = None
    looked: Looked | None = None
    row: int = 0
    bare: tuple[float, ...] = ()
    combined: Combined | None = None

    @property
    def account(self) -> Account:
        """Whose day it is."""
        return Account(self.key.tenant, self.key.kind, self.key.entity)

    def alone(self) -> Entry:
        """Return the day without those of others that were judged with it, to be kept."""
        return self if self.looked is None else self._replace(looked=self.looked.part(self.row), row=0)


class Settled(NamedTuple):
    """What became of an account's day: whether it is called out, whether it waits to be learned, and how far the account moved."""

    flagged: bool
    held: bool
    moved: Deviation | None


class Guarded:
    """Stands between judging and learning. ``learn`` takes up judged days, at once or later, in whatever order."""

    def __init__(self, learn: Callable[[Sequence[Entry]], None], drift: Drift, false_discovery: float) -> None:
        self.held: Held[Entry] = Held()
        self._learn, self._drift, self._false_discovery = learn, drift, false_discovery
        self._before: dict[int, Counter[tuple[str, bool]]] = {}
        """How many were judged by day, of a tenant or its hosts, before others whose day it was came in."""

    def settle(self, entries: Sequence[Entry]) -> list[Settled]:
        """Settle one UTC day of all accounts of one tenant, or of all its hosts; learn also what was held until it.

        Some of them may come after others were settled: so many more are called out only by what is rare among all of them.
        """
        if not entries:
            return []
        key = entries[0].key
        fit, before, of = self.held.due(key.ordinal), self._judged_of(key.ordinal), (key.tenant, key.kind is EntityKind.HOST)
        p_values = [np.nan if one.judged.cold else one.judged.p_value for one in entries]
        called = discoveries([*p_values, *[1.0] * before[of]], self._false_discovery)[: len(entries)]
        before[of] += len(entries) - int(np.isnan(p_values).sum())
        settled = [self._settled(entry, flagged) for entry, flagged in zip(entries, called.tolist(), strict=True)]
        self._learn([*fit, *(entry for entry, its in zip(entries, settled, strict=True) if not its.held)])
        return settled

    def _judged_of(self, ordinal: int) -> Counter[tuple[str, bool]]:
        """Return how many were judged of a day before; of days before which no event is believed any more it is forgotten."""
        if ordinal not in self._before:
            kept = {day: count for day, count in self._before.items() if day >= ordinal - OLDEST_DAYS}
            self._before = {**kept, ordinal: Counter()}
        return self._before[ordinal]

    def verdict(self, account: Account, first: int, last: int, verdict: Verdict) -> int:
        """Take up what a person said of an account's days; return how many held ones were learned by that."""
        legitimate = self.held.verdict(account, first, last, verdict)
        if legitimate:
            self._drift.forgive(account.tenant, account.entity)
            self._learn(legitimate)
        return len(legitimate)

    def _settled(self, entry: Entry, flagged: bool) -> Settled:
        movement = None if entry.day is None else self._drift.judge(entry.day)
        far = movement is not None and movement.p_value <= FURTHEST
        held = self.held.waits(
            entry.account, entry.key.ordinal, flagged=flagged or far, p_value=entry.judged.p_value, day=entry.alone
        )
        return Settled(flagged, held, _moved(movement) if far and movement is not None else None)


def _moved(movement: Movement) -> Deviation:
    text = "has moved further from its behaviour of a season ago than its colleagues have"
    return Deviation(name="drift", text=text, surprise=surprise(movement), observed=movement.nats)
