"""Days in order of time, each judged by what was known before it and then learned: the one path of scoring and of measuring."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from models.behaviour.day import Day
from models.behaviour.evidence import Evidence, Weights, evidence
from models.behaviour.profiles import Profiles
from models.behaviour.watch import COLD_DAYS, Judged, Watch


def evidence_of(profiles: Profiles, day: Day) -> Evidence | None:
    """Return the evidence against the day's own account, or ``None`` where too little of its past is known."""
    if profiles.active_days(day.tenant, day.entity) < COLD_DAYS:
        return None
    return evidence(profiles, day, day.entity)


class Stream:
    """The state of all accounts: profiles, and what became of each. ``weights`` are by group, else the textbook's."""

    def __init__(self, fields: Sequence[str], weights: Mapping[str, Weights]) -> None:
        self.profiles, self.watch = Profiles(fields), Watch()
        self._weights, self._plain = weights, Weights.plain(tuple(fields))

    def step(self, day: Day) -> Judged:
        """Judge the day, then learn it."""
        judged = self.watch.judge(day, evidence_of(self.profiles, day), self._weights.get(day.group, self._plain))
        self.profiles.learn(day)
        return judged
