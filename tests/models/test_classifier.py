"""The classifier: a scikit-learn estimator, the same trees for the same data."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.utils.estimator_checks import estimator_checks_generator

from models.classifier import AlertClassifier

SMALL = AlertClassifier(trees=60, leaf_rows=1, learning_rate=0.2, feature_fraction=1.0, row_fraction=1.0, threads=1)


CHECKS = [pair for pair in estimator_checks_generator(SMALL) if "array_api" not in str(pair[1])]
"""All of scikit-learn's checks; LightGBM takes numpy arrays, so that for other array libraries would only skip."""


@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=[str(check) for _, check in CHECKS])
def test_the_classifier_is_a_scikit_learn_estimator(estimator: Any, check: Callable[[Any], None]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        check(estimator)


def _data(n: int = 500) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    rows = np.random.default_rng(1).normal(0.0, 1.0, (n, 6))
    rows[::7, 2] = np.nan
    return rows, (rows[:, 0] + rows[:, 1] > 0.5).astype(np.int8)


def test_the_same_data_and_seed_give_the_same_trees() -> None:
    rows, target = _data()
    model = AlertClassifier(trees=20, seed=3)
    texts = [clone(model).fit(rows, target).booster_.model_to_string() for _ in range(2)]
    assert texts[0] == texts[1]
    assert AlertClassifier(trees=20, seed=4).fit(rows, target).booster_.model_to_string() != texts[0]


def test_missing_values_are_allowed_and_infinite_ones_refused() -> None:
    rows, target = _data()
    model = AlertClassifier(trees=5).fit(rows, target)
    assert np.isfinite(model.predict_proba(np.full((2, 6), np.nan))).all()
    rows[0, 0] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        model.fit(rows, target)


def test_one_class_only_is_refused() -> None:
    rows, _ = _data()
    with pytest.raises(ValueError, match="both classes"):
        AlertClassifier().fit(rows, np.zeros(len(rows)))


def test_margin_probability_and_class_agree() -> None:
    rows, target = _data()
    model = AlertClassifier(trees=30).fit(rows, target)
    margin, probability = model.decision_function(rows), model.predict_proba(rows)
    assert np.allclose(probability.sum(axis=1), 1.0)
    assert ((margin > 0.0) == (probability[:, 1] > 0.5)).all()
    assert (model.predict(rows) == model.classes_[(margin > 0.0).astype(int)]).all()
    assert (model.predict(rows) == target).mean() > 0.9


def test_rows_without_weight_teach_nothing() -> None:
    rows, target = _data()
    weight = np.where(np.arange(len(rows)) % 2 == 0, 1.0, 0.0)
    lies = np.where(weight > 0.0, target, 1 - target)
    model = AlertClassifier(trees=60, row_fraction=1.0).fit(rows, lies, sample_weight=weight)
    assert (model.predict(rows) == target).mean() > 0.85


def test_names_of_features_reach_the_booster() -> None:
    rows, target = _data()
    names = [f"f{i}" for i in range(6)]
    assert AlertClassifier(trees=2).fit(rows, target, feature_names=names).booster_.feature_name() == names
