"""Judges of days' vectors: how rare a day is among the tenant's days of such accounts, and beside the account's own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.alert import EntityKind
from models.behaviour.conformal import LEAST_PAST
from models.behaviour.day_surprises import Surprises
from models.behaviour.day_vector import DAY_FEATURES, NAMES, DayKey, DayVectors
from models.behaviour.families import excesses
from models.behaviour.judgement import Deviation
from models.behaviour.rarity import Floats
from models.behaviour.roster import Roster, grown
from models.behaviour.watch import NOTHING_KNOWN, Judged

KNOWN_DAYS = 5
"""An account with fewer known days is not judged."""
TOLD_FROM, MOST_TOLD = 3.0, 3
"""A feature is a reason from so many nats on."""
TOLD_ABOVE = math.log(5.0)
"""Of a day less rare than one in five nothing is told."""
BEYOND = math.log(50.0)
"""A day whose p-value is one in fifty is on a level with no evidence of the impersonation stream."""
OWN_PAST, GROUP_PAST = 100, 20_000
_SOURCES = tuple(NAMES.index(f"{name}_own_max") for name in ("address", "country", "device"))
"""Of a tenant whose events tell no source a vector says too little of who acts: its days are not judged by vectors."""
Scores = NDArray[np.float32]


class Looked(NamedTuple):
    """Days of one tenant, kind and UTC day, what is to be learned of them (``scores``: nothing while the tenant is hardly known), and
    their judgements.
    """

    days: DayVectors
    values: Floats
    scores: Scores | None
    judged: list[Judged]

    def part(self, row: int) -> Looked:
        """Return one of the days, without keeping the others in memory."""
        at = np.array([row])
        scores = None if self.scores is None else self.scores[at]
        return Looked(self.days.some(at), self.values[at], scores, [self.judged[row]])


class _Tenant:
    """How strange the latest days of one tenant's accounts of one kind were."""

    def __init__(self) -> None:
        self.scores, self.sourced = np.zeros(0, np.float32), False

    def learn(self, scores: Scores) -> None:
        self.scores = np.concatenate([self.scores, scores])[-GROUP_PAST:]

    def p_values(self, scores: Scores) -> tuple[Floats, Floats]:
        """Return p-values, and surprises that go on beyond the highest score (:meth:`Past.surprise` of many)."""
        n = len(self.scores)
        if n < LEAST_PAST:
            return np.ones(len(scores)), np.zeros(len(scores))
        past = np.sort(self.scores)
        strange = np.asarray((1.0 + n - np.searchsorted(past, scores)) / (1.0 + n), np.float64)
        beyond = np.maximum(scores - past[-1], 0.0).astype(np.float64) / max(float(past[-1] - past[n // 2]), 1e-3)
        return strange, -np.log(strange) + np.log1p(beyond)


class _Own:
    """Each account's own latest scores."""

    def __init__(self) -> None:
        self._rows = Roster()
        self._scores, self._count = np.zeros((0, OWN_PAST), np.float32), np.zeros(0, np.int64)

    def rows(self, keys: Sequence[DayKey]) -> NDArray[np.intp]:
        if (kept := self._rows.forget(keys[0].ordinal)) is not None:
            self._scores, self._count = self._scores[kept], self._count[kept]
        found = self._rows.of(((key.tenant, key.kind, key.entity) for key in keys), keys[0].ordinal)
        self._scores, self._count = grown(self._scores, len(self._rows), -np.inf), grown(self._count, len(self._rows))
        return found

    def known(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Return how many scores are held of each account."""
        return np.minimum(self._count[rows], OWN_PAST)

    def as_high(self, rows: NDArray[np.intp], scores: Scores) -> NDArray[np.int64]:
        """Return how many of each account's scores are at least as high."""
        found: NDArray[np.int64] = (self._scores[rows] >= scores[:, np.newaxis]).sum(axis=1)
        return found

    def learn(self, rows: NDArray[np.intp], scores: Scores) -> None:
        self._scores[rows, self._count[rows] % OWN_PAST] = scores
        self._count[rows] += 1


class RareDays:
    """Unsupervised from the first weeks on: how rare a day's features are among the tenant's days, those that are rare added up.

    Each feature is looked at twice, as it is and by how far it lies beyond the account's own usual days: its surprise is the mean of
    both. How families of features add up, see :mod:`models.behaviour.families`. The p-value holds the sum against the account's own
    earlier ones and the tenant's, as :func:`conformal.p_value` does.
    """

    def __init__(self) -> None:
        self._surprises, self._own = Surprises(), _Own()
        self._tenants: dict[tuple[str, EntityKind], _Tenant] = {}

    def look(self, days: DayVectors) -> Looked:
        """Judge days of one tenant, kind and UTC day by what is known; nothing is learned."""
        values, found = self._surprises.look(days)
        if found is None or not self._tenant(days).sourced:
            return Looked(days, values, None, [_NOTHING] * len(days.keys))
        scores, usual = excesses(found.surprises).sum(axis=1).astype(np.float32), found.usual
        rows = self._own.rows(days.keys)
        (among, rank), known = self._tenant(days).p_values(scores), self._own.known(rows)
        own = (1.0 + self._own.as_high(rows, scores)) / (1.0 + known)
        own[own * (1.0 + known) < 1.5] = 0.0  # a record for the account: the tenant decides
        strange = np.where(known < LEAST_PAST, 1.0, np.maximum(among, own))
        high = (rank > TOLD_ABOVE).tolist()
        reasons = [told(found.surprises[at], days.values[at], usual) if yes else () for at, yes in enumerate(high)]
        judged = zip((rank - BEYOND).tolist(), strange.tolist(), reasons, (known < KNOWN_DAYS).tolist(), strict=True)
        return Looked(days, values, scores, [_NOTHING if one[3] else Judged(*one) for one in judged])

    def learn(self, looked: Looked, fit: NDArray[np.bool_]) -> None:
        """Learn those of the days that are ``fit`` to be learned, now or later."""
        rows = np.flatnonzero(fit)
        if len(rows):
            some = looked.days.some(rows)
            self._surprises.learn(some, looked.values[rows])
            self._tenant(some).sourced |= bool(some.values[:, _SOURCES].any())
            if looked.scores is not None:
                self._own.learn(self._own.rows(some.keys), looked.scores[rows])
                self._tenant(some).learn(looked.scores[rows])

    def _tenant(self, days: DayVectors) -> _Tenant:
        first = days.keys[0]
        return self._tenants.setdefault((first.tenant, first.kind), _Tenant())


_NOTHING = Judged(NOTHING_KNOWN, 1.0, (), cold=True)


def told(surprises: Floats, values: Floats, usual: Floats) -> tuple[Deviation, ...]:
    """Return the features of a day that surprise most, with what is usual of each."""
    order = np.argsort(-surprises, kind="stable")[:MOST_TOLD]
    return tuple(
        Deviation(
            name=NAMES[at],
            text=DAY_FEATURES[at].text,
            surprise=float(surprises[at]),
            observed=float(values[at]),
            expected=float(usual[at]),
        )
        for at in order.tolist()
        if surprises[at] >= TOLD_FROM
    )
