"""Behaviour of all accounts as the events come in: the engine, the strangest event of each day, and which days have ended.

A day is closed ``late_seconds`` after its end, by the clock by which events are received, so the same events closed again after a
restart are closed at the same places: what follows is a function of the events as stored.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

import msgspec

from features.alert import EntityKind
from features.event import Event
from models.behaviour.day import FIRST
from models.behaviour.engine import BehaviourEngine
from models.behaviour.judgement import DayJudgement, EventJudgement
from models.risk import Peaks
from service.behaviour.folding import DAY_SECONDS, Resolve, canonical
from service.store.events import ReadEvent


class Peak(NamedTuple):
    """The strangest event of an account's day so far, how often the past was as strange, and how the account is written."""

    judged: EventJudgement
    p_value: float
    name: str


class Closed(NamedTuple):
    """A day that has ended, its strangest event, and how the account is written."""

    judged: DayJudgement
    peak: EventJudgement | None
    name: str


class Watching:
    """The state of behaviour in memory. ``seq``: the last event that was taken up; days before ``closed`` (since 1970) are closed."""

    def __init__(self, engine: BehaviourEngine, resolve: Resolve, late_seconds: float) -> None:
        self._engine, self._resolve, self._late = engine, resolve, late_seconds
        self._peaks = Peaks()
        self._open: dict[tuple[str, str, int], EventJudgement] = {}
        self._names: dict[tuple[str, str], str] = {}
        self.seq, self.closed = 0, 0
        self._received = 0.0

    def due(self, received: float) -> int:
        """Return the first day that stays open at a time of receipt."""
        return int((received - self._late) // DAY_SECONDS)

    def ready(self, some: Sequence[ReadEvent]) -> Sequence[ReadEvent]:
        """Return those that come before another day is to be closed; none if that is due now."""
        if some and not self.closed:
            self.closed = self.due(some[0].received)
        for at, one in enumerate(some):
            if self.due(max(self._received, one.received)) > self.closed:
                return some[:at]
        return some

    def take(self, some: Sequence[ReadEvent]) -> list[Peak]:
        """Take up events that are :meth:`ready`; return what is now the strangest of its day."""
        judged: Sequence[EventJudgement] = self._engine.observe([self._named(one.event) for one in some]) or ()  # type: ignore[func-returns-value]
        changed: dict[tuple[str, str, int], EventJudgement] = {}
        for one in judged:
            key = one.tenant, one.entity, (one.time - FIRST).days
            before = self._open.get(key)
            if math.isfinite(one.anomaly_score) and (before is None or one.anomaly_score > before.anomaly_score):
                self._open[key] = changed[key] = one
        if some:
            self.seq, self._received = some[-1].seq, max(self._received, *(one.received for one in some))
        return [self._peak(one) for one in changed.values()]

    def close(self, before: int) -> list[Closed]:
        """Close the days before that one (since 1970), and learn them."""
        self.closed = before
        closed = []
        for judged in self._engine.close(date.fromordinal(before + FIRST.toordinal())):
            day = judged.day.toordinal() - FIRST.toordinal()
            peak = self._open.pop((judged.tenant, judged.entity, day), None)
            if peak is not None:
                self._peaks.close(judged.tenant, judged.kind.value, judged.entity, peak.anomaly_score)
            closed.append(Closed(judged, peak, self._name(judged.tenant, judged.entity)))
        self._open = {key: peak for key, peak in self._open.items() if key[2] >= before}
        return closed

    def _peak(self, judged: EventJudgement) -> Peak:
        p_value = self._peaks.p_value(judged.tenant, judged.kind.value, judged.entity, judged.anomaly_score)
        return Peak(judged, p_value, self._name(judged.tenant, judged.entity))

    def _name(self, tenant: str, uid: str) -> str:
        return self._names.get((tenant, uid), uid)

    def _named(self, event: Event) -> Event:
        """Return the event under the name by which its actor is known."""
        actor = event.actor
        uid = canonical(self._resolve, event.tenant, actor.kind.value, actor.uid, event.time)
        if uid == actor.uid and (event.by_program or actor.kind is EntityKind.USER):
            return event
        self._names.setdefault((event.tenant, uid), actor.uid)
        return msgspec.structs.replace(event, actor=msgspec.structs.replace(actor, uid=uid))
