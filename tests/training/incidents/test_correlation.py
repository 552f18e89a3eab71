"""Correlation measured on a small world whose truth is known: better than the simple ways, and never of benign alerts mostly."""

from __future__ import annotations

import numpy as np
import pytest

from models.playbooks.loading import load_catalogue
from tests.training.datasets import SECRET
from training.correlate import Correlated, correlate
from training.incidents import responses
from training.incidents.appraisal import appraise
from training.incidents.correlation import Told, World, judge, retell, tables
from training.incidents.losses import losses
from training.incidents.responses import share_right, true_incidents
from training.incidents.worlds import Scored, scored_world
from training.metrics import expected_calibration_error


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Scored:
    return scored_world(tmp_path_factory.mktemp("world"), 5, 1.0, SECRET, days=40, teachers=0)


@pytest.fixture(scope="module")
def found(world: Scored) -> Correlated:
    return correlate(world.alerts, world.score, world.resolve, anomaly=world.anomaly)


@pytest.fixture(scope="module")
def told(world: Scored, found: Correlated) -> Told:
    return retell(world, found)


def test_it_beats_grouping_by_gaps_and_by_host_and_day(world: Scored, found: Correlated) -> None:
    joined = judge(world, found)
    assert joined.ours > max(joined.gap, joined.host_day)
    assert joined.ours > 0.75
    assert joined.benign < 0.2
    assert joined.held > 0.7


def test_what_is_joined_can_be_told(told: Told) -> None:
    assert told.incidents > 50
    assert min(told.entry, told.edges, told.playbook) > 0.6


def test_playbooks_are_also_judged_on_the_true_incidents(world: Scored, found: Correlated, told: Told) -> None:
    assert told.truth == share_right(responses.judge(true_incidents(world.simulated), load_catalogue())) > 0.85
    nothing = Correlated(found.incident, found.names, np.zeros(len(found.incident), bool), {})
    assert (retell(world, nothing).incidents, retell(world, nothing).truth) == (0, told.truth)


def test_the_truth_itself_is_perfect(world: Scored) -> None:
    names, code = np.unique(world.incident, return_inverse=True)
    true = Correlated(code.astype(np.int64), [str(name) for name in names], np.array([bool(name) for name in world.incident]), {})
    joined = judge(world, true)
    assert (joined.ours, joined.strict, joined.held, joined.benign, joined.shown) == (1.0, 1.0, 1.0, 0.0, joined.true)


def test_what_was_measured_is_printed(world: Scored, found: Correlated, told: Told) -> None:
    parts = judge(world, found), told, appraise(world, found), losses(world, found)
    printed = tables([World(1.0, 5, len(world.alerts), *parts)])
    for table in printed:
        assert {len(row) for row in table.rows} == {len(table.columns)}
        assert table.rows[0][0] == "noise × 1.0, seed 5"
    assert [len(table.rows) for table in printed] == [1, 1, 1, 2], "the last one also tells of all worlds together"


def test_the_priority_of_an_incident_can_be_believed_more_than_its_highest_alert(world: Scored, found: Correlated) -> None:
    said = appraise(world, found)
    attack = np.array(said.attack, np.int8)
    assert 0 < attack.sum() < len(attack)
    ours, highest = (expected_calibration_error(np.array(score), attack) for score in (said.score, said.highest))
    assert ours < 0.1
    assert ours < highest


def test_what_correlation_hears_of_surprise_is_kept(world: Scored, found: Correlated) -> None:
    bits = [line.anomaly for incident in found.incidents.values() for line in incident.lines]
    assert min(bits) >= 0.0
    assert max(bits) <= world.anomaly.max()
    assert np.mean(bits) > 0.0
