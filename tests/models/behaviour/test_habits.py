"""Habits: own and peers' volume as known before the day, and shared accounts."""

from __future__ import annotations

import numpy as np
import pytest

from features.alert import EntityKind
from models.behaviour.day import OLDEST_DAYS
from models.behaviour.day_vector import DayKey
from models.behaviour.habits import MOST_APART, SHARED_DAYS, Habits
from models.behaviour.roster import MOST_AWAY

PEOPLE = ("ada", "bob", "cem")


def step(habits: Habits, ordinal: int, volume: dict[str, float], at_once: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    keys = [DayKey(ordinal, "t", EntityKind.USER, name) for name in sorted(volume)]
    return habits.step(keys, ["core"] * len(keys), np.array([volume[key.entity] for key in keys]), np.full(len(keys), at_once))


def test_a_day_is_held_against_the_days_before_it_and_against_peers() -> None:
    habits = Habits()
    first, _ = step(habits, 1, {"ada": 2.0, "bob": 4.0})
    assert first[:, 1:].tolist() == [[0.0, 0.0], [0.0, 0.0]]
    then, _ = step(habits, 2, {"ada": 5.0, "cem": 3.0})
    assert then.tolist() == [[5.0, 3.0, 2.0], [3.0, 0.0, 0.0]]


def test_many_days_at_once_are_taken_in_the_order_of_time() -> None:
    one, other = Habits(), Habits()
    days = [{"ada": 1.0 + day, "bob": 2.0} for day in range(5)]
    single = [step(one, day, volume) for day, volume in enumerate(days)]
    keys = [DayKey(day, "t", EntityKind.USER, name) for day in range(5) for name in ("ada", "bob")]
    volume = np.array([days[key.ordinal][key.entity] for key in keys])
    together = other.step(keys, ["core"] * 10, volume, np.zeros(10))
    np.testing.assert_array_equal(together[0], np.concatenate([found for found, _ in single]))


def test_nobodys_excess_makes_excess_usual_for_the_group() -> None:
    habits = Habits()
    step(habits, 1, dict.fromkeys(PEOPLE, 2.0))
    step(habits, 2, {"ada": 1e6, "bob": 2.0, "cem": 2.0})
    found, _ = step(habits, 3, dict.fromkeys(PEOPLE, 2.0))
    assert found[1, 2] == pytest.approx(-MOST_APART / 3 / 2)


def test_an_account_is_shared_if_many_devices_at_once_are_its_habit() -> None:
    habits = Habits()
    for day in range(SHARED_DAYS):
        assert not step(habits, day, {"ada": 2.0}, at_once=4.0)[1].any()
    assert step(habits, 9, {"ada": 2.0}, at_once=1.0)[1].all()
    lone = Habits()
    for day in range(20):
        assert not step(lone, day, {"ada": 2.0}, at_once=1.0 if day else 9.0)[1].any()


def test_no_days_are_no_days() -> None:
    volume, shared = Habits().step([], [], np.zeros(0), np.zeros(0))
    assert (len(volume), len(shared)) == (0, 0)


def test_names_never_seen_again_are_forgotten_and_who_stays_is_judged_as_before() -> None:
    lone, busy = Habits(), Habits()
    for day in range(3 * OLDEST_DAYS):
        volume = float(day % 7)
        expected = step(lone, day, {"ada": volume})[0][0, 1]
        keys = [DayKey(day, "t", EntityKind.USER, "ada"), DayKey(day, "t", EntityKind.USER, f"once {day}")]
        found, _ = busy.step(keys, ["core", f"group {day}"], np.array([volume, 1.0]), np.zeros(2))
        assert (found[0, 1], found[1, 1]) == (expected, 0.0)
    most = (OLDEST_DAYS + 2) / (1.0 - MOST_AWAY) + 1
    assert len(busy._own) <= most
    assert len(busy._group) <= most


def test_who_was_away_for_long_is_somebody_new() -> None:
    habits = Habits()
    for day in range(9):
        step(habits, day, {"ada": 1.0})
    assert step(habits, 300, {"ada": 5.0})[0][0, 1] == 4.0
    assert step(habits, 302 + OLDEST_DAYS, {"ada": 5.0})[0][0, 1] == 0.0


def test_who_stays_in_another_tenant_keeps_nobody_from_being_somebody_new() -> None:
    for others in (1, 10):
        habits, then = Habits(), 9 + OLDEST_DAYS + 1
        for day in range(then + 1):
            keys = [DayKey(day, "a", EntityKind.USER, "ada")] if day in (*range(9), then) else []
            keys += [DayKey(day, "b", EntityKind.USER, f"p{at}") for at in range(others)]
            volume = np.full(len(keys), 1.0 + 4.0 * (day == then))
            found, _ = habits.step(keys, [""] * len(keys), volume, np.zeros(len(keys)))
        assert found[:2, 1].tolist() == [0.0, 4.0]
