"""Calibration: from the booster's raw margin to a probability of a true positive."""

from __future__ import annotations

from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit


class Calibrator(msgspec.Struct, frozen=True):
    """``score = 1 / (1 + exp(−(slope · raw + intercept)))`` (Platt 1999): strictly increasing, so that it breaks no order.

    ``raw`` is the booster's margin in log-odds; higher is more likely an attack.
    """

    slope: float
    intercept: float

    @classmethod
    def fit(cls, raw: NDArray[np.float64], target: NDArray[np.int8] | NDArray[np.float64], weight: NDArray[np.float64]) -> Self:
        """Fit on out-of-fold margins. ``target`` 0 to 1 (a probability where it is not certain), ``weight`` ≥ 0.

        Platt's smoothed targets keep the slope finite.
        """
        positives, negatives = float((weight * target).sum()), float((weight * (1.0 - target)).sum())
        goal = target * ((positives + 1.0) / (positives + 2.0)) + (1.0 - target) / (negatives + 2.0)

        def loss(parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            z = np.exp(parameters[0]) * raw + parameters[1]
            value = float(np.sum(weight * (np.logaddexp(0.0, z) - goal * z)))
            error = weight * (expit(z) - goal)
            return value, np.array([np.sum(error * raw) * np.exp(parameters[0]), np.sum(error)])

        found = minimize(loss, np.zeros(2), jac=True, method="L-BFGS-B", bounds=[(-4.0, 4.0), (-20.0, 20.0)])
        return cls(float(np.exp(found.x[0])), float(found.x[1]))

    def __call__(self, raw: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the calibrated probability of each margin; NaN where there is none."""
        return np.asarray(expit(self.slope * raw + self.intercept), np.float64)


def priority(score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place in the queue, 0–100: 50 at even odds, 100 at 1,000 to 1 for an attack, 0 at 1,000 to 1 against."""
    clipped = np.clip(score, 1e-9, 1.0 - 1e-9)
    return np.clip(np.rint(50.0 + 50.0 * np.log10(clipped / (1.0 - clipped)) / 3.0), 0, 100).astype(np.int64)


def odds_shown(place: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the probability that a :func:`priority` tells: its inverse, but for rounding."""
    return np.asarray(expit((place - 50.0) * 3.0 * np.log(10.0) / 50.0), np.float64)
