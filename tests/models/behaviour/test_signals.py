"""Signals: each rises by the scenario it is for, stays at nothing without it, and says why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from features.accounts import Accounts
from features.alert import Entity, EntityKind, Role
from features.event import Event, Outcome, Source, user
from features.event_encode import FIELDS, EventEncoder
from models.behaviour.event_scores import deviations, is_cold
from models.behaviour.judgement import Deviation
from models.behaviour.signals import NAMES, SIGNALS, Floats, at_once, novelties
from models.behaviour.walk import EventWalk
from tests.models.behaviour.office import SECRET, START

GROUPS = {("acme", f"user-{number}"): "core" for number in range(5)}
USUAL = Source(address="10.0.0.1", country="NL", device="ws-1", application="mail", latitude=52.4, longitude=4.9)


def event(day: float, who: str = "user-1", action: str = "open", **more: object) -> Event:
    number = int(who.removeprefix("user-")) if who.startswith("user-") else 0
    made = Event(
        uid="1", tenant="acme", time=START + timedelta(days=day, hours=9), actor=user(who), action=action,
        target=Entity(EntityKind.FILE, "plan", Role.TARGET), outcome=Outcome.SUCCESS,
        source=msgspec.structs.replace(USUAL, address=f"10.0.0.{number}", device=f"ws-{number}"),
    )  # fmt: skip
    return msgspec.structs.replace(made, **more)


def habit(days: int = 40, people: int = 5) -> list[Event]:
    """Return a life without events: everybody opens, reads and closes the plan each morning."""
    return [
        event(day + who * 1e-3 + at * 1e-4, f"user-{who}", action)
        for day in range(days)
        for who in range(people)
        for at, action in enumerate(("open", "read", "close"))
    ]


class Told:
    """The last event's signals and reasons."""

    def __init__(self, events: Sequence[Event]) -> None:
        block = EventEncoder(SECRET, Accounts(groups=GROUPS)).events(events)
        self.where, self.what, signals, scores = EventWalk(SECRET).read(block)
        self.signals = signals[-1]
        self.score = float(scores[-1])
        self.reasons = deviations(events[-1], self.signals, self.where[-1], self.what[-1], float(block.speed[-1]))
        self.all = signals

    def __getitem__(self, name: str) -> float:
        return float(self.signals[NAMES.index(name)])

    def reason(self, name: str) -> Deviation:
        return next(one for one in self.reasons if one.name == name)


LIFE = habit()
NEXT = Told([*LIFE, event(40)])


def test_the_usual_surprises_nobody() -> None:
    assert NEXT.score < 0.5
    assert NEXT.reasons == ()


def after(**more: object) -> Event:
    return event(40, **more)


SOURCES = {
    "address": msgspec.structs.replace(USUAL, address="203.0.113.9"),
    "country": msgspec.structs.replace(USUAL, country="JP", latitude=None, longitude=None),
    "device": msgspec.structs.replace(USUAL, device="ws-99"),
    "application": msgspec.structs.replace(USUAL, application="shell"),
}


@pytest.mark.parametrize("field", FIELDS)
def test_a_new_value_of_each_field_surprises_and_says_what_is_new(field: str) -> None:
    odd = {
        "action": after(action="export"),
        "target": after(target=Entity(EntityKind.FILE, "payroll", Role.TARGET)),
        "hour": msgspec.structs.replace(after(), time=START + timedelta(days=40, hours=3)),
        "sequence": event(40.0003, action="close"),
    }.get(field) or after(source=SOURCES[field])
    before = [event(40, action="open")] if field == "sequence" else []
    told = Told([*LIFE, *before, odd])
    assert told[f"{field}_own"] > 1.5
    assert NEXT[f"{field}_own"] < 0.3
    reason = told.reason(f"{field}_own")
    assert reason.observed is not None
    assert reason.expected is not None
    assert reason.observed < reason.expected
    assert reason.value
    if field not in ("sequence", "hour"):
        assert told[f"{field}_peers"] > 1.0
        assert "among its peers" in reason.text or told[f"{field}_peers"] < 3.0


def test_what_peers_do_surprises_less_than_what_nobody_does() -> None:
    others = [event(day + 0.001, f"user-{who}", "approve") for day in range(30, 40) for who in (0, 2, 3, 4)]
    life = sorted([*LIFE, *others], key=lambda one: one.time)
    assert Told([*life, after(action="approve")])["action_own"] + 1.0 < Told([*life, after(action="export")])["action_own"]


def test_who_does_something_new_every_day_surprises_less_by_something_new() -> None:
    curious = [event(day + 0.01 + at * 1e-4, action=f"a{day}-{at}") for day in range(40) for at in range(5)]
    life = sorted([*LIFE, *curious], key=lambda one: one.time)
    assert Told([*life, after(action="export")])["action_own"] + 1.5 < Told([*LIFE, after(action="export")])["action_own"]


def test_many_failures_and_a_success_after_them() -> None:
    failed = [event(40 + at * 1e-5, outcome=Outcome.FAILURE) for at in range(12)]
    told = Told([*LIFE, *failed, event(40.001)])
    assert told["failures"] == told["failures_then_success"] > 1.2
    assert Told([*LIFE, *failed])["failures_then_success"] == 0.0
    assert Told([*LIFE, event(40, outcome=Outcome.FAILURE), event(40.001)])["failures_then_success"] == 0.0


