"""Ablation: what a family adds is what is missed without it, and every named feature has families and a scenario that exist."""

from __future__ import annotations

import math
from datetime import date, timedelta

import numpy as np
import pytest

from features.alert import EntityKind
from models.behaviour.day_vector import DayKey
from models.behaviour.families import FAMILIES
from training.behaviour.ablation import KNOWN_DAYS, NAMED, Added, added, first_over, ranked
from training.behaviour.found import Row
from training.behaviour.insiders import vectors_of
from training.simulator.behaviour.living import SCENARIOS, lived
from training.simulator.world import build_world


def test_every_named_feature_has_families_and_a_scenario() -> None:
    for named in NAMED:
        assert named.scenario in SCENARIOS
        assert named.families
        assert set(named.families) <= set(FAMILIES)


def test_a_family_left_out_adds_nothing() -> None:
    excess = np.arange(1.0, 1.0 + len(FAMILIES))[np.newaxis]
    one = Added([DayKey(20000, "t", EntityKind.USER, "ann")], excess)
    first = next(iter(FAMILIES))
    whole, less = next(ranked(one)), next(ranked(one, (first,)))
    assert whole.score - less.score == pytest.approx(1.0)
    assert (less.entity, less.day) == (whole.entity, whole.day)


def test_who_is_a_little_strange_on_all_days_is_first_over_them_and_who_was_there_once_is_not() -> None:
    days = [date(2026, 1, 1) + timedelta(days=at) for at in range(20)]
    rows = [Row(f"user{n}", day, EntityKind.USER, float(day == days[n]), math.nan) for n in range(9) for day in days]
    rows += [Row("creeper", day, EntityKind.USER, 0.5, math.nan) for day in days]
    rows += [Row("guest", days[0], EntityKind.USER, 99.0, math.nan), Row("host", days[0], EntityKind.HOST, 99.0, math.nan)]
    assert first_over(set(days), rows) == ["creeper", "user0", "user1", "user2", "user3"]


def test_days_of_a_tenant_are_ranked_once_they_are_known() -> None:
    done = lived(build_world(0, 40, np.random.default_rng(4), 20), 4, cases={})
    days = vectors_of(done)
    one = added(days)
    assert one.excess.shape == (len(one.keys), len(FAMILIES))
    assert 0 < len(one.keys) < len(days.keys)
    earlier = [key.ordinal for key in days.keys if key.entity == one.keys[0].entity]
    assert sum(ordinal < one.keys[0].ordinal for ordinal in earlier) >= KNOWN_DAYS
