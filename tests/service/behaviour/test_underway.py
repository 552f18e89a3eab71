"""A closing that is under way: others' events are judged meanwhile, and all is as if it had been closed at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import select

from features.alert import EntityKind
from features.event import Event
from features.label import Verdict
from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from models.controls import Whom
from service.behaviour.observer import Observer
from service.behaviour.underway import Underway
from service.behaviour.watching import Closed, Peak, Watching
from service.behaviour.words import Part, Word, add_word
from service.store.entity_tables import anomalies
from service.store.events import ReadEvent, event_row, insert_events
from tests.service.behaviour.world import DAY, TODAY, Driven, act, looked, week
from tests.service.client import Service

PEOPLE = [f"p{i}" for i in range(4)]
NOON = TODAY * DAY + DAY / 2
HISTORY = 60


def of(tenant: str, some: Sequence[Event], received: float) -> list[tuple[float, Event]]:
    return [(received, msgspec.structs.replace(one, tenant=tenant, uid=f"{tenant} {one.uid}")) for one in some]


def imported(tenant: str, received: float, people: Sequence[str] = PEOPLE) -> list[tuple[float, Event]]:
    """What people of a tenant did, sent person by person."""
    strange = "p2" if tenant == "other" else ""
    some = [
        one for name in people for day in range(TODAY - HISTORY, TODAY) for one in week(day, [name], strange * (day == TODAY - 1))
    ]
    return of(tenant, some, received)


def now(tenant: str, received: float, name: str = "p1", number: int = 0, **more: Any) -> list[tuple[float, Event]]:
    return of(tenant, [act(f"now {name} {received} {number}", name, received - 60.0, **more)], received)


def told() -> list[tuple[float, Event]]:
    """Two histories, and what both tenants do while the second is closed; it sends more of its past in two parts, and days end."""
    return [
        *now("other", NOON), *imported("other", NOON),
        *now("other", NOON + 20.0), *imported("acme", NOON + 21.0),
        *(
            one
            for second in range(30)
            for one in [
                *now("other", NOON + 40.0 + second, action="export" if second == 20 else "read"),
                *now("acme", NOON + 40.0 + second, action="export"),
            ]
        ),
        *imported("acme", NOON + 71.0, ["late"])[:9], *now("other", NOON + 75.0, "p9"), *imported("acme", NOON + 83.0, ["late"])[9:],
        *now("other", NOON + 95.0), *now("other", NOON + 2 * DAY), *now("acme", NOON + 2 * DAY),
    ]  # fmt: skip


def word_amid(some: Sequence[tuple[float, Event]]) -> Word:
    """Somebody says of the day of the other tenant's that was strange that it was not, right after an export that came in meanwhile."""
    last = next(
        at for at, (_, event) in enumerate(some) if event.action == "export" and "now p1" in event.uid and event.tenant == "other"
    )
    return Word(Whom("other", EntityKind.USER, "p2"), TODAY - 1, Verdict.FALSE_POSITIVE, "", "jo", some[last][0], last + 1, 1)


Said = tuple[dict[tuple[str, str, object], Peak], list[Closed], int]


def judged(some: Sequence[tuple[float, Event]], *, at_once: bool) -> Said:
    """Return the strangest events and the days, and how many events were taken up, or wait, while something was being closed."""
    watching = Watching(BehaviourEngine(BehaviourModel()), lambda _tenant, _kind, uid, _time: uid, 6 * 3600.0)
    rest, word = [ReadEvent(at + 1, *one) for at, one in enumerate(some)], word_amid(some)
    peaks, days, between = list[Peak](), list[Closed](), 0
    heard = 0
    while rest:
        before = [one for one in rest if watching.word or one.seq <= word.after]
        if not before and watching.due(word.time) is None:
            watching.hear(word)
            continue
        ready = watching.ready(before)
        if ready:
            peaks += watching.take(ready)
            rest = rest[len(ready) :]
            continue
        closing = watching.due(rest[0].received)
        assert closing is not None
        if at_once:
            days += watching.close(closing)
            continue
        underway, known = Underway(watching, closing), watching.word
        while not underway.ended:
            days += underway.step()
            before = [one for one in rest if underway.place.word or one.seq <= word.after]
            peaks += underway.take(before[:5])
            if not underway.place.word and len(before) <= 5:
                underway.next_word(Part(before, word))
            taken = sum(one.seq <= underway.seq for one in rest)
            rest, between = rest[taken:], between + taken
        heard += underway.place.word - known
        underway.finish()
    assert watching.due(NOON + 2 * DAY + 100.0) is None
    assert heard == (not at_once)
    return {(one.judged.tenant, one.judged.entity, one.judged.time.date()): one for one in peaks}, days, between


def test_what_is_known_at_the_end_is_what_closing_at_once_would_have_said() -> None:
    peaks, days, _ = judged(told(), at_once=True)
    these, those, between = judged(told(), at_once=False)
    assert between > 30
    assert len(days) > 2 * HISTORY * len(PEOPLE)
    assert these == peaks
    assert those == days


def stored(service: Service) -> list[Any]:
    with service.host.database.engine.connect() as connection:
        found = connection.execute(select(anomalies.c["tenant", "uid", "day", "p_value", "flagged", "payload"])).all()
        return sorted(tuple(row) for row in found)


def lived(var: Path, *, broken_at: Collection[int] = ()) -> tuple[list[Any], bool]:
    """A service into which histories come; return what is stored in the end, and whether another tenant was judged meanwhile.

    ``broken_at``: the looks, of those after which days are being closed, that are followed by a break.
    """
    with Driven(var, poll_seconds=3600.0) as service:
        observer: Observer = service.host.observer

        def received(some: Sequence[tuple[float, Event]]) -> None:
            rows = [event_row(event, at) for at, event in some]
            service.run(service.host.write(partial(insert_events, rows=rows)))

        some = told()
        word = word_amid(some)
        received(some[: word.after])
        service.run(service.host.write(partial(add_word, word=word)))
        received([*now("other", word.time, "p3", action="export"), *some[word.after : -3]])
        observer.now = lambda: NOON + 94.0
        looks, meanwhile = 0, set[int]()
        while service.run(observer.look()):
            if observer.memory.closing is not None:
                looks += 1
                rows = stored(service)
                if {("other", name, TODAY) for name in ("p1", "p3")} <= {row[:3] for row in rows}:
                    meanwhile.add(sum(row[0] == "acme" and row[1] in PEOPLE and row[2] < TODAY for row in rows))
                if looks in broken_at:
                    observer.memory.forget()
        assert looks > max(broken_at, default=0)
        whole = sum(row[0] == "acme" and row[1] in PEOPLE and row[2] < TODAY for row in stored(service))
        observer.now = lambda: NOON + 2 * DAY + 100.0
        received(told()[-3:])
        looked(service)
        return stored(service), any(0 < count < whole for count in meanwhile)


def test_other_tenants_are_judged_while_a_long_history_is_and_whatever_breaks_off_all_is_stored_the_same(tmp_path: Path) -> None:
    whole, meanwhile = lived(tmp_path / "a")
    assert meanwhile
    again, _ = lived(tmp_path / "b", broken_at={2, 5})
    assert again == whole
