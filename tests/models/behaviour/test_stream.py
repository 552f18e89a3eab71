"""The stream of days: whom a day looks like, cold start, bounds, repeats of an alarm."""

from __future__ import annotations

import msgspec
import numpy as np

from models.behaviour.day import Day, days
from models.behaviour.evidence import Evidence, Weights, evidence
from models.behaviour.model import BehaviourModel
from models.behaviour.profiles import MAX_PEERS, Profiles
from models.behaviour.stream import Stream, evidence_of
from models.behaviour.watch import ALARM, COLD_DAYS, NOTHING_KNOWN, PROGRAM_AT_MOST, Judged, Watch
from tests.models.behaviour.events import event, history

FIELDS = ("action", "directory", "hour", "target")


def run(stream: Stream, given: list[Day]) -> list[Judged]:
    return [stream.step(day) for day in given]


def test_a_day_in_a_colleague_s_manner_stands_out_and_says_why() -> None:
    stream = Stream(FIELDS, BehaviourModel(fields=FIELDS).weights_of)
    usual = run(stream, history(60))
    [own, taken] = run(stream, days([event("bob", 60), event("ann", 60, "bob")]))[::-1]
    assert own.score < ALARM < taken.score
    assert taken.p_value == 1 / 121  # a record for her: of the forty judged days of each of three
    assert taken.score > max(judged.score for judged in usual)
    assert taken.reasons[0].startswith(("directory is unusual", "hour is unusual"))


def test_a_new_account_is_not_judged_and_that_is_said() -> None:
    stream = Stream(FIELDS, BehaviourModel(fields=FIELDS).weights_of)
    first = run(stream, history(COLD_DAYS, ("ann",)))
    assert {(judged.score, judged.p_value) for judged in first} == {(NOTHING_KNOWN, 1.0)}
    assert "not judged" in first[0].reasons[0]
    assert stream.step(days([event("ann", COLD_DAYS)])[0]).reasons == []


def test_an_alarm_is_told_once_and_evidence_lasts() -> None:
    stream = Stream(FIELDS, BehaviourModel(fields=FIELDS).weights_of)
    run(stream, history(60))
    taken = run(stream, days([event("ann", day, "bob") for day in range(60, 64)]))
    assert taken[0].score > ALARM
    assert all(ALARM - 1 < judged.score < ALARM for judged in taken[1:])
    back = run(stream, days([event("ann", day) for day in range(64, 70)]))
    assert back[-1].score < 0


def test_evidence_adds_up_for_one_rival_and_not_over_many() -> None:
    weights = Weights.from_vector(("a",), np.zeros(5), 0.0, (1.0,))

    def scores(*rivals: int) -> list[float]:
        watch, out = Watch(), []
        for ordinal, rival in enumerate(rivals):
            day = Day("t", "ann", False, ordinal, "", 1, {"a": {"x": 1.0}})
            ratios = np.where(np.arange(3) == rival, 2.0, -2.0)[:, np.newaxis]
            out.append(watch.judge(day, Evidence(np.zeros(5), ("a",), np.arange(3), ratios, 100), weights).score)
        return out

    one, many = scores(0, 0, 0), scores(0, 1, 2)
    assert one[0] == many[0] < ALARM
    assert one[0] < one[1]
    assert max(many) == many[0]


def test_an_alarm_is_told_again_only_when_it_has_grown_or_was_forgotten() -> None:
    weights = Weights.from_vector(("a",), np.zeros(5), 0.0, (1.0,))
    watch = Watch()

    def score(ordinal: int, nats: float) -> float:
        day = Day("t", "ann", False, ordinal, "", 1, {"a": {"x": 1.0}})
        found = Evidence(np.zeros(5), ("a",), np.zeros(1, np.int64), np.array([[nats]]), 10_000)
        return watch.judge(day, found, weights).score

    first = score(0, 5.0)
    assert first > ALARM
    assert ALARM - 1 < score(1, 1.0) < ALARM
    score(2, -8.0)
    assert score(300, 5.0) > ALARM


