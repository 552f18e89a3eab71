"""Judges of a day's vector, and how their word and the impersonation stream's come together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple, Protocol

import numpy as np

from features.alert import EntityKind
from models.behaviour.conformal import Past, p_value
from models.behaviour.day_surprises import Surprises
from models.behaviour.day_vector import DAY_FEATURES, NAMES, DayKey, DayVectors
from models.behaviour.families import excesses
from models.behaviour.judgement import Deviation
from models.behaviour.rarity import Floats
from models.behaviour.watch import NOTHING_KNOWN, Judged

KNOWN_DAYS = 5
"""An account with fewer known days is not judged."""
TOLD_FROM, MOST_TOLD = 3.0, 3
"""A feature is a reason from so many nats on."""
TOLD_ABOVE = math.log(5.0)
"""Of a day less rare than one in five nothing is told."""
BEYOND = math.log(50.0)
"""A day whose p-value is one in fifty is on a level with no evidence of the impersonation stream."""
OWN_PAST, GROUP_PAST = 250, 20_000


class DayJudge(Protocol):
    """Judges ended days by their vectors, which come in the order of time, and learns them."""

    def step(self, days: DayVectors) -> list[Judged]:
        """Judge each day by what was known before it, then learn it; the days are of one tenant, kind and UTC day."""
        ...


class RareDays:
    """Unsupervised from the first weeks on: how rare a day's features are among the tenant's days, those that are rare added up.

    Each feature is looked at twice, as it is and by how far it lies beyond the account's own usual days: its surprise is the mean of
    both. How families of features add up, see :mod:`models.behaviour.families`. The p-value holds the sum against the account's own
    earlier ones and the tenant's.
    """

    def __init__(self) -> None:
        self._surprises = Surprises()
        self._tenants: dict[tuple[str, EntityKind], Past] = {}
        self._past: dict[DayKey, Past] = {}

    def step(self, days: DayVectors) -> list[Judged]:
        """Judge each day by what was known before it, then learn it; the days are of one tenant, kind and UTC day."""
        first, found = days.keys[0], self._surprises.step(days)
        if found is None:
            return [Judged(NOTHING_KNOWN, 1.0, (), cold=True)] * len(days.keys)
        surprises, usual = found
        tenant = self._tenants.setdefault((first.tenant, first.kind), Past(GROUP_PAST))
        reasons = [told(*one, usual) for one in zip(surprises, days.values, strict=True)]
        scores = excesses(surprises).sum(axis=1).tolist()
        return [
            self._judged(key._replace(ordinal=0), score, tenant, why)
            for key, score, why in zip(days.keys, scores, reasons, strict=True)
        ]

    def _judged(self, whose: DayKey, score: float, tenant: Past, reasons: tuple[Deviation, ...]) -> Judged:
        own = self._past.setdefault(whose, Past(OWN_PAST))
        strange, rank, cold = p_value(score, own, tenant), tenant.surprise(score), len(own) < KNOWN_DAYS
        own.add(score)
        tenant.add(score)
        if cold:
            return Judged(NOTHING_KNOWN, 1.0, (), cold=True)
        return Judged(rank - BEYOND, strange, reasons if rank > TOLD_ABOVE else ())


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
