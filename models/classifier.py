"""The alert classifier: LightGBM behind the scikit-learn interface. Training only; the service uses the bundle's booster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import lightgbm
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

ADDED_TREES, ADDED_LEAVES = 100, 4
"""Of what is learned last, on its own."""


class AlertClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Gradient-boosted trees that tell attack alerts (1) from benign ones (0).

    Missing values (NaN) are allowed and mean "not known". The same data, parameters and platform give the same trees.

    Parameters
    ----------
    trees : number of boosting rounds
    leaves : most leaves of a tree
    learning_rate : shrinkage of each round
    leaf_rows : fewest training rows in a leaf
    feature_fraction, row_fraction : share of features and rows that each tree sees
    l2 : L2 penalty on leaf values
    seed : seed of the samplings
    threads : threads to train with (prediction uses all cores)
    """

    def __init__(  # noqa: PLR0917 — scikit-learn's convention
        self,
        trees: int = 200,
        leaves: int = 15,
        learning_rate: float = 0.05,
        leaf_rows: int = 20,
        feature_fraction: float = 0.5,
        row_fraction: float = 0.8,
        l2: float = 1.0,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.trees = trees
        self.leaves = leaves
        self.learning_rate = learning_rate
        self.leaf_rows = leaf_rows
        self.feature_fraction = feature_fraction
        self.row_fraction = row_fraction
        self.l2 = l2
        self.seed = seed
        self.threads = threads

    def fit(
        self,
        X: ArrayLike,  # noqa: N803
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        feature_names: list[str] | None = None,
        added: Sequence[int] = (),
    ) -> Self:
        """Fit on features ``X`` (n × F, float, NaN allowed) and targets ``y`` (n, 0 or 1), weighted by ``sample_weight`` (n).

        ``added`` are columns that may only speak for an attack, more of them no less than less. They are learned last, in trees of
        their own: what they say is added to what all others say, and is nothing where they are 0 or not known.
        """
        X, y = validate_data(self, X, y, ensure_all_finite="allow-nan", dtype=np.float64)  # noqa: N806
        if (kind := type_of_target(y, input_name="y", raise_unknown=True)) != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        weight = None if sample_weight is None else _check_sample_weight(sample_weight, X, ensure_non_negative=True)
        self.classes_ = np.unique(y)
        if len(self.classes_) != 2:
            raise ValueError("both classes are needed: y has only one class")
        target = np.asarray(y == self.classes_[1], np.float64)
        self.booster_ = self._trained(np.asarray(X), target, weight, feature_names or "auto", added)
        return self

    def decision_function(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return the margin of each row in log-odds; higher is more likely the second class (an attack)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, ensure_all_finite="allow-nan", dtype=np.float64)  # noqa: N806
        return np.asarray(self.booster_.predict(X, raw_score=True, num_threads=0))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:  # noqa: N803
        """Return uncalibrated probabilities (n × 2): benign, attack."""
        attack = 1.0 / (1.0 + np.exp(-self.decision_function(X)))
        return np.column_stack([1.0 - attack, attack])

    def predict(self, X: ArrayLike) -> NDArray[Any]:  # noqa: N803
        """Return the likelier class of each row."""
        check_is_fitted(self)
        return np.asarray(self.classes_[(self.decision_function(X) > 0.0).astype(int)])

    def _trained(
        self,
        rows: NDArray[np.float64],
        target: NDArray[np.float64],
        weight: NDArray[np.float64] | None,
        names: Any,
        added: Sequence[int],
    ) -> lightgbm.Booster:
        last = np.isin(np.arange(rows.shape[1]), list(added))
        known = ~np.isnan(rows[:, last]).all(axis=1)
        first = np.where(last, np.nan, rows) if known.any() else rows
        booster = lightgbm.train(
            self._parameters(), lightgbm.Dataset(first, target, weight=weight, feature_name=names), self.trees
        )
        if not known.any():
            return booster
        rest, done = np.where(last, np.nan_to_num(rows), rows)[known], booster.num_trees()
        some = None if weight is None else weight[known]
        data = lightgbm.Dataset(rest, target[known], weight=some, feature_name=names)
        booster = lightgbm.train(self._parameters() | _apart(last), data, ADDED_TREES, init_model=booster)
        _from_nothing(booster, done)
        return booster

    def _parameters(self) -> dict[str, Any]:
        return {
            "objective": "binary",
            "num_leaves": self.leaves,
            "learning_rate": self.learning_rate,
            "min_data_in_leaf": self.leaf_rows,
            "feature_fraction": self.feature_fraction,
            "bagging_fraction": self.row_fraction,
            "bagging_freq": 1,
            "lambda_l2": self.l2,
            "seed": self.seed,
            "num_threads": self.threads,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.classifier_tags.multi_class = False
        return tags


def _apart(columns: NDArray[np.bool_]) -> dict[str, Any]:
    """Return the parameters of trees that look at these columns only, and rise with them."""
    return {
        "num_leaves": ADDED_LEAVES,
        "feature_fraction": 1.0,
        "bagging_freq": 0,
        "interaction_constraints": [np.flatnonzero(columns).tolist()],
        "monotone_constraints": columns.astype(int).tolist(),
    }


def _from_nothing(booster: lightgbm.Booster, first: int) -> None:
    """Shift the trees from the ``first`` on so that where their columns are 0 they add nothing."""
    for tree in booster.dump_model(start_iteration=first, num_iteration=1)["tree_info"]:
        usual = float(booster.predict(np.zeros((1, booster.num_feature())), raw_score=True, start_iteration=first)[0])
        for leaf in range(tree["num_leaves"]):
            booster.set_leaf_output(first, leaf, booster.get_leaf_output(first, leaf) - usual)
