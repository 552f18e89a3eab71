"""Detectors taken over as plain arrays score as the libraries that fitted them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest

from training.behaviour.detectors import exported, filled, fit_forest, medians

NAMES = ("a", "b", "c", "d", "e")


def rows(count: int = 2000, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.column_stack(
        [
            rng.lognormal(size=count),
            rng.normal(size=count),
            rng.integers(0, 3, count),
            np.zeros(count),
            rng.normal(size=count) * 1e9,
        ]
    )


@pytest.mark.parametrize(("max_features", "count"), [(1.0, 2000), (0.6, 2000), (1.0, 3)])
def test_the_arrays_score_as_scikit_learn_does(max_features: float, count: int) -> None:
    x = rows(count)
    fitted = IsolationForest(n_estimators=50, max_features=max_features, random_state=1).fit(x)
    forest = exported(fitted, NAMES, medians(x))
    for other in (x, rows(5000, seed=1), rows(10, seed=2) * 1e6):
        assert np.abs(forest.anomaly_score(other) + fitted.score_samples(other)).max() < 1e-9


def test_a_fit_is_deterministic_and_fills_what_is_missing_with_medians() -> None:
    x = rows()
    x[::3, 1] = np.nan
    forest = fit_forest(x, NAMES, trees=20)
    assert forest.to_bytes() == fit_forest(x, NAMES, trees=20).to_bytes()
    assert forest.anomaly_score(x).tolist() == forest.anomaly_score(filled(x, medians(x))).tolist()
    assert medians(np.full((3, 1), np.nan)).tolist() == [0.0]
