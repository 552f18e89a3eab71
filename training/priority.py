"""Learning from past incidents which of them matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

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
    """Return the logistic model of ``y`` b[n] on what incidents show, f8[n, F]."""
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=5_000)).fit(x, y)
    scale, model = fitted[0], fitted[1]
    weights = model.coef_[0] / scale.scale_
    intercept = float(model.intercept_[0] - weights @ scale.mean_)
    return PriorityModel(intercept, tuple(weights.tolist()), len(y))
