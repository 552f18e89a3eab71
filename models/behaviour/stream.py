"""Days in order of time, each judged by what was known before it and then learned: the one path of scoring and of measuring."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
    """The state of all accounts: profiles, and what became of each. ``weights_of`` says by which weights a group is judged."""

    def __init__(self, fields: Sequence[str], weights_of: Callable[[str], Weights]) -> None:
        self.profiles, self.watch = Profiles(fields), Watch()
        self._weights_of = weights_of

    def step(self, day: Day) -> Judged:
        """Judge the day, then learn it."""
        judged = self.look(day)
        self.learn(day, judged)
        return judged

    def look(self, day: Day) -> Judged:
        """Judge the day by what is known; it is not learned."""
        return self.watch.look(day, evidence_of(self.profiles, day), self._weights_of(day.group))

    def learn(self, day: Day, judged: Judged) -> None:
        """Learn a day that was judged, now or later: profiles do not depend on the order of days."""
        self.watch.remember(day, judged)
        self.profiles.learn(day)
