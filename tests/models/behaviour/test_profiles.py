"""Profiles: the same shares to the bit as by the book, whatever is asked when; what is bounded; what a snapshot does not learn."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from numpy.typing import NDArray

from models.behaviour.day import OTHER, Day
from models.behaviour.profiles import HALF_LIFE_DAYS, MAX_VALUES_OF_ACCOUNT, OWN, UNSEEN, Profiles

FIELDS = ("action", "directory", "hour", "never")


class ByTheBook:
    """Counts in dictionaries, one value after the other. All are of one tenant."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.last: dict[str, float] = defaultdict(float)
        self.count: dict[tuple[str, str, str], float] = {}
        self.everybody: dict[tuple[str, str], float] = {}
        self.total: dict[tuple[str, str], float] = defaultdict(float)
        self.of_field: dict[str, float] = defaultdict(float)
        self.origin: int | None = None

    def learn(self, day: Day) -> None:
        who = day.entity
        self.rows.setdefault(who, len(self.rows))
        self.origin = day.ordinal if self.origin is None else self.origin
        growth = 2.0 ** ((day.ordinal - self.origin) / HALF_LIFE_DAYS)
        for name in FIELDS:
            for told, weight in day.values.get(name, {}).items():
                own = sum(key[:2] == (who, name) for key in self.count)
                value = told if (who, name, told) in self.count or own < MAX_VALUES_OF_ACCOUNT else OTHER
                self.count[who, name, value] = self.count.get((who, name, value), 0.0) + weight * growth
                self.everybody[name, value] = self.everybody.get((name, value), 0.0) + weight
                self.total[who, name] += weight * growth
                self.of_field[name] += weight
        self.last[who] = max(self.last[who], day.ordinal)

    def log_share(self, day: Day, who: str) -> list[float]:
        assert self.origin is not None
        decay, out = np.exp2(np.array([(self.origin - self.last[who]) / HALF_LIFE_DAYS]))[0], []
        for name in FIELDS:
            mean = 0.0
            for value, weight in day.values.get(name, {}).items():
                total = self.total[who, name] * decay + OWN
                share = self._share(name, value)
                mean += weight * np.log(np.array([(self.count.get((who, name, value), 0.0) * decay + OWN * share) / total]))[0]
            out.append(mean)
        return out

    def log_everybody(self, day: Day) -> list[float]:
        told = {name: day.values.get(name, {}) for name in FIELDS}
        return [
            sum((weight * np.log(np.array([self._share(name, value)]))[0] for value, weight in told[name].items()), 0.0)
            for name in FIELDS
        ]

    def _share(self, name: str, value: str) -> float:
        known = sum(key[0] == name for key in self.everybody)
        return (self.everybody.get((name, value), 0.0) + UNSEEN / (known + 1)) / (self.of_field[name] + UNSEEN)


def some_day(random: np.random.Generator, ordinal: int, who: str, many: int = 6) -> Day:
    values: dict[str, dict[str, float]] = {"unheard": {"x": 1.0}}
    for name in FIELDS[: random.integers(1, 4)]:
        told = random.integers(0, 3 * many, random.integers(1, many))
        values[name] = {f"v{at}": float(random.random()) for at in told.tolist()}
    return Day("t", who, bool(random.random() < 0.1), ordinal, "", 1, values)


@pytest.mark.parametrize("seed", range(8))
def test_shares_are_those_of_the_book_to_the_bit(seed: int) -> None:
    random = np.random.default_rng(seed)
    profiles, book = Profiles(FIELDS), ByTheBook()
    for step in range(120):
        day = some_day(random, 1000 + int(random.integers(0, 300)), f"u{random.integers(0, 9)}", many=3 + 9 * (step > 60))
        profiles.learn(day)
        book.learn(day)
        if step % 10 == 9:
            asked, names = some_day(random, 1400, day.entity), list(book.rows)
            peers = np.array([row for row in random.permutation(len(names)) if names[row] != day.entity][:5], np.int64)
            own, others, everybody = profiles.log_shares(asked, day.entity, peers)
            assert own.tolist() == book.log_share(asked, day.entity)
            assert others.tolist() == [book.log_share(asked, names[row]) for row in peers]
            assert everybody.tolist() == book.log_everybody(asked)


