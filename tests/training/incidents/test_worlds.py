"""Worlds as correlation sees them: the same alerts however many tenants teach, scored by models of what others said."""

from pathlib import Path

import numpy as np

from tests.training.datasets import SECRET
from training.incidents.worlds import scored_world


def test_more_tenants_teach_better_scores_of_the_same_alerts(tmp_path: Path) -> None:
    few, many = (scored_world(tmp_path, 5, 0.3, SECRET, days=15, teachers=count) for count in (0, 6))

    assert few.alerts == many.alerts
    assert few.incident == many.incident
    assert not np.isnan(many.score).any()
    assert _surprise(many.score, many.incident) < _surprise(few.score, few.incident)


def _surprise(score: np.ndarray, incident: list[str]) -> float:
    """Return the mean log loss of scores."""
    attack = np.array([bool(name) for name in incident])
    return float(-np.log(np.clip(np.where(attack, score, 1.0 - score), 1e-6, None)).mean())