def test_many_accounts_that_fail_from_one_address() -> None:
    tries = [event(40 + at * 1e-5, f"user-{at}", outcome=Outcome.FAILURE, source=USUAL) for at in range(30)]
    told = Told([*LIFE, *tries, event(40.001, source=USUAL)])
    assert told["spray"] == told["spray_success"] > 1.5
    assert told.reason("spray_success").observed == pytest.approx(30, rel=0.05)
    in_vain = Told([*LIFE, *tries, event(40.001, source=USUAL, outcome=Outcome.FAILURE)])
    assert in_vain["spray"] > 1.5
    assert in_vain["spray_success"] == 0.0
    alone = [event(40 + at * 1e-5, outcome=Outcome.FAILURE, source=USUAL) for at in range(30)]
    assert Told([*LIFE, *alone, event(40.001, source=USUAL)])["spray"] == 0.0


def test_names_that_only_ever_fail_make_no_spray_look_usual() -> None:
    before = [event(33 + at / 48, f"made-up-{at}", outcome=Outcome.FAILURE, source=USUAL) for at in range(335)]
    tries = [event(40 + at * 1e-5, f"user-{at}", outcome=Outcome.FAILURE, source=USUAL) for at in range(30)]
    assert Told([*LIFE, *before, *tries, event(40.001, source=USUAL)])["spray_success"] > 1.5


def test_behind_an_office_somebody_always_fails() -> None:
    office = [event(39.9 + at * 1e-5, f"user-{at}", source=USUAL) for at in range(60)]
    some = [event(40 + at * 1e-5, f"user-{at}", outcome=Outcome.FAILURE, source=USUAL) for at in range(6)]
    assert Told([*LIFE, *office, *some, event(40.001, source=USUAL)])["spray"] == 0.0
    assert Told([*LIFE, *some, event(40.001, source=USUAL)])["spray"] > 0.4


def test_another_country_within_the_hour_and_a_way_too_far() -> None:
    there = Source(address="10.0.0.1", country="JP", device="ws-1", application="mail", latitude=35.7, longitude=139.7)
    told = Told([*LIFE, event(40), event(40.01, source=there)])
    assert told["travel"] > 2.0
    assert told["speed"] > 2.0
    assert told.reason("speed").observed > 900
    in_vain = Told([*LIFE, event(40), event(40.01, source=there, outcome=Outcome.FAILURE)])
    assert in_vain["travel"] == in_vain["speed"] == 0.0
    after_failing = [*LIFE, event(40), event(40.0095, source=there, outcome=Outcome.FAILURE), event(40.01, source=there)]
    assert Told(after_failing)["speed"] == told["speed"]
    assert Told([*after_failing[:-1], event(40.01)])["speed"] == 0.0, "it was somebody else who failed there"
    assert Told([*LIFE, event(40), event(40.01, source=there), event(40.011)])["travel"] == 0.0
    later = Told([*LIFE, event(40), event(41.0, source=there)])
    assert later["travel"] < 0.1
    assert later["speed"] == 0.0


@pytest.mark.parametrize(
    ("name", "field"), [("target_burst", "target"), ("devices_at_once", "device"), ("addresses_at_once", "address")]
)
def test_many_unusual_targets_devices_or_addresses_within_an_hour(name: str, field: str) -> None:
    def odd(number: int) -> Event:
        if field == "target":
            return event(40 + number * 1e-5, target=Entity(EntityKind.FILE, f"f{number}", Role.TARGET))
        return event(40 + number * 1e-5, source=msgspec.structs.replace(USUAL, **{field: f"other-{number}"}))

    assert Told([*LIFE, *map(odd, range(30)), event(40.001)])[name] > 0.5
    assert NEXT[name] == 0.0


def test_much_more_than_usual() -> None:
    told = Told([*LIFE, *(event(40 + at * 1e-5) for at in range(300))])
    assert told["volume_hour"] > 1.0
    assert told["volume_day"] > 1.0
    assert NEXT["volume_hour"] == NEXT["volume_day"] == 0.0


def test_of_an_account_of_which_nothing_is_known_little_is_said() -> None:
    told = Told([*LIFE, event(40, "newcomer")])
    assert told.score == 0.0
    assert is_cold(told.what)[-1]
    assert not is_cold(NEXT.what)[-1]


def test_novelties_are_values_that_a_known_account_never_had() -> None:
    told = Told([*LIFE, after(action="export", source=SOURCES["device"])])
    assert novelties(told.where, told.what)[-1] == 2 + 0
    assert novelties(told.where, told.what)[0] == 0
    assert at_once(told.where)[-1] <= 1.0


def test_signals_are_finite_and_never_negative_and_each_has_words() -> None:
    found: Floats = NEXT.all
    assert np.isfinite(found).all()
    assert (found >= 0.0).all()
    assert all(signal.text for signal in SIGNALS)
    assert len(set(NAMES)) == len(NAMES) == found.shape[1]
