"""Learning from past incidents which of them matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from models.incidents.incident import Incident
from models.incidents.priority import Criticality, PriorityModel, priority_features

ENOUGH_INCIDENTS = 50
"""Past incidents of each outcome from which weights are learned; before, the default holds."""


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
    """Return the logistic model of ``y`` b[n] on what incidents show, f8[n, F], with no weight below 0: what an incident shows
    more of may be worth nothing, but never speaks against it."""
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
    return PriorityModel(float(found[0] - weights @ mean), tuple(weights.tolist()), len(y))
