"""A day is settled as a whole; what is doubted is not learned until a person or a quarantine says so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from features.alert import EntityKind
from features.label import Verdict
from models.behaviour.day import OLDEST_DAYS, Day, days
from models.behaviour.day_vector import DayKey
from models.behaviour.drift import Drift
from models.behaviour.guarded import Entry, Guarded, Settled
from models.behaviour.held import NORMAL_DAYS, QUARANTINE_DAYS, Account
from models.behaviour.model import BehaviourModel
from models.behaviour.stream import Stream
from models.behaviour.watch import Judged
from tests.models.behaviour.events import HABITS, event

FIELDS = ("action", "directory", "hour", "target")
ANN = Account("t", EntityKind.USER, "ann")


class Live:
    """All accounts, each day settled before the next."""

    def __init__(self, *, false_discovery: float = 0.1) -> None:
        model = BehaviourModel(fields=FIELDS)
        self.stream = Stream(FIELDS, model.weights_of)
        self.guard = Guarded(self.learn, Drift(self.stream.profiles, model.weights_of), false_discovery)

    def learn(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self.stream.learn(entry.day, entry.judged)

    def day(self, number: int, habits: dict[str, str] | None = None) -> dict[str, tuple[Judged, Settled]]:
        those = days([event(who, number, (habits or {}).get(who, "")) for who in HABITS])
        judged = [self.stream.look(one) for one in those]
        keys = [DayKey(one.ordinal, one.tenant, EntityKind.USER, one.entity) for one in those]
        settled = self.guard.settle([Entry(key, "", its, one) for key, one, its in zip(keys, those, judged, strict=True)])
        return {day.entity: both for day, both in zip(those, zip(judged, settled, strict=True), strict=True)}

    def known(self, directory: str) -> float:
        """Return Ann's share of a directory, as log."""
        [like] = days([event("ann", 200)])
        asked = Day(
            **{name: getattr(like, name) for name in like.__struct_fields__} | {"values": {"directory": {directory: 1.0}}}
        )
        return float(self.stream.profiles.log_shares(asked, "ann", self.stream.profiles.peers(asked, "ann"))[0][1])


def lived(until: int = 120) -> Live:
    live = Live()
    for number in range(until):
        live.day(number)
    return live


def test_the_day_of_a_takeover_is_flagged_and_not_learned_and_the_days_after_neither() -> None:
    live = lived()
    before = live.known("core")
    told = live.day(120, {"ann": "bob"})
    assert told["ann"][1].flagged
    assert told["ann"][1].held
    assert not told["bob"][1].held
    for number in range(121, 130):
        live.day(number, {"ann": "bob"})
    assert len(live.guard.held) >= 5
    assert live.known("core") - before < 0.1


@pytest.mark.parametrize(
    ("verdict", "learned", "left"),
    [(Verdict.FALSE_POSITIVE, 1, 0), (Verdict.BENIGN_POSITIVE, 1, 0), (Verdict.TRUE_POSITIVE, 0, 0), (Verdict.DUPLICATE, 0, 1)],
)
def test_a_verdict_decides_what_becomes_of_a_held_day(verdict: Verdict, learned: int, left: int) -> None:
    live = lived()
    day = next(iter(days([event("ann", 120)]))).ordinal
    live.day(120, {"ann": "bob"})
    before = live.known("core")
    assert live.guard.verdict(ANN, day, day, verdict) == learned
    assert len(live.guard.held) == left
    assert (live.known("core") > before + 0.5) is bool(learned)


def test_after_the_quarantine_among_usual_days_it_is_learned_without_anybody_s_leave() -> None:
    live = lived()
    live.day(120, {"ann": "bob"})
    before = live.known("core")
    for number in range(121, 121 + QUARANTINE_DAYS):
        live.day(number)
    assert len(live.guard.held) >= 1
    assert live.known("core") < before
    for number in range(121 + QUARANTINE_DAYS, 131 + QUARANTINE_DAYS):
        live.day(number)
    assert NORMAL_DAYS < QUARANTINE_DAYS
    assert len(live.guard.held) == 0
    assert live.known("core") > before


def test_at_no_false_discovery_nobody_is_flagged_and_an_empty_day_settles_nothing() -> None:
    live = Live(false_discovery=0.0)
    for number in range(90):
        live.day(number)
    assert not live.day(90, {"ann": "bob"})["ann"][1].flagged
    assert live.guard.settle([]) == []


def entries(low: int, high: int, p_value: float, day: int = 10) -> list[Entry]:
    keys = [DayKey(day, "t", EntityKind.USER, f"u{n}") for n in range(low, high)]
    return [Entry(key, "", Judged(0.0, p_value, ())) for key in keys]


def fresh() -> Guarded:
    model = BehaviourModel(fields=FIELDS)
    return Guarded(lambda learned: None, Drift(Stream(FIELDS, model.weights_of).profiles, model.weights_of), 0.1)


def test_those_who_come_one_by_one_are_called_out_no_sooner_than_all_at_once() -> None:
    guard = fresh()
    assert not any(one.flagged for one in guard.settle(entries(0, 50, 0.5)))
    assert not any(guard.settle(entries(n, n + 1, 0.05))[0].flagged for n in range(50, 60))
    assert guard.settle(entries(60, 61, 0.001))[0].flagged
    assert fresh().settle(entries(60, 61, 0.05))[0].flagged, "alone it would have been"


def test_how_many_were_judged_of_a_day_is_known_as_long_as_others_of_it_may_come() -> None:
    guard = fresh()
    for day in range(10, 3 * OLDEST_DAYS):
        guard.settle(entries(0, 50, 0.5, day))
    assert len(guard._before) == OLDEST_DAYS + 1
    oldest = min(guard._before)
    assert not guard.settle(entries(50, 51, 0.05, oldest))[0].flagged
    assert fresh().settle(entries(50, 51, 0.05, oldest))[0].flagged, "alone it would have been"
