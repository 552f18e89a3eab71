"""The detectors of a day's vector: from the first weeks on without any training, and surer with a trained forest.

Of the surprises of a day's features (how rare each is among the tenant's days, :mod:`models.behaviour.rarity`) two detectors make one
number each, and a trained isolation forest a third:

* ``rarity``: what goes beyond :data:`USUAL` nats, added up over features: few things that are very rare;
* ``kinds``: the mean over the features of each kind (all of ``country``, all of ``target`` …), what goes beyond :data:`USUAL_OF_KIND`
  added up over kinds: a kind that is unusual in every way.

From each number (and each kind's) the account's own usual one is taken away: who is always loud is held against that. They are
combined as bets (:mod:`models.behaviour.combine`). Where events tell no source (no address, country or device), a vector says too
little, and nothing is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.alert import EntityKind
from models.behaviour.combine import MOST, bet
from models.behaviour.conformal import Past, Pool, joined
from models.behaviour.day_judges import told
from models.behaviour.day_vector import NAMES, DayKey, DayVectors
from models.behaviour.forest import Forest
from models.behaviour.rarity import Floats, Rarity
from models.behaviour.watch import NOTHING_KNOWN, Judged

DETECTORS = ("rarity", "kinds", "forest")
USUAL, USUAL_OF_KIND = 2.0, 1.0
LEAST_DAYS = 200
"""Account-days of a tenant that must be known before its rarities are."""
KNOWN_DAYS = 5
"""An account with fewer known days is not judged."""
SETTLED_DAYS = 15
"""To an account with fewer days everything is new: its days tell nothing about what is rare."""
REFERENCE = 5000
"""The latest account-days of a tenant that others are held against."""
REFIT = 0.2
"""The reference is looked at anew when so large a share of it is new."""
OWN_DAYS, MIXED = 50.0, 5.0
"""An account's usual numbers are means of about its last so many days; as many days of the tenant's are mixed into them."""
MOST_APART = 20.0
"""One day moves a mean as if it were at most so far above it."""
OWN_PAST, GROUP_PAST = 100, 20_000
TOLD_FROM = 1.0
"""Of a day whose bets pay less (in nats) no reason is told."""
_SOURCES = tuple(NAMES.index(f"{name}_own_max") for name in ("address", "country", "device"))
_PARTS = ("_own_max", "_own_mean", "_peers_max", "_tenant_max", "_max", "_own", "_peers", "_share")


def _kind_of(name: str) -> str:
    for part in _PARTS:
        if name.endswith(part):
            return name.removesuffix(part)
    return name


KINDS: Mapping[str, tuple[int, ...]] = {
    kind: tuple(at for at, name in enumerate(NAMES) if _kind_of(name) == kind) for kind in dict.fromkeys(map(_kind_of, NAMES))
}
"""The columns of each kind of feature."""


NUMBERS = 2 + len(KINDS)
"""Numbers of a day that are held against the account's own: rarity, the forest's, and each kind's."""


def numbers(surprises: Floats, forest: Floats) -> Floats:
    """Return the numbers of days from their surprises (n × features) and the forest's scores: n × :data:`NUMBERS`."""
    kinds = np.column_stack([surprises[:, columns].mean(axis=1) for columns in KINDS.values()])
    return np.column_stack([np.maximum(surprises - USUAL, 0.0).sum(axis=1), 100.0 * forest, kinds])


def detected(beyond: Floats) -> Floats:
    """Return what each detector says of how far a day's numbers are beyond the account's own: n × detectors."""
    kinds = np.maximum(beyond[:, 2:] - USUAL_OF_KIND, 0.0).sum(axis=1)
    return np.column_stack([beyond[:, 0], kinds, beyond[:, 1]])


class Looked(NamedTuple):
    """Days of one tenant, kind and UTC day with what the panel says of each; ``numbers`` are the days' own."""

    days: DayVectors
    numbers: Floats
    detected: Floats
    score: Floats
    judged: list[Judged]


class _Reference:
    """The latest days of one tenant's accounts of one kind."""

    def __init__(self) -> None:
        self._rows = np.zeros((0, len(NAMES)))
        self._new = 0
        self._rarity: Rarity | None = None
        self.usual = np.zeros(NUMBERS)
        self.pools = tuple(Pool(GROUP_PAST) for _ in DETECTORS)
        self.score = Pool(GROUP_PAST)

    def rarity(self) -> Rarity | None:
        if len(self._rows) >= LEAST_DAYS and (self._rarity is None or self._new >= REFIT * len(self._rows)):
            self._rarity, self._new = Rarity.fit(self._rows, NAMES, both_tails=False), 0
        return self._rarity if self._rows[:, _SOURCES].any() else None

    def learn(self, values: Floats) -> None:
        self._rows = np.concatenate([self._rows, values])[-REFERENCE:]
        self._new += len(values)


