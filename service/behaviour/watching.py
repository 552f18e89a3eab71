"""Behaviour of all accounts as the events come in: the engine, the strangest event of each day, and which days have ended.

Days are closed by the :class:`Clock`, at the same places when the same events are folded again after a restart: what follows is a
function of the events as stored.
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
from service.behaviour.clock import Clock, Closing
from service.behaviour.folding import Resolve, canonical
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
    """The state of behaviour in memory. ``seq`` and ``word``: the last event and word on a day that were taken up; days before
    :attr:`closed` (since 1970) are closed.

    ``anomalies`` is what alerts may know of it, ``began`` (epoch seconds) when it was begun, knowing nothing.
    """

    def __init__(self, engine: BehaviourEngine, resolve: Resolve, late_seconds: float, began: float = 0.0) -> None:
        self._engine, self._resolve, self._clock = engine, resolve, Clock(late_seconds)
        self.anomalies = EntityAnomalies()
        self._strangest = Strangest()
        self._names: dict[tuple[str, str], str] = {}
        self._hosts: dict[tuple[str, str], set[str]] = {}
        """By what names the engine knows a host."""
        self.seq, self.word, self.began = 0, 0, began

    @property
    def closed(self) -> int:
        """The first day (since 1970) that is not closed."""
        return self._clock.closed

    @property
    def place(self) -> Place:
        """How far it has come."""
        return Place(self.seq, self.word)

    def due(self, received: float) -> Closing | None:
        """Return what is to be closed before anything is taken up that was received then."""
        return self._clock.due(received)

    def ready(self, some: Sequence[ReadEvent]) -> Sequence[ReadEvent]:
        """Return those that come before days are to be closed; none if that is due now."""
        clock = self._clock.copy()
        for at, one in enumerate(some):
            if clock.due(one.received):
                return some[:at]
            clock.take(one)
        return some

    def is_past(self, one: ReadEvent) -> bool:
        """Whether an event is of a day that is closed."""
        return self._clock.is_past(one)

    def take(self, some: Sequence[ReadEvent]) -> list[Peak]:
        """Take up events that are :meth:`ready`; return what is now the strangest of its day."""
        received = {(one.event.tenant, one.event.uid): from_epoch(one.received) for one in some}
        changed: dict[tuple[str, str, int], Stranger] = {}
        for stranger in self._strangest.take(self._observed(some)):
            one = stranger.judged
            note_event(self.anomalies, *stranger, received[one.tenant, one.uid])
            changed[one.tenant, one.entity, (one.time - FIRST).days] = stranger
        for read in some:
            self._clock.take(read)
            self.seq = read.seq
        return [Peak(*one, self._name(one.judged.tenant, one.judged.entity)) for one in changed.values()]

    def _observed(self, some: Sequence[ReadEvent]) -> Iterator[EventJudgement]:
        """Have events judged that can be as old or new as they say; who is no program is a user, as its days are."""
        told = [self._named(one.event) for one in some if believable(one.event.time, from_epoch(one.received))]
        for judged in self._engine.observe(told) if told else ():
            fits = judged.kind in (EntityKind.USER, EntityKind.APPLICATION)
            yield judged if fits else msgspec.structs.replace(judged, kind=EntityKind.USER)

    def by_day(self, closing: Closing) -> list[Closing]:
        """Return what closes the same, a day at a time: between two of them others get in."""
        before, tenant = closing
        return [*(Closing(day + 1, tenant) for day in self._engine.open_days(tenant) if day + 1 < before), closing]

    def close(self, closing: Closing) -> list[Closed]:
        """Close days, and learn them."""
        self._clock.close(closing)
        judged = [self._known(one) for one in self._engine.close(date_of(closing.before), closing.tenant)]
        for one in judged:
            note_day(self.anomalies, one)
        peaks = self._strangest.close(judged, closing.before, closing.tenant)
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
            elif closing := self.due(rest[0].received):
                self.close(closing)
        if part.word is not None:
            while closing := self.due(part.word.time):
                self.close(closing)
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
