"""Events in, judgement out: as the stream judges whole days, whatever the order in which events come."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

import msgspec
import numpy as np
import pytest

from features.alert import Entity, EntityKind, Role
from features.event import Event, Facet, Source, service_account, user
from features.event_columns import read_columns
from features.event_table import table_of
from features.label import Verdict
from models.behaviour.day import date_of, days
from models.behaviour.engine import BehaviourEngine
from models.behaviour.event_scores import reasons
from models.behaviour.held import Account
from models.behaviour.judgement import DayJudgement
from models.behaviour.model import BehaviourModel
from models.behaviour.stream import Stream
from models.behaviour.watch import COLD_DAYS
from models.errors import BundleError
from tests.models.behaviour.office import SECRET, accounts, office

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


def test_days_before_those_that_were_judged_are_judged_once_whenever_they_come() -> None:
    engine = BehaviourEngine(MODEL)
    engine.observe([event("ann", 50), event("bob", 20)])
    engine.close(date(2024, 3, 1))
    engine.observe([event("ann", 10, hour=hour) for hour in range(3)] + [event("ann", 20), event("ann", 50, hour=1)])
    engine.observe([msgspec.structs.replace(event("eve", 30), tenant="other")])
    assert engine.late == 1
    told = [(one.entity, one.day, one.events) for one in engine.close(date(2024, 3, 1), "acme")]
    assert told == [("ann", date(2024, 1, 11), 3), ("ann", date(2024, 1, 21), 1)]
    engine.observe([event("ann", 15), event("ann", 9), event("ann", 10, hour=4), event("bob", 20, hour=2)])
    assert engine.late == 3
    assert [(one.entity, one.day.day) for one in engine.close(date(2024, 3, 1))] == [("ann", 10), ("ann", 16), ("eve", 31)]


def test_days_closed_one_by_one_are_judged_as_all_at_once() -> None:
    at_once, one_by_one = full(), full()
    for engine in (at_once, one_by_one):
        engine.observe(OFFICE)
    ordinals = one_by_one.open_days()
    assert len(ordinals) == len({event.time.date() for event in OFFICE})
    told = [one for day in ordinals for one in one_by_one.close(date_of(day + 1))]
    assert told == at_once.close(date_of(ordinals[-1] + 1))
    assert one_by_one.open_days() == []


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


OFFICE = office(seed=21, count=4000, days=40)


def closed(events: Sequence[Event], engine: BehaviourEngine) -> list[DayJudgement]:
    """Take events up a day at a time, and close each day."""
    out = []
    for day, some in groupby(sorted(events, key=lambda one: one.time), key=lambda one: one.time.date()):
        engine.observe(list(some))
        out += engine.close(day + timedelta(days=1))
    return out


def full() -> BehaviourEngine:
    return BehaviourEngine(BehaviourModel(), secret=SECRET, accounts=accounts())


def without_values(judged: Sequence[DayJudgement]) -> list[DayJudgement]:
    return [
        msgspec.structs.replace(one, deviations=tuple(msgspec.structs.replace(two, value="") for two in one.deviations))
        for one in judged
    ]


@pytest.mark.parametrize("size", [1, 97, 4000])
def test_many_events_at_once_are_judged_as_one_by_one_to_the_bit(size: int) -> None:
    events = sorted(OFFICE, key=lambda one: one.time)[: 300 if size == 1 else None]
    table, model = table_of(events), BehaviourModel(fields=("action", "target", "room", "hour", "weekday", "outcome"))
    one_by_one, days = BehaviourEngine(model, secret=SECRET, accounts=accounts()), list[DayJudgement]()
    with ThreadPoolExecutor(1) as pool:
        at_once = BehaviourEngine(model, secret=SECRET, accounts=accounts(), pool=pool)
        for rows, block, walked in at_once.observe_columns(read_columns(table), size):
            told = one_by_one.observe([events[row] for row in rows.tolist()])
            assert [one.anomaly_score for one in told] == walked.scores.tolist()
            assert [one.entity for one in told] == [block.accounts[who].uid for who in block.who.tolist()]
            assert [one.reasons for one in told] == reasons(walked.signals).to_pylist()
            days += at_once.close(told[-1].time.date())
    days += at_once.close(date(2099, 1, 1))
    assert days == without_values(one_by_one.close(date(2099, 1, 1)))
    assert size == 1 or any(one.deviations for one in days)


def test_without_days_many_events_are_judged_the_same_and_none_is_kept() -> None:
    some = read_columns(table_of([*OFFICE[:500], msgspec.structs.replace(OFFICE[0], time=datetime(1960, 1, 1, tzinfo=UTC))]))
    scores = []
    for with_days in (True, False):
        engine = BehaviourEngine(BehaviourModel(), secret=SECRET, accounts=accounts(), days=with_days)
        scores.append(np.concatenate([one.walked.scores for one in engine.observe_columns(some)]))
        assert engine.unbelievable == 1
        assert bool(engine.close(date(2099, 1, 1))) is with_days
    assert scores[0].tobytes() == scores[1].tobytes()


def test_events_are_judged_in_the_order_of_receipt_by_what_was_known_before_each() -> None:
    whole, pieces = full(), full()
    told = whole.observe(OFFICE[:500])
    assert told == [one for event in OFFICE[:500] for one in pieces.observe([event])]
    assert [one.uid for one in told] == [event.uid for event in OFFICE[:500]]
    assert all(one.cold for one in told[:20])
    assert not all(one.cold for one in told)
    assert [one.entity for one in told if one.uid == "0"]


def test_people_programs_and_hosts_have_days_and_all_judges_a_word() -> None:
    told = closed(OFFICE, full())
    kinds = {one.kind for one in told}
    assert kinds == {EntityKind.USER, EntityKind.APPLICATION, EntityKind.HOST}
    assert len({(one.day, one.tenant, one.kind, one.entity) for one in told}) == len(told)
    assert any(not one.cold for one in told if one.kind is EntityKind.HOST)
    assert all(one.p_value == 1.0 and not one.flagged for one in told if one.cold)


def test_without_a_judge_of_vectors_hosts_have_no_days() -> None:
    told = closed(OFFICE[:500], BehaviourEngine(BehaviourModel(), vectors=False))
    assert EntityKind.HOST not in {one.kind for one in told}


def test_a_renamed_account_is_one_account() -> None:
    told = closed(OFFICE, full())
    assert "ada.new" not in {one.entity for one in told}
    assert max(one.day for one in told if one.entity == "user-2") > (OFFICE[0].time + timedelta(days=30)).date()


def test_times_ahead_of_their_receipt_or_too_old_are_counted_and_change_nothing() -> None:
    engine, other = full(), full()
    now = OFFICE[99].time + timedelta(minutes=5)
    wrong = [
        msgspec.structs.replace(OFFICE[0], time=now + timedelta(hours=2)),
        msgspec.structs.replace(OFFICE[0], time=now - timedelta(days=500)),
    ]
    assert engine.observe(wrong, now) == []
    assert engine.unbelievable == 2
    assert engine.observe(OFFICE[:100], now) == other.observe(OFFICE[:100])


def test_a_late_event_is_judged_and_known_from_then_on_and_opens_no_day_again() -> None:
    engine = full()
    engine.observe(OFFICE[:100])
    day = OFFICE[99].time.date()
    engine.close(day + timedelta(days=1))
    (late,) = engine.observe([OFFICE[0]])
    assert late.uid == OFFICE[0].uid
    assert engine.late == 1
    assert engine.close(day + timedelta(days=1)) == []


def test_what_surprised_on_a_day_is_told_with_its_value_and_a_shared_account_is_called_one() -> None:
    def at(day: int, minute: int, device: str, who: str = "desk") -> Event:
        made = event(who, day)
        return msgspec.structs.replace(
            made, time=made.time + timedelta(minutes=minute), source=Source(device=device, address=f"10.0.0.{device[-1]}")
        )

    people = [at(day, 5, f"ws-{n}", f"p{n}") for day in range(40) for n in range(9)]
    desk = [at(day, minute, f"till-{minute % 5}") for day in range(40) for minute in range(10)]
    odd = [at(40, minute, f"rogue-{minute}") for minute in range(9)]
    told = {
        (one.day, one.entity): one
        for one in closed([*people, *desk, *odd, *(at(40, 5, f"ws-{n}", f"p{n}") for n in range(9))], full())
    }
    last = told[(START + timedelta(days=40)).date(), "desk"]
    assert any(one.value for one in last.deviations if one.name.endswith("_own_max"))
    assert all("shared account" in one for one in last.reasons)


def test_what_is_called_out_is_not_learned_as_normal_until_a_person_says_so() -> None:
    last = COLD_DAYS + 60
    days_of_ann = [event("ann", last + day, room="room of bob") for day in range(4)]

    def told(verdict: Verdict | None) -> list[DayJudgement]:
        engine = BehaviourEngine(MODEL)
        closed(history(last), engine)
        first = closed(days_of_ann[:1], engine)
        if verdict is not None:
            day = first[0].day
            assert engine.verdict(Account("acme", EntityKind.USER, "ann"), day, day, verdict) == (
                verdict is Verdict.FALSE_POSITIVE
            )
        return [*first, *closed(days_of_ann[1:], engine)]

    doubted, cleared = told(None), told(Verdict.FALSE_POSITIVE)
    assert doubted[0].flagged
    assert doubted[1].deviations[0].surprise > cleared[1].deviations[0].surprise
    assert told(Verdict.TRUE_POSITIVE)[1].deviations[0].surprise == doubted[1].deviations[0].surprise


def test_what_an_attacker_says_takes_a_bounded_amount_of_memory() -> None:
    engine = full()
    for start in range(0, 30_000, 3000):
        targets = [Entity(EntityKind.FILE, f"f{start + at}", Role.TARGET) for at in range(3000)]
        engine.observe([msgspec.structs.replace(event("ann", 0), target=target) for target in targets])
    (judged,) = [one for one in engine.close(date(2024, 1, 2)) if one.kind is EntityKind.USER]
    assert judged.events == 30_000
    assert len(engine._said._texts) == 0


def test_what_was_judged_is_known_as_long_as_events_of_it_may_come() -> None:
    engine = full()
    for day in range(0, 900, 30):
        closed([event(f"once-{day}", day), event("ann", day)], engine)
    assert len(engine._ended) < 450 / 30 + 5
    again = [event("ann", day, hour=5) for day in range(540, 900, 30)]
    assert closed(again, engine) == [], "no day is judged twice"
