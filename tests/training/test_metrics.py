"""The measures, against small cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from training.metrics import (
    average_precision,
    average_precision_by_tenant,
    brier,
    expected_calibration_error,
    group_scores,
    step_recall,
    suppression,
)

SCORE = np.array([0.9, 0.1, 0.8, 0.2, 0.3])
TARGET = np.array([1, 0, 0, 1, 0], np.int8)
GROUP = np.array([0, 0, 1, 2, 3])
TENANT = np.array([0, 0, 0, 1, 1], np.int32)


def test_a_group_takes_its_highest_score_and_any_attack() -> None:
    groups = group_scores(SCORE, TARGET, GROUP, TENANT)
    assert groups.score.tolist() == [0.9, 0.8, 0.2, 0.3]
    assert groups.target.tolist() == [1, 0, 1, 0]


def test_average_precision_is_that_of_the_ranking() -> None:
    groups = group_scores(SCORE, TARGET, GROUP, TENANT)
    assert average_precision(groups) == pytest.approx((1.0 + 2.0 / 4.0) / 2.0)
    assert average_precision_by_tenant(groups) == {0: pytest.approx(1.0), 1: pytest.approx(0.5)}


def test_average_precision_without_an_attack_is_not_a_number() -> None:
    assert np.isnan(average_precision(group_scores(SCORE, TARGET * 0, GROUP, TENANT)))


def test_step_recall_counts_alerts_above_the_tenants_own_benign_quantile() -> None:
    score = np.concatenate([np.linspace(0.0, 0.5, 200), [0.6, 0.1]])
    target = np.array([0] * 200 + [1, 1], np.int8)
    incident = np.array([-1] * 200 + [7, 7], np.int32)
    assert step_recall(score, target, incident, np.zeros(202, np.int32)) == {7: 0.5}


def test_suppression_of_a_group_or_incident_means_all_of_it() -> None:
    incident = np.array([5, -1, -1, 6, -1], np.int32)
    found = suppression(SCORE < 0.25, TARGET, GROUP, incident)
    assert found.benign_alerts == pytest.approx(1 / 3)
    assert found.benign_groups == 0.0
    assert found.attack_groups == 0.5
    assert (found.lost, found.incidents) == (1, 2)


def test_perfect_probabilities_have_no_error() -> None:
    target = np.array([0, 1, 1, 0], np.int8)
    assert brier(target.astype(float), target) == 0.0
    assert expected_calibration_error(target.astype(float), target) == 0.0
