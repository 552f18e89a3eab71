"""The classifier: a scikit-learn estimator, the same trees for the same data."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from itertools import pairwise
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


@pytest.mark.parametrize(("estimator", "check"), CHECKS, ids=[check.func.__name__ for _, check in CHECKS])
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


def _behaviour(rows: NDArray[np.float64], target: NDArray[np.int8]) -> NDArray[np.float64]:
    """Return the rows with two columns more: one high for half of the attacks, one that says nothing; both not known of some."""
    rng = np.random.default_rng(2)
    telling = np.where((target == 1) & (rng.random(len(rows)) < 0.5), rng.uniform(1.0, 6.0, len(rows)), 0.0)
    known = np.column_stack([rows, telling, rng.exponential(1.0, len(rows))])
    known[::3, 6:] = np.nan
    known[1::9, 7] = np.nan
    return known


def test_what_is_added_only_raises_and_nothing_where_it_is_0_or_not_known() -> None:
    rows, target = _data(2000)
    known = _behaviour(rows, target)
    model = AlertClassifier(trees=30).fit(known, target, sample_weight=np.linspace(0.1, 1.0, len(rows)), added=(6, 7))
    unknown, usual = known.copy(), known.copy()
    unknown[:, 6:], usual[:, 6:] = np.nan, 0.0
    without = AlertClassifier(trees=30).fit(unknown, target, sample_weight=np.linspace(0.1, 1.0, len(rows)))
    margins = [without.decision_function(unknown)]
    assert np.allclose(model.decision_function(unknown), margins[0], rtol=0.0, atol=1e-12)
    assert (model.decision_function(usual) == model.decision_function(unknown)).all()
    for bits in (1.0, 2.0, 4.0, 8.0):
        usual[:, 6] = bits
        margins.append(model.decision_function(usual))
    assert all((more >= less - 1e-12).all() for less, more in pairwise(margins))
    assert (margins[-1] > margins[0] + 1.0).all()
    assert np.ptp(margins[-1] - margins[0]) == pytest.approx(0.0, abs=1e-9)


def test_where_nothing_is_known_of_what_is_added_the_trees_are_as_without_it() -> None:
    rows, target = _data()
    unknown = np.column_stack([rows, np.full((len(rows), 2), np.nan)])
    model = AlertClassifier(trees=20).fit(unknown, target, added=(6, 7))
    without = AlertClassifier(trees=20).fit(rows, target)
    assert (model.decision_function(unknown) == without.decision_function(rows)).all()
    assert model.booster_.model_to_string() == AlertClassifier(trees=20).fit(unknown, target).booster_.model_to_string()


def test_what_was_given_to_learn_from_is_not_changed() -> None:
    rows, target = _data()
    known = _behaviour(rows, target)
    before = known.copy()
    AlertClassifier(trees=3).fit(known, target, added=(6, 7))
    np.testing.assert_array_equal(known, before)
