"""What is worth asking a person."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from models.teaching import Candidates, Why, teach


def candidates(n: int, **given: Any) -> Candidates:
    """Return n candidates, all alike but each of its own rule and entity."""
    plain = {
        "score": np.full(n, 0.5), "rule": np.arange(n), "entity": np.arange(n), "known": np.zeros(n),
        "contested": np.zeros(n, bool), "time": np.zeros(n),
    }  # fmt: skip
    return Candidates(**{**plain, **{name: np.array(value) for name, value in given.items()}})


def asked(among: Candidates, budget: int, seed: int = 0) -> list[tuple[int, Why]]:
    index, why = teach(among, budget, np.random.default_rng(seed))
    return list(zip(index.tolist(), why, strict=True))


def chosen(among: Candidates, budget: int) -> list[int]:
    return [i for i, why in asked(among, budget) if why is not Why.RANDOM]


@given(st.integers(0, 30), st.integers(0, 40), st.integers(0, 99))
def test_no_more_than_wanted_each_once_and_the_same_again(n: int, budget: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    among = candidates(
        n, score=random.random(n), rule=random.integers(0, 3, n), entity=random.integers(0, 3, n), time=random.random(n) * 5000,
        contested=random.random(n) < 0.2,
    )  # fmt: skip
    found = asked(among, budget, seed)
    assert found == asked(among, budget, seed)
    indices = [i for i, _ in found]
    assert len(set(indices)) == len(indices) <= budget
    assert all(among.contested[i] == (why is Why.CONTESTED) for i, why in found)


def test_the_unsure_and_the_unknown_come_first() -> None:
    score = np.r_[np.full(50, 0.01), 0.5, np.nan, np.full(50, 0.99)]
    assert {50, 51} - {i for i, why in asked(candidates(102, score=score), 10) if why is Why.RANDOM} <= set(
        chosen(candidates(102, score=score), 10)[:2]
    )
    known = np.r_[np.full(20, 9.0), np.zeros(20)]
    assert min(chosen(candidates(40, known=known), 10)) >= 20


def test_one_rule_does_not_take_all() -> None:
    rule = np.r_[np.zeros(50, int), np.arange(1, 11)]
    score = np.r_[np.full(50, 0.5), np.full(10, 0.3)]
    picked = chosen(candidates(60, rule=rule, score=score), 11)
    assert Counter(rule[picked].tolist())[0] <= 2


def test_repeats_are_one_question() -> None:
    among = candidates(20, rule=np.zeros(20, int), entity=np.zeros(20, int), time=np.arange(20) * 60.0)
    assert sorted(i for i, _ in asked(among, 20)) == [0, 6, 12, 18]


def test_contested_ones_come_first() -> None:
    found = asked(candidates(20, contested=np.arange(20) == 17), 5)
    assert found[0] == (17, Why.CONTESTED)
    assert len(found) == 5
    assert asked(candidates(3, contested=np.ones(3, bool)), 2) == [(0, Why.CONTESTED), (1, Why.CONTESTED)]


def test_a_tenth_is_drawn_by_lot_at_any_place() -> None:
    among, places, lots = candidates(200), Counter[int](), Counter[bool]()
    for seed in range(300):
        found = asked(among, 50, seed)
        by_lot = [(place, i) for place, (i, why) in enumerate(found) if why is Why.RANDOM]
        assert len(by_lot) == 5
        places.update(place // 10 for place, _ in by_lot)
        lots.update(i < 100 for _, i in by_lot)
    assert min(places[part] for part in range(5)) > 200
    assert abs(lots[True] - 750) < 120
    assert len(asked(candidates(200), 3)) == 3


def test_why() -> None:
    found = dict(asked(candidates(40, score=np.r_[np.full(20, 0.5), np.full(20, 0.05)]), 40))
    assert {why for i, why in found.items() if i < 20} <= {Why.UNCERTAIN, Why.RANDOM}
    assert {why for i, why in found.items() if i >= 20} <= {Why.NOVEL, Why.RANDOM}


def test_of_very_many_as_many_are_found() -> None:
    n, random = 100_000, np.random.default_rng(1)
    among = candidates(
        n, score=random.random(n), rule=random.integers(0, 5, n), entity=random.integers(0, 50, n), time=random.random(n) * 1e8
    )
    assert len(asked(among, 500)) == 500
