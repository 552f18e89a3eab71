"""Insiders: judges of small simulated tenants, and the report of what they come to."""

from __future__ import annotations

import math
from datetime import date

import pytest

from features.accounts import Accounts
from models.behaviour.engine import BehaviourEngine
from models.behaviour.evidence import Weights
from models.behaviour.model import BehaviourModel
from training.behaviour.found import cases_found
from training.behaviour.insiders import World, by_chance, by_engine, by_unigrams, learned, make, measure, report


@pytest.fixture(scope="module")
def world() -> World:
    """Twenty-five people over eight weeks."""
    return make(3, staff=25, length=56)


def test_events_are_in_order_and_the_truth_is_of_their_accounts(world: World) -> None:
    assert all(a.time <= b.time for a, b in zip(world.events, world.events[1:], strict=False))
    assert world.truth
    assert set(world.truth) <= {(event.actor.uid, event.time.date()) for event in world.events}


def test_every_judge_judges_each_day_of_each_account_once(world: World) -> None:
    expected = {(event.actor.uid, event.time.date()) for event in world.events}
    for rows in (by_engine(world, BehaviourModel()), by_unigrams(world), by_chance(world, 1)):
        assert {(row.entity, row.day) for row in rows} >= expected
        assert len({(row.entity, row.day, row.kind) for row in rows}) == len(rows)
        assert all(math.isfinite(row.score) for row in rows)


def test_days_are_judged_as_the_engine_that_takes_events_judges_them(world: World) -> None:
    engine = BehaviourEngine(BehaviourModel(), accounts=Accounts(world.directory))
    engine.observe(world.events)
    live = {(one.entity, one.day, one.kind): one for one in engine.close(date(2100, 1, 1))}
    rows = by_engine(world, BehaviourModel())
    assert len(live) == len(rows)
    for row in rows:
        one = live[row.entity, row.day, row.kind]
        assert one.anomaly_score == pytest.approx(row.score, abs=1e-5)
        assert one.cold == math.isnan(row.p_value)


def test_a_budget_without_end_finds_every_case(world: World) -> None:
    cases = cases_found(by_chance(world, 1), world.truth, 10_000)
    assert cases
    assert all(case.found == 1 and case.days == 0 for case in cases)


def test_the_report_names_each_judge_and_each_scenario() -> None:
    text = report(measure(range(2), {"one": by_chance, "another": by_chance}, staff=20, length=56), 2)
    assert "one" in text
    assert "another" in text
    assert "takeover" in text
    assert "0.05" in text


def test_the_model_is_learned_from_a_tenant_of_its_own_and_judges_by_every_field_that_days_have(world: World) -> None:
    model = learned(staff=40, length=80)
    assert set(model.fields) >= {name for day in world.days for name in day.values}
    assert model.elsewhere is not None
    assert model.elsewhere != Weights.plain(model.fields)
    assert all(math.isfinite(row.score) for row in by_engine(world, model))