def asked(profiles: Profiles, day: Day) -> NDArray[np.float64]:
    own, others, everybody = profiles.log_shares(day, day.entity, np.arange(1, 3))
    return np.vstack([own, others, everybody])


def test_a_snapshot_learns_nothing_and_says_what_was_known() -> None:
    random, profiles = np.random.default_rng(1), Profiles(FIELDS)
    for ordinal in range(40):
        profiles.learn(some_day(random, ordinal, f"u{ordinal % 3}"))
    day = some_day(random, 50, "u0")
    before, kept = asked(profiles, day), profiles.snapshot()
    for ordinal in range(40, 400):
        profiles.learn(some_day(random, ordinal, f"u{ordinal % 7}", many=40))
    assert not np.array_equal(asked(profiles, day), before)
    np.testing.assert_array_equal(asked(kept, day), before)
    assert kept.active_days("t", "u5") == 0


def test_a_million_distinct_values_of_one_account_are_bounded() -> None:
    profiles, book, number = Profiles(FIELDS), ByTheBook(), 0
    profiles.learn(Day("t", "bob", False, 0, "", 1, {"directory": {"0": 0.5, "far": 0.5}}))
    book.learn(Day("t", "bob", False, 0, "", 1, {"directory": {"0": 0.5, "far": 0.5}}))
    for ordinal in range(12):
        told = {str(number + at): 0.001 * (at + 1) for at in range(250)} | {"0": 0.2, "far": 0.1}
        number += 250
        day = Day("t", "ann", False, ordinal, "", 1, {"directory": told, "hour": {"9": 1.0}})
        profiles.learn(day)
        book.learn(day)
    values = len(profiles._number[FIELDS.index("directory")])
    assert values == MAX_VALUES_OF_ACCOUNT + 1
    assert OTHER in profiles._number[FIELDS.index("directory")]
    last = Day("t", "ann", False, 20, "", 1, {"directory": {OTHER: 0.5, "17": 0.25, "2999": 0.25}})
    own, others, everybody = profiles.log_shares(last, "ann", np.zeros(1, np.int64))
    assert own.tolist() == book.log_share(last, "ann")
    assert others[0].tolist() == book.log_share(last, "bob")
    assert everybody.tolist() == book.log_everybody(last)


def test_peers_are_who_is_known_on_that_day_whoever_was_asked_before() -> None:
    random, profiles = np.random.default_rng(5), Profiles(FIELDS)
    names = [f"u{n}" for n in range(30)]
    for step in range(600):
        profiles.learn(some_day(random, int(random.integers(0, 700)), names[random.integers(0, 30)]))
        if step % 20 == 0:
            ordinal = int(random.integers(300, 800))
            for who in (*names[:6], "new"):
                day = Day("t", who, False, ordinal, "", 1, {})
                fresh = profiles.snapshot().peers(day, who)
                assert profiles.peers(day, who).tolist() == fresh.tolist()
                assert profiles._row.get(("t", who), -1) not in fresh


@pytest.mark.parametrize(("accounts", "values"), [(100, 42), (100, 43), (300, 81), (1000, 81)])
def test_values_of_each_account_s_own_do_not_crowd_in_one_place(accounts: int, values: int) -> None:
    profiles = Profiles(FIELDS)
    for who in range(accounts):
        profiles.learn(Day("t", f"u{who}", False, 0, "", 1, {"directory": {f"{who}/{at}": 1.0 for at in range(values)}}))
    free = np.flatnonzero(profiles._keys < 0)
    assert len(profiles._keys) - len(free) == accounts * values
    assert np.diff(free, prepend=-1).max() < 200, "so many cells are gone through to find that an account has not a value"
