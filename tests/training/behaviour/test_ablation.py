"""Ablation: what a family adds is what is missed without it, and every named feature has families and a scenario that exist."""

from __future__ import annotations

import numpy as np
import pytest

from features.alert import EntityKind
from models.behaviour.day_vector import DayKey
from models.behaviour.families import FAMILIES
from training.behaviour.ablation import KNOWN_DAYS, NAMED, Added, added, ranked
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


def test_days_of_a_tenant_are_ranked_once_they_are_known() -> None:
    done = lived(build_world(0, 40, np.random.default_rng(4), 20), 4, cases={})
    days = vectors_of(done)
    one = added(days)
    assert one.excess.shape == (len(one.keys), len(FAMILIES))
    assert 0 < len(one.keys) < len(days.keys)
    earlier = [key.ordinal for key in days.keys if key.entity == one.keys[0].entity]
    assert sum(ordinal < one.keys[0].ordinal for ordinal in earlier) >= KNOWN_DAYS
