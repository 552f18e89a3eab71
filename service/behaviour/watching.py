"""Behaviour of all accounts as the events come in: the engine, the strangest event of each day, and which days have ended.

A day is closed ``late_seconds`` after its end, by the clock by which events are received, so the same events closed again after a
restart are closed at the same places: what follows is a function of the events as stored.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from typing import NamedTuple

import msgspec

from features.alert import EntityKind, from_epoch
from features.anomalies import EntityAnomalies
from features.event import Event
from models.behaviour.day import FIRST, date_of
from models.behaviour.engine import BehaviourEngine, believable
from models.behaviour.held import Account
from models.behaviour.judgement import DayJudgement, EventJudgement
from models.behaviour.noting import note_day, note_event
from models.strangest import Stranger, Strangest
from service.behaviour.folding import DAY_SECONDS, Resolve, canonical
from service.behaviour.words import Part, Place, Word
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
    """The state of behaviour in memory. ``seq`` and ``word``: the last event and word on a day that were taken up; days before ``closed``
    (since 1970) are closed.

    ``anomalies`` is what alerts may know of it.
    """

    def __init__(self, engine: BehaviourEngine, resolve: Resolve, late_seconds: float) -> None:
        self._engine, self._resolve, self._late = engine, resolve, late_seconds
        self.anomalies = EntityAnomalies()
        self._strangest = Strangest()
        self._names: dict[tuple[str, str], str] = {}
        self._hosts: dict[tuple[str, str], set[str]] = {}
        """By what names the engine knows a host."""
        self.seq, self.word, self.closed = 0, 0, 0
        self._received = 0.0

    @property
    def place(self) -> Place:
        """How far it has come."""
        return Place(self.seq, self.word)

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
        received = {(one.event.tenant, one.event.uid): from_epoch(one.received) for one in some}
        changed: dict[tuple[str, str, int], Stranger] = {}
        for stranger in self._strangest.take(self._observed(some)):
            one = stranger.judged
            note_event(self.anomalies, *stranger, received[one.tenant, one.uid])
            changed[one.tenant, one.entity, (one.time - FIRST).days] = stranger
        if some:
            self.seq, self._received = some[-1].seq, max(self._received, *(one.received for one in some))
        return [Peak(*one, self._name(one.judged.tenant, one.judged.entity)) for one in changed.values()]

    def _observed(self, some: Sequence[ReadEvent]) -> Iterator[EventJudgement]:
        """Have events judged that can be as old or new as they say; who is no program is a user, as its days are."""
        told = [self._named(one.event) for one in some if believable(one.event.time, from_epoch(one.received))]
        for judged in self._engine.observe(told) if told else ():
            fits = judged.kind in (EntityKind.USER, EntityKind.APPLICATION)
            yield judged if fits else msgspec.structs.replace(judged, kind=EntityKind.USER)

    def close(self, before: int) -> list[Closed]:
        """Close the days before that one (since 1970), and learn them."""
        self.closed = before
        judged = [self._known(one) for one in self._engine.close(date_of(before))]
        for one in judged:
            note_day(self.anomalies, one)
        peaks = self._strangest.close(judged, before)
        return [Closed(one, peak, self._name(one.tenant, one.entity)) for one, peak in zip(judged, peaks, strict=True)]

    def hear(self, word: Word) -> None:
        """Take up what a person said of a day that is closed."""
        tenant, kind, uid = word.whom
        day = date_of(word.day)
        for name in sorted(self._hosts.get((tenant, uid), ())) if kind is EntityKind.HOST else (uid,):
            self._engine.verdict(Account(tenant, kind, name), day, day, word.verdict)
        self.word = word.seq

    def again(self, part: Part) -> None:
        """Take up again what was taken up before, and say nothing of it."""
        rest = part.events
        while rest:
            ready = self.ready(rest)
            if ready:
                self.take(ready)
                rest = rest[len(ready) :]
            else:
                self.close(self.due(rest[0].received))
        if part.word is not None:
            if self.due(part.word.time) > self.closed:
                self.close(self.due(part.word.time))
            self.hear(part.word)

    def _known(self, judged: DayJudgement) -> DayJudgement:
        """Return a judgement under the name by which a host is known, whose numbers are numbers: one that is none says nothing."""
        if not (math.isfinite(judged.p_value) and math.isfinite(judged.anomaly_score)):
            judged = msgspec.structs.replace(judged, p_value=1.0, anomaly_score=0.0)
        if judged.kind is not EntityKind.HOST:
            return judged
        end = datetime.combine(judged.day, time(), UTC)
        uid = canonical(self._resolve, judged.tenant, judged.kind.value, judged.entity, end)
        self._hosts.setdefault((judged.tenant, uid), set()).add(judged.entity)
        if uid != judged.entity:
            self._names.setdefault((judged.tenant, uid), judged.entity)
        return msgspec.structs.replace(judged, entity=uid)

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
