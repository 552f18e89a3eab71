"""Alerts with and without their entities in a simulated world: paired, and said in a table."""

from __future__ import annotations

import numpy as np
import pytest

from features.encode import VALUES
from training.behaviour.alerts_with_entities import Compared, compare, compared, report
from training.feedback.world import World
from training.fit import FitParameters
from training.simulator import simulate

SMALL = FitParameters(trees=40, learning_rate=0.15)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    place = tmp_path_factory.mktemp("entities") / "world"
    simulate(2, 30, 5, place, campaign_days=1.0, behaviour=False)
    return World.load(place, bytes(32))


def test_without_anything_known_of_entities_both_are_the_same(world: World) -> None:
    one = compared(world, 5, SMALL)
    assert (one.known, one.auc) == (0.0, 0.5)
    assert one.given == one.without
    assert all(given == without for given, without in one.tenants.values())


def test_strange_users_raise_their_alerts(world: World) -> None:
    rng = np.random.default_rng(0)
    values = world.dataset.block.values
    values[:, VALUES.index("user_anomaly")] = np.where(world.attack & (rng.random(len(values)) < 0.5), 5.0, 0.0)
    one = compared(world, 5, SMALL)
    assert one.known == 1.0
    assert one.attacks > 0.3
    assert one.benign == 0.0
    assert one.auc > 0.65
    assert one.given > one.without + 0.02


def test_a_world_is_lived_through() -> None:
    one = compare(3, tenants=2, days=12)
    assert 0.0 < one.given <= 1.0
    assert sorted(one.tenants) == ["tenant-001", "tenant-002"]


def test_the_report_says_mean_error_and_worst_tenant() -> None:
    worlds = [
        Compared(0, 0.7, 0.2, 0.01, 0.6, 0.54, 0.50, {"a": (0.6, 0.5), "b": (0.4, 0.41)}),
        Compared(1, 0.7, 0.2, 0.01, 0.6, 0.52, 0.50, {"a": (0.5, 0.45)}),
    ]
    lines = list(report(worlds))
    assert lines[-2] == "paired difference, worlds 0.0300 ± 0.0100, tenants 0.0467 ± 0.0318"
    assert lines[-1] == "2 of 3 tenants gain; worst: -0.0100, b of seed 0"