class _Own:
    """What is usual of each account: decayed sums of its numbers, their weight, and its days."""

    def __init__(self) -> None:
        self._row: dict[tuple[str, EntityKind, str], int] = {}
        self.total = np.zeros((0, NUMBERS))
        self.weight, self.days = np.zeros(0), np.zeros(0)
        self.past: list[Past] = []

    def rows(self, keys: Sequence[DayKey]) -> NDArray[np.intp]:
        found = np.array([self._row.setdefault((key.tenant, key.kind, key.entity), len(self._row)) for key in keys], np.intp)
        self.past += [Past(OWN_PAST) for _ in range(len(self._row) - len(self.past))]
        more = len(self._row) - len(self.days)
        if more > 0:
            more = max(more, len(self.days))
            self.total = np.concatenate([self.total, np.zeros((more, NUMBERS))])
            self.weight, self.days = np.append(self.weight, np.zeros(more)), np.append(self.days, np.zeros(more))
        return found

    def usual(self, rows: NDArray[np.intp], tenant: Floats) -> Floats:
        out: Floats = (self.total[rows] + MIXED * tenant) / (self.weight[rows] + MIXED)[:, np.newaxis]
        return out

    def learn(self, rows: NDArray[np.intp], told: Floats, tenant: Floats) -> None:
        fade = 1.0 - 1.0 / OWN_DAYS
        held = np.minimum(told, self.usual(rows, tenant) + MOST_APART)
        self.total[rows] = self.total[rows] * fade + held
        self.weight[rows] = self.weight[rows] * fade + 1.0


class Panel:
    """The state of all accounts and hosts. Days come in the order of time, those of one tenant, kind and UTC day together."""

    def __init__(self, forest: Forest | None = None) -> None:
        self._forest = forest
        self._references: dict[tuple[str, EntityKind], _Reference] = {}
        self._own = _Own()

    def step(self, days: DayVectors) -> list[Judged]:
        """Judge days, then learn all of them."""
        looked = self.look(days)
        self.learn(looked, np.ones(len(days.keys), bool))
        return looked.judged

    def look(self, days: DayVectors) -> Looked:
        """Judge days by what is known; nothing is learned."""
        reference, n = self._reference(days), len(days.keys)
        rarity = reference.rarity()
        if rarity is None:
            nothing = np.zeros((n, 0))
            return Looked(days, nothing, nothing, np.full(n, -np.inf), [_NOTHING] * n)
        surprises, rows = rarity.surprises(days.values), self._own.rows(days.keys)
        forest = np.zeros(n) if self._forest is None else self._forest.anomaly_score(days.values)
        told_of = numbers(surprises, forest)
        found = detected(told_of - self._own.usual(rows, reference.usual))
        asked = DETECTORS if self._forest is not None else DETECTORS[:-1]
        bets = [bet(name, pool.surprises(column)) for name, pool, column in zip(asked, reference.pools, found.T, strict=False)]
        score: Floats = np.log(np.exp(np.minimum(np.column_stack(bets), MOST)).mean(axis=1))
        known = self._own.days[rows] >= KNOWN_DAYS
        of_group = reference.score.p_values(score).tolist()
        judged = [
            Judged(one, joined(p, self._own.past[row], one), told(*both, rarity.middle) if one > TOLD_FROM else ()) if fit else _NOTHING
            for fit, one, p, row, *both in zip(known, score.tolist(), of_group, rows.tolist(), surprises, days.values, strict=True)
        ]
        return Looked(days, told_of, found, score, judged)

    def learn(self, looked: Looked, fit: NDArray[np.bool_]) -> None:
        """Learn those days that are ``fit`` to be learned, now or later."""
        if not fit.any():
            return
        reference = self._reference(looked.days)
        keys = [key for key, yes in zip(looked.days.keys, fit.tolist(), strict=True) if yes]
        rows = self._own.rows(keys)
        self._own.days[rows] += 1.0
        reference.learn(looked.days.values[fit][self._own.days[rows] > SETTLED_DAYS])
        if np.isneginf(looked.score).any():
            return
        told_of, score = looked.numbers[fit], looked.score[fit]
        self._own.learn(rows, told_of, reference.usual)
        reference.usual += (told_of.mean(axis=0) - reference.usual) * min(1.0, len(told_of) / LEAST_DAYS)
        for pool, column in zip(reference.pools, looked.detected[fit].T, strict=True):
            pool.add(column)
        reference.score.add(score)
        for row, one in zip(rows.tolist(), score.tolist(), strict=True):
            self._own.past[row].add(one)

    def _reference(self, days: DayVectors) -> _Reference:
        first = days.keys[0]
        return self._references.setdefault((first.tenant, first.kind), _Reference())


_NOTHING = Judged(NOTHING_KNOWN, 1.0, (), cold=True)