def test_who_is_no_rival_for_a_day_is_not_told_again() -> None:
    weights = Weights.from_vector(("a",), np.zeros(5), 0.0, (1.0,))
    watch = Watch()

    def score(ordinal: int, rival: int) -> float:
        day = Day("t", "ann", False, ordinal, "", 1, {"a": {"x": 1.0}})
        found = Evidence(np.zeros(5), ("a",), np.array([rival]), np.array([[5.0]]), 10_000)
        return watch.judge(day, found, weights).score

    assert score(0, 1) > ALARM
    assert score(1, 2) > ALARM
    assert score(2, 1) < ALARM


def test_what_was_told_of_one_rival_does_not_hide_another() -> None:
    weights = Weights.from_vector(("a",), np.zeros(5), 0.0, (1.0,))
    watch = Watch()

    def score(ordinal: int, rival: int) -> float:
        day = Day("t", "ann", False, ordinal, "", 1, {"a": {"x": 1.0}})
        ratios = np.where(np.arange(2) == rival, 5.0, -2.0)[:, np.newaxis]
        return watch.judge(day, Evidence(np.zeros(5), ("a",), np.arange(2), ratios, 10_000), weights).score

    first = score(0, 0)
    again = [score(ordinal, 0) for ordinal in (1, 2)]
    assert first > ALARM > max(again)
    assert score(3, 1) == first
    assert score(4, 1) < ALARM


def test_a_program_never_takes_the_place_of_a_person() -> None:
    stream = Stream(FIELDS, BehaviourModel(fields=FIELDS).weights_of)
    both = [
        event(name, day, habits, program=True) for day in range(60) for name, habits in (("deploy", "ann"), ("backup", "bob"))
    ]
    run(stream, days(both))
    [changed] = run(stream, days([event("deploy", 60, "bob", program=True)]))
    assert changed.score <= PROGRAM_AT_MOST
    assert len(stream.profiles.peers(days([event("ann", 60)])[0], "ann")) == 0


def test_one_account_does_not_change_another_s_baseline_and_tenants_do_not_meet() -> None:
    stream = Stream(FIELDS, BehaviourModel(fields=FIELDS).weights_of)
    run(stream, history(60))
    [day] = days([event("ann", 60)])
    peers = stream.profiles.peers(day, "ann")
    before = stream.profiles.log_shares(day, "ann", peers)[0]
    run(stream, days([event("bob", 60 + n, "bob") for n in range(30)]))
    np.testing.assert_allclose(stream.profiles.log_shares(day, "ann", peers)[0], before, atol=0.1)
    run(stream, days([event("eve", n, "bob", tenant="other") for n in range(60)]))
    [foreign] = days([event("eve", 60, "bob", tenant="other")])
    assert len(stream.profiles.peers(foreign, "eve")) == 0


def test_peers_are_bounded_and_the_latest() -> None:
    profiles = Profiles(["directory"])
    for day in range(10):
        for n in range(MAX_PEERS + 50):
            profiles.learn(Day("t", f"u{n}", False, day + n, "", 1, {"directory": {"a": 1.0}}))
    today = Day("t", "u0", False, 365, "", 1, {"directory": {"a": 1.0}})
    peers = profiles.peers(today, "u0")
    assert len(peers) == MAX_PEERS
    assert 1 not in peers
    assert np.isfinite(evidence(profiles, today, "u0").vector).all()


def test_times_far_apart_do_not_overflow() -> None:
    profiles = Profiles(["directory"])
    for ordinal in [*range(30), *range(47_000, 47_030)]:
        profiles.learn(Day("t", "ann", False, ordinal, "", 1, {"directory": {"a": 1.0}}))
    found = evidence_of(profiles, Day("t", "ann", False, 47_040, "", 1, {"directory": {"b": 1.0}}))
    assert found is not None
    assert np.isfinite(found.vector).all()


def test_weights_survive_json() -> None:
    weights = Weights.from_vector(("a", "b"), np.arange(7.0), -1.5)
    assert msgspec.json.decode(msgspec.json.encode(weights), type=Weights) == weights
    assert weights.vector.tolist() == list(range(7))
