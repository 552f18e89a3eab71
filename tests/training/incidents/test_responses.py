"""The recommended playbook against the simulator's truth, in worlds where all campaigns happen."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.playbooks.incident_type import IncidentType
from models.playbooks.loading import load_catalogue
from training.incidents.responses import Judged, by_campaign, judge, judge_worlds, share_right, true_incidents
from training.simulator import Simulated, simulate
from training.simulator.campaigns import CAMPAIGNS

WANTED = 0.90


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Simulated:
    return simulate(1, 240, 5, tmp_path_factory.mktemp("incidents") / "world")


@pytest.fixture(scope="module")
def judged(world: Simulated) -> list[Judged]:
    return judge(true_incidents(world), load_catalogue())


def test_incidents_hold_the_attackers_alerts_and_no_others(world: Simulated) -> None:
    truth = pd.read_parquet(world.truth)
    attack = truth[truth["attack"]]
    found = true_incidents(world)
    assert {one.incident.uid: one.incident.alerts for one in found} == Counter(attack["incident_uid"])
    assert {uid for one in found for line in one.incident.lines for uid in line.alert_uids} == set(attack["alert_uid"])
    assert {one.campaign for one in found} == set(CAMPAIGNS)
    for one in found:
        lines = one.incident.lines
        assert len(
            {(line.product, line.rule, line.entities, line.first.replace(minute=0, second=0, microsecond=0)) for line in lines}
        ) == len(lines)
        assert list(lines) == sorted(lines, key=lambda line: line.first)


def test_the_first_recommendation_is_one_that_the_truth_calls_for(judged: list[Judged]) -> None:
    assert len(judged) > 80
    assert share_right(judged) >= WANTED
    table = by_campaign(judged).set_index("campaign")
    assert set(table.index) == set(CAMPAIGNS)
    assert table["incidents"].sum() == len(judged)
    assert table["share"].min() > 0.5


def test_no_single_answer_would_do(judged: list[Judged]) -> None:
    slugs = {slug for one in judged for slug in one.true.right}
    best = max(sum(slug in one.true.right for one in judged) / len(judged) for slug in slugs)
    assert best < WANTED - 0.2


def test_the_measure_can_fail(judged: list[Judged]) -> None:
    wrong = [one._replace(recommended="open-ticket") for one in judged]
    assert share_right(wrong) == 0.0
    assert np.isnan(share_right([]))


def test_types_are_told_apart(judged: list[Judged]) -> None:
    assert len({one.type for one in judged}) >= 10
    assert IncidentType.UNKNOWN not in {one.type for one in judged}
    insiders = [one for one in judged if one.true.campaign == "insider-theft"]
    assert all(one.recommended == "insider-case" for one in insiders)


def test_small_worlds_of_several_seeds(tmp_path: Path) -> None:
    found = judge_worlds(tmp_path, load_catalogue(), (1, 2), tenants=1, days=30)
    assert share_right(found) >= WANTED
    assert {path.name for path in tmp_path.iterdir()} == {"seed-1", "seed-2"}
