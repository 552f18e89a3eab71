"""Days are closed tenant by tenant: looked at by all judges, settled together, and learned unless they are doubted.

The impersonation stream asks whom an account's day looks like, the day's judge how rare its vector is; both are combined as bets
(:mod:`models.behaviour.combine`). What is called out waits (:mod:`models.behaviour.guarded`), so that it does not become normal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from math import nan
from typing import NamedTuple

from features.alert import EntityKind
from features.label import Verdict
from models.behaviour.combine import IMPERSONATION, Combiner, Whose
from models.behaviour.conformal import discoveries
from models.behaviour.day import Day
from models.behaviour.day_judges import DayJudge, judge_vectors
from models.behaviour.day_vector import DayKey, DayVectors
from models.behaviour.drift import Drift
from models.behaviour.guarded import Guarded, Settled
from models.behaviour.held import Account
from models.behaviour.model import BehaviourModel
from models.behaviour.stream import Stream
from models.behaviour.watch import NOTHING_KNOWN, Judged

MOST_REASONS = 5
LONGEST_DAYS = 200
"""What the stream said of a day that waits is remembered for as long as a day can wait, and a little longer."""

NOTHING = Judged(NOTHING_KNOWN, 1.0, (), cold=True)


class ClosedDay(NamedTuple):
    """One day's judgement, and whether it is called out."""

    judged: Judged
    flagged: bool


class Closing:
    """The state of all judges of days. Without a ``judge`` of vectors only the impersonation stream speaks, and of hosts nobody."""

    def __init__(self, model: BehaviourModel, false_discovery: float, judge: DayJudge | None) -> None:
        self._stream = Stream(model.fields, model.weights_of)
        self._guard = Guarded(self._learn, Drift(self._stream.profiles, model.weights_of), false_discovery)
        self._judge, self._combiner = judge, Combiner(detectors=(IMPERSONATION, "rarity"))
        self._false_discovery = false_discovery
        self._said: dict[tuple[int, str, str], Judged] = {}

    def close(self, days: Sequence[Day], vectors: DayVectors) -> list[ClosedDay]:
        """Judge days that have ended, in the order of time; return what becomes of each row of ``vectors``."""
        of_accounts = {key: list(some) for key, some in groupby(days, key=lambda day: (day.ordinal, day.tenant))}
        out: list[ClosedDay] = []
        for (ordinal, tenant), some in groupby(range(len(vectors.keys)), key=lambda at: vectors.keys[at][:2]):
            rows = list(some)
            part = vectors.part(slice(rows[0], rows[-1] + 1))
            out += self._close(of_accounts.get((ordinal, tenant), []), part)
        if vectors.keys:
            oldest = vectors.keys[-1].ordinal - LONGEST_DAYS
            self._said = {key: said for key, said in self._said.items() if key[0] >= oldest}
        return out

    def verdict(self, tenant: str, entity: str, first: int, last: int, verdict: Verdict) -> int:
        """Take up what a person said of an account's days ``first`` to ``last``; return how many that waited are learned by that."""
        return self._guard.verdict(Account(tenant, entity), first, last, verdict)

    def _close(self, days: Sequence[Day], vectors: DayVectors) -> list[ClosedDay]:
        """Close one tenant's UTC day."""
        said = {day.entity: self._stream.look(day) for day in days}
        self._said.update(((day.ordinal, day.tenant, day.entity), said[day.entity]) for day in days)
        of_vectors = judge_vectors(self._judge, vectors)
        joined = [self._joined(*one, said) for one in zip(vectors.keys, vectors.groups, of_vectors, strict=True)]
        settled = self._settle(days, vectors.keys, joined)
        hosts = [at for at, key in enumerate(vectors.keys) if key.kind is EntityKind.HOST]
        called = discoveries([nan if joined[at].cold else joined[at].p_value for at in hosts], self._false_discovery)
        flagged = dict(zip(hosts, called.tolist(), strict=True))
        return [
            ClosedDay(one, flagged[at]) if at in flagged else _closed(one, settled.get(key.entity))
            for at, (key, one) in enumerate(zip(vectors.keys, joined, strict=True))
        ]

    def _settle(self, days: Sequence[Day], keys: Sequence[DayKey], joined: Sequence[Judged]) -> dict[str, Settled]:
        """Let the guard decide what is called out and what waits; a person and a program of one name are one account to it."""
        highest: dict[str, Judged] = {}
        for key, one in zip(keys, joined, strict=True):
            if key.kind is not EntityKind.HOST and (key.entity not in highest or one.score > highest[key.entity].score):
                highest[key.entity] = one
        settled = self._guard.settle(days, [highest.get(day.entity, NOTHING) for day in days])
        return {day.entity: one for day, one in zip(days, settled, strict=True)}

    def _joined(self, key: DayKey, group: str, vector: Judged | None, stream: Mapping[str, Judged]) -> Judged:
        """Return one judgement of a day from those of its judges; one that knows too little says nothing."""
        said = None if key.kind is EntityKind.HOST else stream.get(key.entity)
        if said is None or vector is None:
            return said or vector or NOTHING
        if said.cold and vector.cold:
            return said
        whose = Whose(key.tenant, key.kind.value, key.entity, group)
        bare = [nan if one.cold else one.score for one in (said, vector)]
        combined = self._combiner.look(whose, bare)
        self._combiner.remember(whose, bare, combined)
        reasons = sorted((*said.deviations, *vector.deviations), key=lambda one: -one.surprise)
        return Judged(combined.score, combined.p_value, tuple(reasons[:MOST_REASONS]))

    def _learn(self, day: Day, _judged: Judged) -> None:
        """Have the stream learn a day, with what it said itself when it looked at it."""
        said = self._said.pop((day.ordinal, day.tenant, day.entity), None)
        if said is not None:
            self._stream.learn(day, said)


def _closed(judged: Judged, settled: Settled | None) -> ClosedDay:
    if settled is None:
        return ClosedDay(judged, flagged=False)
    if settled.moved is not None and not judged.cold:
        judged = judged._replace(deviations=(*judged.deviations, settled.moved))
    return ClosedDay(judged, settled.flagged)
