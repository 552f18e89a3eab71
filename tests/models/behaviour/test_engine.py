"""Events in, judgement out: as the stream judges whole days, whatever the order in which events come."""

from datetime import UTC, date, datetime, timedelta
from itertools import groupby

import pytest

from features.event import Event, Facet, service_account, user
from models.behaviour.day import days
from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from models.behaviour.stream import Stream
from models.behaviour.watch import COLD_DAYS
from models.errors import BundleError

START = datetime(2024, 1, 1, 9, tzinfo=UTC)
MODEL = BehaviourModel(fields=("action", "room", "hour"))


def event(who: str, day: int, *, room: str = "", hour: int = 0, program: bool = False) -> Event:
    return Event(
        uid=f"{who}-{day}-{hour}",
        tenant="acme",
        time=START + timedelta(days=day, hours=hour),
        actor=service_account(who) if program else user(who),
        action="open",
        facets=(Facet("room", room or f"room of {who}"),),
    )


def history(last: int = 40) -> list[Event]:
    return [event(who, day, hour=hour) for day in range(last) for who in ("ann", "bob", "eve") for hour in (0, 3)]


def test_a_closed_day_is_judged_as_the_stream_judges_it() -> None:
    engine = BehaviourEngine(MODEL)
    engine.observe(history())
    stream = Stream(MODEL.fields, MODEL.weights_of)
    told = engine.close(date(2024, 3, 1))
    expected = []
    for _, some in groupby(days(history()), key=lambda day: day.ordinal):
        together = [(day, stream.look(day)) for day in some]  # none of them is learned before all are judged
        for day, judged in together:
            stream.learn(day, judged)
        expected += [judged for _, judged in together]
    assert [(one.anomaly_score, one.p_value) for one in told] == [(one.score, one.p_value) for one in expected]


def test_events_may_come_in_any_order_within_a_day_and_in_any_number_of_calls() -> None:
    whole, pieces = BehaviourEngine(MODEL), BehaviourEngine(MODEL)
    whole.observe(history())
    for one in sorted(history(), key=lambda event: (event.time.date(), event.uid), reverse=True):
        pieces.observe([one])
    assert whole.close(date(2024, 3, 1)) == pieces.close(date(2024, 3, 1))


def test_an_open_day_waits_and_what_comes_after_it_was_closed_is_counted_as_late() -> None:
    engine = BehaviourEngine(MODEL)
    engine.observe([event("ann", 0), event("ann", 1)])
    assert [one.day for one in engine.close(date(2024, 1, 2))] == [date(2024, 1, 1)]
    engine.observe([event("ann", 0, hour=5)])
    assert engine.late == 1
    assert [one.day for one in engine.close(date(2024, 1, 3))] == [date(2024, 1, 2)]
    assert engine.close(date(2024, 1, 2)) == []


def test_a_time_that_cannot_be_is_counted_and_judges_nobody() -> None:
    engine = BehaviourEngine(MODEL)
    engine.observe([event("ann", -30_000), event("ann", 40_000)])
    assert engine.unbelievable == 2
    assert engine.close(date(2099, 1, 1)) == []


def test_who_behaves_like_another_is_flagged_and_says_why_and_a_newcomer_is_cold() -> None:
    engine = BehaviourEngine(MODEL)
    last = COLD_DAYS + 60
    engine.observe(history(last))
    engine.observe([event("ann", last, room="room of bob"), event("new", last), event("cron", last, program=True)])
    today = {one.entity: one for one in engine.close(date(2025, 1, 1)) if one.day == (START + timedelta(days=last)).date()}
    assert today["ann"].flagged
    assert today["ann"].deviations[0].name == "room"
    assert today["new"].cold
    assert "not judged" in today["new"].reasons[0]
    assert today["cron"].kind == "application"


def test_a_model_is_read_as_it_was_written_and_damage_is_named() -> None:
    assert BehaviourModel.from_files(MODEL.to_files(), "here") == MODEL
    with pytest.raises(BundleError, match=r"here/behaviour\.json"):
        BehaviourModel.from_files({"behaviour.json": b"{"}, "here")
    with pytest.raises(BundleError, match="no model of behaviour"):
        BehaviourModel.from_files({}, "here")
