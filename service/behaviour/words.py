"""What people said of an account's day: kept in the order in which it was said, each at its place among the events.

A word counts after the last event that was received before it and before the next one, so behaviour that is folded again from what is
stored meets it where it met it first. Rows are never changed: of a day the latest word stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, select

from features.alert import EntityKind, from_epoch
from features.label import Verdict
from models.controls import Whom
from service.behaviour.ocsf import day_start
from service.store.entity_tables import day_verdicts
from service.store.events import ReadEvent, events_after, last_given


class Word(NamedTuple):
    """A verdict on a day (since 1970), by whom and when (epoch seconds); ``after`` is the last event that was received before it."""

    whom: Whom
    day: int
    verdict: Verdict
    reason: str
    by: str
    time: float
    after: int = 0
    seq: int = 0

    def told(self) -> dict[str, Any]:
        """Return what is shown of it."""
        return {"verdict": self.verdict.value, "reason": self.reason, "by": self.by, "time": from_epoch(self.time)}

    def told_whole(self) -> dict[str, Any]:
        """Return what is shown of it where its day is not."""
        return {"day": day_start(self.day).date(), **self.told()}


class Place(NamedTuple):
    """How far something has come: the last event and the last word that it took up."""

    event: int
    word: int


class Part(NamedTuple):
    """What comes next: events, and after them the word that was said then, if one was."""

    events: Sequence[ReadEvent]
    word: Word | None

    def time(self, otherwise: float) -> float:
        """Return when the first of it was received."""
        if self.events:
            return self.events[0].received
        return otherwise if self.word is None else self.word.time


def add_word(connection: Connection, word: Word) -> None:
    """Store a word after all that was received before; called with the writing connection."""
    whom = {"tenant": word.whom.tenant, "kind": word.whom.kind.value, "uid": word.whom.uid}
    rest = {"verdict": word.verdict.value, "reason": word.reason, "by": word.by, "time": word.time}
    connection.execute(day_verdicts.insert(), {**whom, "day": word.day, **rest, "after_event": last_given(connection)})


def words_of(connection: Connection, whom: Whom) -> list[Word]:
    """Return all that was said of an entity's days, the latest last."""
    c = day_verdicts.c
    of = (c.tenant == whom.tenant, c.kind == whom.kind.value, c.uid == whom.uid)
    return [_word(row) for row in connection.execute(select(day_verdicts).where(*of).order_by(c.seq))]


def words_since(connection: Connection, first: float) -> list[Word]:
    """Return all that was said of days from a time on, the latest last."""
    statement = select(day_verdicts).where(day_verdicts.c.time >= first).order_by(day_verdicts.c.seq)
    return [_word(row) for row in connection.execute(statement)]


def upcoming(connection: Connection, place: Place, most: int, last: Place | None = None) -> Part:
    """Return what comes after a place, of at most ``most`` events and nothing after ``last``.

    What is stored between the reads comes later: events up to the newest are read before words, which stand after events stored before.
    """
    newest = last_given(connection)
    until = newest if last is None else min(newest, last.event)
    some = [one for one in events_after(connection, place.event, most) if one.seq <= until]
    word = _after(connection, place.word)
    known = some[-1].seq if len(some) == most else newest
    if word is None or word.after > known or (last is not None and word.seq > last.word):
        return Part(some, None)
    return Part([one for one in some if one.seq <= word.after], word)


def _after(connection: Connection, seq: int) -> Word | None:
    c = day_verdicts.c
    row = connection.execute(select(day_verdicts).where(c.seq > seq).order_by(c.seq).limit(1)).first()
    return None if row is None else _word(row)


def _word(row: Row[Any]) -> Word:
    whom = Whom(row.tenant, EntityKind(row.kind), row.uid)
    return Word(whom, row.day, Verdict(row.verdict), row.reason, row.by, row.time, row.after_event, row.seq)
