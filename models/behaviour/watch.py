"""One account over its days: whether somebody else is behind it by now, and what today adds to what was already known.

Evidence accumulates for each rival by himself (a CUSUM of log-likelihood ratios with forgetting): ten days that are a little like one
colleague say more than ten that are each a little like another. The score of a day is the log odds for the rival who has most. An
alarm is told once: until it is forgotten, evidence for the same rival must be a multiple of what was told to be told again, so that
one account's repeats do not hide another's first, and an account that always looks like one colleague is still told for another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.behaviour.conformal import Past, p_value
from models.behaviour.day import Day
from models.behaviour.evidence import MOST_A_DAY, Evidence, Weights
from models.behaviour.judgement import COLD, Deviation
from models.behaviour.profiles import Floats

PRIOR = -3.0
"""The log odds beforehand that somebody else is behind an account."""
KEPT = 0.7
"""The share of the evidence for a rival that an active day later still counts."""
MOST = 30.0
ALARM = 0.5
"""A first alarm scores more; days of an account that has been told come as close to it as there is evidence."""
AGAIN = 3.0
"""Told again is what exceeds this multiple of what was told before, which is half forgotten after :data:`FORGOTTEN_DAYS`."""
FORGOTTEN_DAYS = 60.0
LEAST = 0.01
"""What was told and has faded below is forgotten."""
PROGRAM_AT_MOST = 0.0
"""Programs change whenever they are changed: a service account is shown after every alarm about a person."""
COLD_DAYS = 20
"""An account with fewer active days is not judged."""
NOTHING_KNOWN = PRIOR - MOST_A_DAY
"""The score of a day that is not judged: nothing speaks against it. No judged day is lower."""
OWN_PAST, GROUP_PAST = 250, 20_000


class Judged(NamedTuple):
    """The judgement of one account's day."""

    score: float
    p_value: float
    deviations: tuple[Deviation, ...]
    cold: bool = False

    @property
    def reasons(self) -> list[str]:
        """What deviates, in words; of a cold account, that it is one."""
        return [COLD] if self.cold else [one.text for one in self.deviations]


class _Account:
    def __init__(self) -> None:
        self.for_rival: dict[int, float] = {}
        self.told: dict[int, float] = {}
        self.told_day = 0
        self.past = Past(OWN_PAST)

    def score(self, day: Day, rivals: Sequence[int], nats: Floats) -> float:
        held = KEPT * np.array([self.for_rival.get(rival, 0.0) for rival in rivals]) + nats
        self.for_rival = {rival: min(one, MOST) for rival, one in zip(rivals, held.tolist(), strict=True) if one > 0}
        score = float(held.max()) + PRIOR
        if day.program:
            return min(score, PROGRAM_AT_MOST)
        faded = 2.0 ** ((self.told_day - day.ordinal) / FORGOTTEN_DAYS)
        known = {rival: faded * one for rival, one in self.told.items() if faded * one > LEAST}
        told = np.array([known.get(rival, 0.0) for rival in rivals])
        news = float((held - AGAIN * told).max()) + PRIOR
        if news > ALARM:
            most = np.maximum(held, told).tolist()
            self.told = known | {rival: one for rival, one in zip(rivals, most, strict=True) if one > LEAST}
            self.told_day = day.ordinal
            return news
        return score if score < ALARM - 1 else ALARM - math.exp(ALARM - 1 - score)


class Watch:
    """All accounts, day by day in order of time."""

    def __init__(self) -> None:
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._groups: dict[tuple[str, str], Past] = {}

    def judge(self, day: Day, evidence: Evidence | None, weights: Weights) -> Judged:
        """Judge one day and remember its score."""
        judged = self.look(day, evidence, weights)
        self.remember(day, judged)
        return judged

    def look(self, day: Day, evidence: Evidence | None, weights: Weights) -> Judged:
        """Judge one day; ``evidence`` is ``None`` where the account is too new to be judged, which the reason says."""
        if evidence is None:
            return Judged(NOTHING_KNOWN, 1.0, (), cold=True)
        account = self._accounts.setdefault((day.tenant, day.entity), _Account())
        group = self._groups.setdefault((day.tenant, day.group), Past(GROUP_PAST))
        score = account.score(day, evidence.rivals.tolist(), evidence.against(weights))
        return Judged(score, p_value(score, account.past, group), evidence.deviations())

    def remember(self, day: Day, judged: Judged) -> None:
        """Take the day's score up among those that later ones are held against."""
        if not judged.cold:
            self._accounts[day.tenant, day.entity].past.add(judged.score)
            self._groups[day.tenant, day.group].add(judged.score)

    def clear(self, tenant: str, entity: str) -> None:
        """Forget that somebody else might be behind the account: what spoke for it turned out to be legitimate."""
        account = self._accounts.get((tenant, entity))
        if account is not None:
            account.for_rival, account.told = {}, {}
