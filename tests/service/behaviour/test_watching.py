"""Watching: days are closed by the clock of receipt, the same live and folded again."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date

import msgspec

from features.alert import EntityKind
from features.event import Event
from models.behaviour.judgement import DayJudgement, EventJudgement
from service.behaviour.clock import Closing
from service.behaviour.watching import Watching
from service.store.events import ReadEvent
from tests.service.behaviour.world import DAY, act

LATE = 6 * 3600.0


class Judge:
    """Judges an event by the length of its action, and a day by nothing; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []
        self._open: set[tuple[str, date]] = set()

    def observe(self, events: Sequence[Event], *_: object) -> list[EventJudgement]:
        self.asked += [one.uid for one in events]
        self._open |= {(one.actor.uid, one.time.date()) for one in events}
        return [
            EventJudgement(
                uid=one.uid, tenant=one.tenant, kind=one.actor.kind, entity=one.actor.uid, time=one.time,
                anomaly_score=math.nan if one.action == "nan" else float(len(one.action)), deviations=(),
            )
            for one in events
        ]  # fmt: skip

    def close(self, before: date, tenant: str | None = None) -> list[DayJudgement]:
        self.asked.append(before)
        ended = sorted(one for one in self._open if one[1] < before)
        self._open -= set(ended)
        return [
            DayJudgement(
                tenant="acme", kind=EntityKind.USER, entity=uid, day=day, anomaly_score=1.0, p_value=math.nan, flagged=False, cold=False,
                events=1, deviations=(),
            )
            for uid, day in ended
        ]  # fmt: skip


def read(seq: int, name: str, at: float, action: str = "x", late: float = 0.0) -> ReadEvent:
    return ReadEvent(seq, at + late, act(str(seq), name, at, action=action))


def watching(judge: Judge) -> Watching:
    return Watching(judge, lambda _t, _k, uid, _time: {"ANNA2": "Anna"}.get(uid, uid), LATE)  # type: ignore[arg-type]


def folded(some: Sequence[ReadEvent], size: int) -> list[object]:
    judge = Judge()
    watch, rest = watching(judge), list(some)
    while rest:
        ready = watch.ready(rest[:size])
        if ready:
            watch.take(ready)
            rest = rest[len(ready) :]
        else:
            closing = watch.due(rest[0].received)
            assert closing is not None
            watch.close(closing)
    return judge.asked


def test_days_close_at_the_same_places_however_the_events_are_read() -> None:
    start = 20_000 * DAY
    some = [read(i, f"p{i % 3}", start + i * 5000.0, late=(i % 4) * 3000.0) for i in range(120)]
    whole = folded(some, 1000)
    assert sum(isinstance(one, date) for one in whole) == 7
    assert folded(some, 1) == folded(some, 7) == whole


def test_a_day_stays_open_until_it_is_late_enough() -> None:
    start = 20_000 * DAY
    watch = watching(Judge())
    first, second = read(1, "p", start + LATE), read(2, "p", start + DAY + LATE - 1)
    assert list(watch.ready([first, second])) == [first, second]
    watch.take([first, second])
    assert not watch.ready([read(3, "p", start + DAY + LATE)])


def test_the_strangest_event_of_a_day_is_kept_under_the_accounts_present_name() -> None:
    watch = watching(Judge())
    start = 20_000 * DAY
    some = [
        read(1, "Anna", start, "ab"),
        read(2, "ANNA2", start + 1, "abcd"),
        read(3, "anna", start + 2, "abc"),
        read(4, "anna", start + 3, "nan"),
    ]
    watch.ready(some)
    (peak,) = watch.take(some)
    assert (peak.judged.uid, peak.judged.entity, peak.p_value) == ("2", "anna", 1.0)
    (closed,) = watch.close(Closing(20_001))
    assert (closed.judged.entity, closed.judged.p_value) == ("anna", 1.0), "a number that is none says nothing"
    assert closed.peak is not None
    assert closed.peak.uid == "2"
    msgspec.json.encode(closed.judged)
