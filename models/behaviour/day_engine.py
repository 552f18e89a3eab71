"""From days to judgements that are settled: several judges' words combined, called out together, and learned or held."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from features.alert import EntityKind
from features.label import Verdict
from models.behaviour.combine import Combiner, Whose
from models.behaviour.day import Day
from models.behaviour.day_judges import Looked, RareDays
from models.behaviour.day_vector import DayVectors
from models.behaviour.drift import Drift
from models.behaviour.guarded import Entry, Guarded
from models.behaviour.held import Account
from models.behaviour.model import BehaviourModel
from models.behaviour.peers import Memberships
from models.behaviour.stream import Stream
from models.behaviour.watch import NOTHING_KNOWN, Judged

MOST_REASONS = 5
_Whose = tuple[int, str, str]


class SettledDay(NamedTuple):
    """The last word on one account's or host's day, and what each detector told, if they were combined."""

    judged: Judged
    flagged: bool
    held: bool
    told: tuple[float, ...]


class DayEngine:
    """The state of all accounts and hosts by day.

    Three judges speak: the impersonation stream, rare days, and the model's forest if it has one; without ``vectors`` the first only.
    """

    def __init__(self, model: BehaviourModel, false_discovery: float, *, vectors: bool) -> None:
        self._stream, self._rare = Stream(model.fields, model.weights_of), RareDays() if vectors else None
        self._forest = model.forest
        self._combiner = Combiner(model.combination)
        self._peers = None if model.peers is None else Memberships(model.peers)
        self._guard = Guarded(self._learn, Drift(self._stream.profiles, model.weights_of), false_discovery)

    def close(self, days: Sequence[Day], vectors: DayVectors) -> list[SettledDay]:
        """Judge, settle and learn days that have ended; the judgements are in the order of ``vectors``, which is that of time."""
        of = {(day.ordinal, day.tenant, day.entity): day for day in days}
        out: list[SettledDay | None] = [None] * len(vectors.keys)
        for _, some in groupby(range(len(vectors.keys)), key=lambda at: vectors.keys[at][:2]):
            rows = list(some)
            entries = self._entries(of, vectors.part(slice(rows[0], rows[-1] + 1)))
            for host in (False, True):
                mine = [at for at, one in enumerate(entries) if (one.key.kind is EntityKind.HOST) is host]
                settled = self._guard.settle([entries[at] for at in mine])
                for at, its in zip(mine, settled, strict=True):
                    judged, combined = entries[at].judged, entries[at].combined
                    if its.moved is not None:
                        judged = judged._replace(deviations=(*judged.deviations, its.moved))
                    out[rows[at]] = SettledDay(judged, its.flagged, its.held, combined.told if combined else ())
        return [one for one in out if one is not None]

    def verdict(self, account: Account, first: int, last: int, verdict: Verdict) -> int:
        """Take up what a person said of an account's days (ordinals); return how many held ones were learned by that."""
        learned = self._guard.verdict(account, first, last, verdict)
        if learned:
            self._stream.watch.clear(account.tenant, account.entity)
        return learned

    def _entries(self, days: dict[_Whose, Day], vectors: DayVectors) -> list[Entry]:
        """Judge the days of one tenant and UTC day; nothing is learned."""
        out: list[Entry] = []
        for _, some in groupby(range(len(vectors.keys)), key=lambda at: vectors.keys[at].kind):
            rows = list(some)
            part = vectors.part(slice(rows[0], rows[-1] + 1))
            looked = None if self._rare is None else self._rare.look(part)
            isolated = np.full(len(part.keys), np.nan) if self._forest is None else self._forest.anomaly_score(part.values)
            out += [self._entry(days, part, row, looked, one) for row, one in enumerate(isolated.tolist())]
        return out

    def _entry(self, days: dict[_Whose, Day], part: DayVectors, row: int, looked: Looked | None, isolated: float) -> Entry:
        key, group = part.keys[row], part.groups[row]
        day = None if key.kind is EntityKind.HOST else days.get((key.ordinal, key.tenant, key.entity))
        said = None if day is None else self._stream.look(day)
        vector = None if looked is None else looked.judged[row]
        entry = Entry(key, group or self._group(day), _alone(said, vector), day, said, looked, row)
        if said is None or vector is None or said.cold or vector.cold:
            return entry
        bare = (said.score, vector.score, isolated)
        combined = self._combiner.look(_whose(entry), bare)
        reasons = sorted((*said.deviations, *vector.deviations), key=lambda one: -one.surprise)
        judged = Judged(combined.score, combined.p_value, tuple(reasons[:MOST_REASONS]))
        return entry._replace(judged=judged, bare=bare, combined=combined)

    def _group(self, day: Day | None) -> str:
        """Return the group that was learned for an account of which the directory tells none."""
        number = None if day is None or self._peers is None else self._peers.group(day.tenant, day.entity)
        return "" if number is None else f"learned {number}"

    def _learn(self, entries: Sequence[Entry]) -> None:
        fit: dict[int, tuple[Looked, list[int]]] = {}
        for entry in entries:
            if entry.day is not None and entry.said is not None:
                self._stream.learn(entry.day, entry.said)
                if self._peers is not None:
                    self._peers.learn(entry.day)
            if entry.combined is not None:
                self._combiner.remember(_whose(entry), entry.bare, entry.combined)
            if entry.looked is not None:
                fit.setdefault(id(entry.looked), (entry.looked, []))[1].append(entry.row)
        if self._rare is not None:
            for looked, rows in fit.values():
                mask = np.zeros(len(looked.judged), bool)
                mask[rows] = True
                self._rare.learn(looked, mask)


def _alone(said: Judged | None, vector: Judged | None) -> Judged:
    """Return the judgement of the one judge that knows enough to speak, if not both do."""
    spoken = [one for one in (said, vector) if one is not None and not one.cold]
    return spoken[0] if spoken else said or vector or Judged(NOTHING_KNOWN, 1.0, (), cold=True)


def _whose(entry: Entry) -> Whose:
    return Whose(entry.key.tenant, entry.key.kind.value, entry.key.entity, entry.group)
