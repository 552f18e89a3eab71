"""Events in, judgement out: the one path of scoring behaviour, live and over files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from features.alert import EntityKind
from features.event import Event
from models.behaviour.conformal import discoveries
from models.behaviour.day import END, FIRST, Day, Gatherer
from models.behaviour.judgement import DayJudgement
from models.behaviour.model import BehaviourModel
from models.behaviour.stream import Stream
from models.behaviour.watch import Judged

FALSE_DISCOVERY = 0.1
"""Of a day's users that are flagged, at most this share by chance, unless the user says otherwise."""


class BehaviourEngine:
    """The state of all accounts. Events go in as they are received; a day is judged when it is closed, and learned then.

    ``late`` counts events whose day was closed before they came, ``unbelievable`` those whose time cannot be: neither is judged.
    """

    def __init__(self, model: BehaviourModel, *, false_discovery: float = FALSE_DISCOVERY) -> None:
        self.model = model
        self.late = self.unbelievable = 0
        self._false_discovery = false_discovery
        self._stream = Stream(model.fields, model.weights_of)
        self._gathered, self._closed = Gatherer(), 0

    def observe(self, events: Sequence[Event]) -> None:
        """Take up events."""
        for event in events:
            if not FIRST <= event.time < END:
                self.unbelievable += 1
            elif (event.time - FIRST).days < self._closed:
                self.late += 1
            else:
                self._gathered.add(event)

    def close(self, before: date) -> list[DayJudgement]:
        """Judge and learn the days before that one, in order of time; what a tenant's day flags is decided together."""
        self._closed = max(self._closed, before.toordinal() - FIRST.toordinal())
        days = self._gathered.take(self._closed)
        judged = [self._stream.step(day) for day in days]
        by_day: dict[tuple[str, int], list[int]] = {}
        for at, day in enumerate(days):
            by_day.setdefault((day.tenant, day.ordinal), []).append(at)
        flagged: set[int] = set()
        for rows in by_day.values():
            called = discoveries([judged[at].p_value for at in rows], self._false_discovery)
            flagged.update(at for at, yes in zip(rows, called.tolist(), strict=True) if yes)
        return [_judgement(day, one, at in flagged) for at, (day, one) in enumerate(zip(days, judged, strict=True))]


def _judgement(day: Day, judged: Judged, flagged: bool) -> DayJudgement:
    return DayJudgement(
        tenant=day.tenant,
        kind=EntityKind.APPLICATION if day.program else EntityKind.USER,
        entity=day.entity,
        day=day.date,
        anomaly_score=judged.score,
        p_value=judged.p_value,
        flagged=flagged,
        cold=judged.cold,
        events=day.events,
        deviations=judged.deviations,
    )
