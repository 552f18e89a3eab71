"""One account over its days: whether somebody else is behind it by now, and what today adds to what was already known.

Evidence accumulates in a filter of two states (the owner, somebody else) with rare changes. The score of a day is the filter's log
odds up to ``ALARM``, and above it only what the day's own evidence adds to the account's highest of the last 30 days: a second
alarm about the same account tells nothing new, and must not hide the first about another.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from models.behaviour.conformal import Past, p_value
from models.behaviour.day import Day
from models.behaviour.evidence import Evidence, Weights
from models.behaviour.judgement import COLD, Deviation

TAKEN = 0.02
"""The chance, each active day, that an account changes hands, and that it goes back."""
MOST_A_DAY = 5.0
"""One day moves the log odds by at most this."""
ALARM = 1.0
PROGRAM_AT_MOST = 0.0
"""Programs change whenever they are changed: a service account is shown after every alarm about a person."""
REMEMBERED_DAYS = 30
COLD_DAYS = 20
"""An account with fewer active days is not judged."""
NOTHING_KNOWN = math.log(TAKEN / (1 - TAKEN)) - MOST_A_DAY
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
        self.taken = 0.0
        self.highest, self.highest_day = -math.inf, 0
        self.past = Past(OWN_PAST)

    def score(self, day: Day, log_odds: float) -> float:
        before = self.taken * (1 - TAKEN) + (1 - self.taken) * TAKEN
        held = math.log(before / (1 - before)) + min(max(log_odds, -MOST_A_DAY), MOST_A_DAY)
        self.taken = 1 / (1 + math.exp(-held))
        if day.program:
            return min(held, PROGRAM_AT_MOST)
        lately = self.highest if day.ordinal - self.highest_day <= REMEMBERED_DAYS else -math.inf
        floor, today = max(ALARM, lately), min(log_odds, 2 * MOST_A_DAY)
        if today > floor:
            self.highest, self.highest_day = today, day.ordinal
        return min(held, ALARM) + max(0.0, today - floor)


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
        score = account.score(day, evidence.log_odds(weights))
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
            account.taken, account.highest = 0.0, -math.inf
