"""Support: between which values each feature of the alerts lay that a model was made from, so that it says what it has not seen."""

from __future__ import annotations

from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.default_view import JUDGED_FEATURES
from features.view import FeatureView


class Support(msgspec.Struct, frozen=True):
    """The lowest and highest value of each feature, in the order of the view; ``None`` where there is nothing to be outside of.

    A feature that never had a value is none that the model looks at. Nor are those of a rule's name (an unknown rule has a reason
    of its own), or the tenant's own verdicts, which grow with the work of its analysts.
    """

    low: list[float | None]
    high: list[float | None]

    @classmethod
    def fit(cls, view: FeatureView, features: NDArray[np.float64]) -> Self:
        """Read the ranges off rows of features (n × F)."""
        watched = [not feature.identity and feature.name not in JUDGED_FEATURES for feature in view.features]
        told = np.array(watched, np.bool_) & ~np.isnan(features).all(axis=0)
        low, high = np.fmin.reduce(features, axis=0), np.fmax.reduce(features, axis=0)
        return cls(*([float(v) if t else None for v, t in zip(ends, told, strict=True)] for ends in (low, high)))

    @classmethod
    def everywhere(cls, view: FeatureView) -> Self:
        """Return the support outside of which nothing lies."""
        return cls([None] * len(view.features), [None] * len(view.features))

    def outside(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return for each row how many of its features lie outside; a missing value does not."""
        low = np.array([-np.inf if v is None else v for v in self.low])
        high = np.array([np.inf if v is None else v for v in self.high])
        return np.asarray(((features < low) | (features > high)).sum(axis=1), np.float64)
