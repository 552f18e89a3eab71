"""Slow drift on a small history: shares rise evenly, and the guard keeps the other's ways out of the profile."""

from __future__ import annotations

import pytest

from models.behaviour.model import BehaviourModel
from tests.models.behaviour.events import history
from training.behaviour.drifts import State, by_day, drifted, mixed, run
from training.behaviour.swaps import Swap

FIELDS = ("action", "directory", "hour", "target")


def test_a_mixed_day_has_so_much_of_the_other() -> None:
    ann, bob = history(1)[:2]
    day = mixed(ann, bob, 0.25)
    assert day.values["directory"] == {"docs": 0.75, "core": 0.25}
    assert day.values["target"] == ann.values["target"]
    assert mixed(ann, bob, 0.0).values == ann.values | {"directory": {"docs": 1.0, "core": 0.0}, "hour": {"9": 1.0, "15": 0.0}}


def test_a_drift_rises_evenly_and_only_in_its_account() -> None:
    days = history(200)
    start = days[0].ordinal + 150
    swap = Swap(start, "ann", "bob", "project")
    after = drifted(days, swap, 40)
    shares = [day.values["directory"].get("core", 0.0) for day in after if day.entity == "ann"]
    assert shares[0] == 0.0
    assert shares[20] == pytest.approx(0.5)
    assert set(shares[40:]) == {1.0}
    assert all(day in days for day in after if day.entity != "ann")
    assert [ordinal for ordinal, _ in by_day(after)] == sorted({day.ordinal for day in after})


def test_with_the_guard_the_profile_takes_up_less_of_the_other() -> None:
    days = history(260)
    swap = Swap(days[0].ordinal + 200, "ann", "bob", "project")
    held = {}
    for guarded in (False, True):
        state = State(BehaviourModel(fields=FIELDS), guarded=guarded)
        for ordinal, some in by_day(days):
            if ordinal < swap.ordinal:
                state.close(some)
        held[guarded] = run(state, days, swap, 20)
    assert held[True].after > held[False].after
    assert held[True].seen_at < 1.0
    assert held[False].before == held[True].before
