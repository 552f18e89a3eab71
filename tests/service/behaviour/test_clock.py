"""The clock: days end late enough, and what comes in of past days is judged when no more of it comes."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
from sqlalchemy import select

from features.alert import EntityKind
from models.behaviour.judgement import DayJudgement
from models.behaviour.model import BehaviourModel
from models.controls import Whom
from service.behaviour import records
from service.behaviour.clock import PAUSE_SECONDS, Clock, Closing
from service.keys import Role
from service.store.entity_tables import anomalies
from service.store.events import ReadEvent
from tests.service.behaviour.world import DAY, TODAY, Driven, act, entity, later, looked, week
from tests.service.bundles import publish
from tests.service.client import Service

LATE = 6 * 3600.0
PEOPLE = [f"p{i}" for i in range(6)]
NOON = 20_000 * DAY + DAY / 2


def read(at: float, received: float, tenant: str = "acme") -> ReadEvent:
    return ReadEvent(1, received, msgspec.structs.replace(act("x", "ann", at), tenant=tenant))


def test_nothing_is_due_before_there_was_an_event_and_then_at_the_end_of_its_day() -> None:
    clock = Clock(LATE)
    assert clock.due(NOON) is None
    clock.take(read(NOON, NOON))
    assert clock.due(NOON + DAY / 2 + LATE - 1.0) is None
    assert clock.due(NOON + DAY / 2 + LATE) == Closing(20_001)
    clock.close(Closing(20_001))
    assert clock.due(NOON + DAY) is None


def test_past_days_wait_until_their_tenant_sends_no_more_of_them() -> None:
    clock = Clock(LATE)
    for second in range(100):
        clock.take(read(NOON - DAY * (90 - second % 90), NOON + second))
        clock.take(read(NOON + second, NOON + second, "other"))
    last = NOON + 99.0
    clock.take(read(NOON, last + 5.0))
    assert clock.due(last + PAUSE_SECONDS - 0.1) is None, "what was just done does not matter"
    assert clock.due(last + PAUSE_SECONDS) == Closing(20_000, "acme")
    clock.close(Closing(20_000, "acme"))
    assert clock.due(last + 1000.0) is None


def test_no_tenant_makes_another_wait() -> None:
    clock = Clock(LATE)
    clock.take(read(NOON - DAY, NOON))
    for second in range(20):
        if clock.due(NOON + second) is not None:
            break
        clock.take(read(NOON - DAY, NOON + second, "other"))
    assert clock.due(NOON + second) == Closing(20_000, "acme")
    clock.close(Closing(20_000, "acme"))
    assert clock.due(NOON + second) is None
    assert clock.due(NOON + second + PAUSE_SECONDS) == Closing(20_000, "other")


def test_a_device_whose_clock_is_wrong_does_not_keep_an_import_from_being_judged() -> None:
    clock = Clock(LATE)
    clock.take(read(NOON - DAY, NOON))
    clock.take(read(400 * DAY, NOON + 9.0))
    assert clock.due(NOON + PAUSE_SECONDS) == Closing(20_000, "acme")
    clock.close(Closing(20_000, "acme"))
    clock.take(read(400 * DAY, NOON + 18.0))
    assert clock.due(NOON + 100.0) is None, "what nobody judges is of no day"


def test_a_copy_goes_on_by_itself() -> None:
    clock = Clock(LATE)
    clock.take(read(NOON, NOON))
    clock.copy().take(read(NOON - DAY, NOON))
    assert clock.due(NOON + 100.0) is None


def test_a_history_that_is_imported_into_a_running_service_is_known_within_seconds_in_whatever_order_it_comes(
    tmp_path: Path,
) -> None:
    days = range(TODAY - 91, TODAY - 1)  # of which all have ended, whatever time it is
    publish(tmp_path / "var", tmp_path / "work", behaviour=BehaviourModel())
    with Driven(tmp_path / "var", poll_seconds=3600.0) as service:

        def imported(names: list[str]) -> None:
            body = msgspec.json.encode(
                [one for day in days for one in week(day, names, strange="p4" if day >= TODAY - 3 else "")]
            )
            answer = service.send("POST", "/v1/events", service.keys[Role.PIPELINE], content=body)
            assert (answer.status_code, answer.json()["rejected"]) == (200, [])
            looked(service)

        service.post([act(f"now {name}", name, time.time()) for name in PEOPLE], "/v1/events")  # which makes no history late
        imported(PEOPLE[:3])
        imported(PEOPLE[3:])
        later(service, 16.0)
        listed = {one["uid"] for one in service.send("GET", "/v1/entities?kind=user").json()["entities"]}
        assert listed == set(PEOPLE)
        for name in PEOPLE:
            told_of = entity(service, "user", name)
            assert 2.0 <= told_of["baseline"]["events_a_day"]["median"] <= 5.0
            assert told_of["baseline"]["usual"]["country"][0]["value"] == "DE"
        assert entity(service, "user", "p4")["deviates"]
        assert {day for uid, day, *_ in judgements(service) if uid == "p5"} == set(days)
        assert judgement(service, "p5", TODAY - 2).cold is False
        before = judgements(service)
        imported(PEOPLE[:1])
        later(service, 16.0)
        assert judgements(service) == before, "what was sent again is nothing new"
        service.host.observer.memory.forget()
        looked(service)
        assert judgements(service) == before, "the same but for the rounding of sums"


def judgements(service: Service) -> list[tuple[object, ...]]:
    """All days that were judged, and how."""
    c = anomalies.c
    with service.host.database.engine.connect() as connection:
        rows = connection.execute(select(c.uid, c.day, c.kind, c.p_value, c.flagged, c.events).where(c.p_value.is_not(None)))
        return sorted(tuple(row) for row in rows)


def judgement(service: Service, uid: str, day: int) -> DayJudgement:
    """What was judged of a user's day."""
    with service.host.database.engine.connect() as connection:
        found = records.anomaly_of(connection, Whom("acme", EntityKind.USER, uid), day)
    assert found is not None
    assert found.judgement is not None
    return found.judgement
