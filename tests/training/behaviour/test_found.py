"""Measures against a truth: what is found at a budget, and the false share among what was flagged."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest

from features.alert import EntityKind
from training.behaviour.found import Case, Row, cases_found, flagged, mean, share
from training.simulator.behaviour.living import SPRAYED

FIRST = date(2026, 3, 2)
TRUTH = {("eve", FIRST): "insider", ("eve", FIRST + timedelta(days=3)): "insider", ("tom", FIRST): SPRAYED}


def _rows(scores: dict[str, float], day: date) -> list[Row]:
    return [Row(entity, day, EntityKind.USER, score, math.exp(-score)) for entity, score in scores.items()]


def test_a_case_is_found_on_the_first_of_its_days_within_the_budget() -> None:
    rows = _rows({"eve": 1.0, "bob": 3.0, "ann": 2.0}, FIRST) + _rows({"eve": 9.0, "bob": 1.0}, FIRST + timedelta(days=3))
    assert cases_found(rows, TRUTH, 1) == [Case("insider", "eve", 2, 3)]
    assert cases_found(rows, TRUTH, 3) == [Case("insider", "eve", 1, 0)]
    assert cases_found(rows[:3], TRUTH, 1) == [Case("insider", "eve", 0, 0)]


def test_the_false_share_is_told_by_day_and_among_all() -> None:
    later = FIRST + timedelta(days=1)
    rows = _rows({"eve": 9.0, "bob": 9.0, "tom": 9.0, "ann": 0.1}, FIRST) + _rows({"eve": 0.1, "bob": 0.2}, later)
    got = flagged(rows, TRUTH, 0.1)
    assert got.by_day == pytest.approx(0.25)
    assert got.among_all == pytest.approx(0.5)
    assert (got.total, got.cases) == (2, 1.0)


def test_an_account_that_was_not_judged_is_not_flagged() -> None:
    assert flagged([Row("bob", FIRST, EntityKind.USER, 9.0, math.nan)], {}, 0.2).total == 0


def test_words() -> None:
    assert mean([1.0, 2.0]) == "1.500 ± 0.500"
    assert share([Case("a", "x", 2, 3), Case("a", "y", 0, 0)], lambda name: name == "a").startswith(
        "0.50 of   2  first active day 2"
    )
    assert share([Case("a", "y", 0, 0)], lambda name: name == "a") == "0.00 of   1"


def test_a_spray_is_found_at_any_account_that_was_tried_and_a_touched_host_counts_neither_way() -> None:
    truth, touched = {("eve", FIRST): "spray", ("tom", FIRST): SPRAYED}, {("pc-1", FIRST)}
    assert cases_found(_rows({"tom": 9.0, "eve": 1.0}, FIRST), truth, 1)[0].found == 1
    assert flagged([Row("pc-1", FIRST, EntityKind.HOST, 9.0, 1e-9)], truth, 0.1, touched).total == 0
    assert flagged([Row("pc-2", FIRST, EntityKind.HOST, 9.0, 1e-9)], truth, 0.1, touched).by_day == 1.0
