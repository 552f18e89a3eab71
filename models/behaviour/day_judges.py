"""Judges of a day's vector, and how their word and the impersonation stream's come together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np

from features.alert import EntityKind
from models.behaviour.conformal import Past, p_value
from models.behaviour.day_vector import DAY_FEATURES, NAMES, DayKey, DayVectors
from models.behaviour.judgement import Deviation
from models.behaviour.rarity import Floats, Rarity
from models.behaviour.watch import NOTHING_KNOWN, Judged

LEAST_DAYS = 100
"""Account-days of a tenant that must be known before its rarities are."""
KNOWN_DAYS = 5
"""An account with fewer known days is not judged."""
REFERENCE = 5000
"""The latest account-days of a tenant that others are held against."""
REFIT = 0.2
"""The reference is looked at anew when so large a share of it is new."""
TOLD_FROM, MOST_TOLD = 3.0, 3
"""A feature is a reason from so many nats on."""
BEYOND = math.log(50.0)
"""A day whose p-value is one in fifty is on a level with no evidence of the impersonation stream."""
OWN_PAST, GROUP_PAST = 250, 20_000


class DayJudge(Protocol):
    """Judges ended days by their vectors, which come in the order of time, and learns them."""

    def step(self, days: DayVectors) -> list[Judged]:
        """Judge each day by what was known before it, then learn it; the days are of one tenant, kind and UTC day."""
        ...


class _Reference:
    """The latest vectors of one tenant's accounts of one kind, and how rare each feature's values are among them."""

    def __init__(self) -> None:
        self._rows = np.zeros((0, len(NAMES)))
        self._next, self._new = 0, 0
        self._rarity: Rarity | None = None
        self.past = Past(GROUP_PAST)

    def rarity(self) -> Rarity | None:
        if len(self._rows) >= LEAST_DAYS and (self._rarity is None or self._new >= REFIT * len(self._rows)):
            self._rarity, self._new = Rarity.fit(self._rows, NAMES), 0
        return self._rarity

    def learn(self, values: Floats) -> None:
        values = values[-REFERENCE:]
        room = min(REFERENCE - len(self._rows), len(values))
        self._rows = np.concatenate([self._rows, values[:room]])
        rest = values[room:]
        self._rows[(self._next + np.arange(len(rest))) % REFERENCE] = rest
        self._next, self._new = (self._next + len(rest)) % REFERENCE, self._new + len(values)


class RareDays:
    """Unsupervised from the first weeks on: how rare a day's features are among the tenant's days, added up.

    The p-value holds the sum against the account's own earlier ones and the tenant's.
    """

    def __init__(self) -> None:
        self._references: dict[tuple[str, EntityKind], _Reference] = {}
        self._past: dict[DayKey, Past] = {}

    def step(self, days: DayVectors) -> list[Judged]:
        """Judge each day by what was known before it, then learn it; the days are of one tenant, kind and UTC day."""
        first = days.keys[0]
        reference = self._references.setdefault((first.tenant, first.kind), _Reference())
        rarity = reference.rarity()
        if rarity is None:
            judged = [Judged(NOTHING_KNOWN, 1.0, (), cold=True)] * len(days.keys)
        else:
            surprises = rarity.surprises(days.values)
            judged = [
                self._judged(key._replace(ordinal=0), row, value, rarity, reference)
                for key, row, value in zip(days.keys, surprises, days.values, strict=True)
            ]
        reference.learn(days.values)
        return judged

    def _judged(self, whose: DayKey, surprises: Floats, values: Floats, rarity: Rarity, reference: _Reference) -> Judged:
        own, score = self._past.setdefault(whose, Past(OWN_PAST)), float(surprises.sum())
        strange = p_value(score, own, reference.past)
        rank = reference.past.surprise(score)
        cold = len(own) < KNOWN_DAYS
        own.add(score)
        reference.past.add(score)
        if cold:
            return Judged(NOTHING_KNOWN, 1.0, (), cold=True)
        return Judged(rank - BEYOND, strange, told(surprises, values, rarity.middle))


def judge_vectors(judge: DayJudge | None, days: DayVectors) -> Sequence[Judged | None]:
    """Let ``judge`` judge and learn days in the order of time, those of one tenant, kind and UTC day together; nothing without one."""
    if judge is None:
        return [None] * len(days.keys)
    out: list[Judged] = []
    for _, some in groupby(range(len(days.keys)), key=lambda at: days.keys[at][:3]):
        rows = list(some)
        out += judge.step(days.part(slice(rows[0], rows[-1] + 1)))
    return out


def told(surprises: Floats, values: Floats, usual: Floats) -> tuple[Deviation, ...]:
    """Return the features of a day that surprise most, with what is usual of each; what is less than usual is no reason."""
    order = np.argsort(-np.where(values > usual, surprises, 0.0), kind="stable")[:MOST_TOLD]
    return tuple(
        Deviation(
            name=NAMES[at],
            text=DAY_FEATURES[at].text,
            surprise=float(surprises[at]),
            observed=float(values[at]),
            expected=float(usual[at]),
        )
        for at in order.tolist()
        if surprises[at] >= TOLD_FROM and values[at] > usual[at]
    )


class Both(NamedTuple):
    """What two judges say of one day."""

    stream: Judged
    vector: Judged


def combined(both: Both) -> Judged:
    """Return one judgement: the higher score, and twice the smaller p-value (Bonferroni); one that knows nothing is not asked."""
    asked = [one for one in both if not one.cold]
    if not asked:
        return both.stream
    deviations: Sequence[Deviation] = sorted(
        (one for judged in asked for one in judged.deviations), key=lambda one: -one.surprise
    )
    return Judged(
        max(one.score for one in asked), min(1.0, len(asked) * min(one.p_value for one in asked)), tuple(deviations[:5])
    )
