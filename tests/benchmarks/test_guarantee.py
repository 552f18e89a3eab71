"""A sample of the simulations: certificates keep their promise, and the anytime test fires when they cannot and hardly otherwise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from models.withdrawal import Observation, begin, step
from tests.benchmarks.anytime import Leg, course
from tests.benchmarks.guarantee import (
    HARDER,
    HONEST,
    SHAPES,
    SHIFTED,
    Kept,
    Truth,
    calibrations,
    delays,
    false_alarms,
    kept,
    operate,
    refusals,
)
from tests.benchmarks.world import Promise, World, resample

CAMPAIGNS = 4_000
RUNS = 150


@pytest.mark.parametrize(("shape", "unit"), HONEST)
def test_certificates_are_violated_no_oftener_than_they_may(shape: str, unit: str) -> None:
    world = World.make(0, CAMPAIGNS, **SHAPES[shape])
    found = kept(Truth(world, unit), 0.1, calibrations(world, unit, Promise(0.1, 0.1), RUNS))
    assert found.granted == RUNS
    assert found.violated <= binom.ppf(0.999, RUNS, 0.1)
    assert found.missed > 0.03, "what is bound to be far from its bound says nothing about it"


def test_alerts_of_one_campaign_taken_for_independent_are_a_false_proof() -> None:
    world = World.make(0, CAMPAIGNS, incidents=0.0, alerts=9.0, alike=0.95)
    found = kept(Truth(world, "alert"), 0.1, calibrations(world, "alert", Promise(0.1, 0.1), RUNS))
    assert not found.within(0.1)


def test_within_is_a_binomial_interval() -> None:
    assert Kept(1000, 1000, 63, 0.0).within(0.05)
    assert not Kept(1000, 1000, 67, 0.0).within(0.05)


def test_the_certified_score_of_a_unit_is_what_the_policy_then_does() -> None:
    world = World.make(3, 500, **SHAPES["incidents in campaigns"])
    for policy in calibrations(world, "incident", Promise(0.1, 0.1), 3):
        assert policy.suppress_below is not None
        for unit in ("alert", "incident", "campaign"):
            assert world.missed(policy, unit) == pytest.approx((world.units(unit) < policy.suppress_below).mean())


def test_nothing_is_suppressed_below_the_known_numbers_of_positives() -> None:
    found = refusals(World.make(0, CAMPAIGNS, **SHAPES["independent"]))
    assert [needed for _, needed, _, _ in found] == [299, 598, 2995]
    assert [fewer for *_, fewer, _ in found] == [0, 0, 0]
    assert all(enough > 0 for *_, enough in found)


def test_suppression_is_withdrawn_where_operation_is_not_what_was_calibrated_on() -> None:
    calibration = World.make(0, CAMPAIGNS, **SHAPES[SHIFTED])
    operation = World.make(0, CAMPAIGNS, **SHAPES[SHIFTED], harder=HARDER)
    promise = Promise(0.05, 0.05)
    policies = calibrations(calibration, "incident", promise, 10)
    assert kept(Truth(operation, "incident"), 0.05, policies).violated >= 9
    ends = [operate(operation, one, promise, rate=1.0, most=1000, seed=seed) for seed, one in enumerate(policies)]
    assert sum(end is not None for end in ends) >= 9
    calm = [operate(calibration, one, promise, rate=1.0, most=200, seed=seed) for seed, one in enumerate(policies)]
    assert sum(end is not None for end in calm) <= 2


def test_a_campaign_is_drawn_with_all_that_hangs_on_it() -> None:
    world = World.make(0, 50, **SHAPES["incidents in campaigns"])
    picked = resample(world.incident_from, 400, np.random.default_rng(0))
    times = np.bincount(picked, minlength=world.incident_from[-1])
    campaign = np.repeat(np.arange(50), np.diff(world.incident_from))
    assert all(len(set(times[campaign == number])) == 1 for number in range(50))
    assert sum(times[world.incident_from[:-1]]) == 400


@pytest.mark.parametrize(("alpha", "drawn"), [(0.05, 1.0), (0.05, 0.1), (0.01, 0.02)])
def test_the_compiled_courses_are_the_products(alpha: float, drawn: float) -> None:
    legs, compared = [Leg(300, alpha, drawn), Leg(3000, 8 * alpha, drawn)], 0
    for seed in range(5):
        fired = course(alpha, 0.05, legs, np.random.default_rng(seed))
        random, seen = np.random.default_rng(seed), []
        for leg in legs:
            suppressed = random.random(leg.length) < leg.missed
            shown = ~suppressed | (random.random(leg.length) < leg.drawn)
            seen += [Observation(missed, drawn) for missed in suppressed[shown].tolist()]
        state = step(begin(alpha, 0.05), seen)
        assert state.fired is (fired is not None)
        if fired is not None:
            assert (fired.seen, fired.audited) == (state.observed, state.suppressed)
            compared += 1
    assert compared > 0


@pytest.mark.parametrize("drawn", [1.0, 0.1])
def test_it_fires_in_vain_no_oftener_than_it_may(drawn: float) -> None:
    assert false_alarms(0.05, 0.05, drawn, 30_000, 100) <= binom.ppf(0.999, 100, 0.05)


def test_it_fires_soon_after_misses_triple() -> None:
    early, found = delays(0.05, 0.05, 1.0, 60)
    assert early <= binom.ppf(0.999, 60, 0.05)
    assert 20.0 < np.median([delay.seen for delay in found]) <= 500.0
