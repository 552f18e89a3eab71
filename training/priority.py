"""Learning from past incidents which of them matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from models.calibration import Calibrator
from models.incidents.incident import Incident
from models.incidents.priority import Criticality, PriorityModel, priority_features
from training.correlate import Correlated

ENOUGH_INCIDENTS = 50
"""Past incidents of each outcome from which weights are learned; before, the default holds."""
_FOLDS = 5


def outcomes(found: Correlated, attack: NDArray[np.bool_], judged: NDArray[np.bool_]) -> dict[str, bool]:
    """Return for each shown incident of which an alert was ``judged`` b[n] whether any of these was an ``attack`` b[n]."""
    said: dict[str, bool] = {}
    for i in np.flatnonzero(found.raised & judged).tolist():
        name = found.names[found.incident[i]]
        said[name] = said.get(name, False) or bool(attack[i])
    return said


def learn_priority(
    incidents: Sequence[Incident], attack: Mapping[str, bool], default: PriorityModel, criticality: Criticality | None = None
) -> PriorityModel:
    """Return the priority model that past incidents teach, or ``default`` where too few of either outcome are known.

    ``attack`` says for the uid of an incident that was judged whether it was one; others teach nothing.
    """
    judged = [incident for incident in incidents if incident.uid in attack]
    y = np.array([attack[incident.uid] for incident in judged], bool)
    if min(int(y.sum()), int((~y).sum())) < ENOUGH_INCIDENTS:
        return default
    return fit_priority(np.stack([priority_features(incident, criticality) for incident in judged]), y)


def fit_priority(x: NDArray[np.float64], y: NDArray[np.bool_]) -> PriorityModel:
    """Return the logistic model of ``y`` b[n] on what incidents show, f8[n, F], calibrated as scores of alerts are: on margins
    that each fifth of the incidents was given by a model of the others (Platt 1999).

    A straight line through margins leaves a logistic model one, so it goes into the weights.
    """
    fold, margin = _folds(y), np.zeros(len(y))
    for number in range(_FOLDS):
        out = fold == number
        intercept, weights = _logistic(x[~out], y[~out])
        margin[out] = intercept + x[out] @ weights
    calibrator = Calibrator.fit(margin, y.astype(np.float64), np.ones(len(y)))
    intercept, weights = _logistic(x, y)
    told = calibrator.slope * weights
    return PriorityModel(calibrator.slope * intercept + calibrator.intercept, tuple(told.tolist()), len(y))


def _folds(y: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Shuffle the incidents of either outcome, always alike, and deal them out."""
    fold, chance = np.zeros(len(y), np.int64), np.random.default_rng(0)
    for outcome in (False, True):
        mine = chance.permutation(np.flatnonzero(y == outcome))
        fold[mine] = np.arange(len(mine)) % _FOLDS
    return fold


def _logistic(x: NDArray[np.float64], y: NDArray[np.bool_]) -> tuple[float, NDArray[np.float64]]:
    """Return intercept and weights of the logistic model of ``y`` on ``x`` with no weight below 0: what an incident shows more of
    may be worth nothing, but never speaks against it."""
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-9)
    columns = np.hstack([np.ones((len(x), 1)), (x - mean) / scale])
    sign = np.where(y, 1.0, -1.0)

    def loss(w: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = sign * (columns @ w)
        slope = columns.T @ (-sign * expit(-margin))
        slope[1:] += w[1:]
        return float(np.logaddexp(0.0, -margin).sum() + 0.5 * (w[1:] @ w[1:])), slope

    bounds = [(None, None), *[(0.0, None)] * x.shape[1]]
    found = minimize(loss, np.zeros(columns.shape[1]), jac=True, method="L-BFGS-B", bounds=bounds).x
    weights = found[1:] / scale
    return float(found[0] - weights @ mean), weights
