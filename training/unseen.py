"""Kinds of attack never seen: a tenant and a kind left out of training together, the kind out of the counters, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibrator
from models.policy import Guardrails, effective_score
from training.dataset import Dataset
from training.fit import FitParameters, Plan, Told, TrainingRows, fit_all, score_plans
from training.metrics import suppression
from training.split import Fold, labelled_outside

SUPPRESS_BELOW = 0.05


@dataclass
class UnseenKind:
    """A kind of attack left out of training, in the tenant left out: recall at ``SUPPRESS_BELOW``, and whether it is lost whole,
    there, at the threshold in force by the score alone, and by the whole decision, which hides ``benign_groups`` of the others."""

    tenant: str
    kind: str
    recall: float
    lost: bool
    lost_by_score: bool
    lost_whole: bool
    benign_groups: float


Known = Callable[[int, NDArray[np.bool_]], tuple[Calibrator, NDArray[np.float64]]]
"""From a tenant left out and a kind's alerts: the calibrator and the threshold of each alert, f8[n], that follow from everything else."""


def unseen_kinds(
    rows: TrainingRows,
    headline: NDArray[np.bool_],
    known: Known,
    parameters: FitParameters,
    *,
    guardrails: Guardrails,
    told: Told = lambda text: None,
) -> list[UnseenKind]:
    """Leave each kind and each tenant that has it out together; all are scored in one walk over the facts as they were."""
    dataset, found = rows.dataset, []
    kinds = [(kind, _tenants(dataset, (dataset.kind == kind) & headline)) for kind in range(len(dataset.verdicts.kinds))]
    kinds = [(kind, tenants) for kind, tenants in kinds if tenants]
    plans = [_plan(rows, kind, tenants, parameters, told) for kind, tenants in kinds]
    told("scoring kinds never seen")
    for (kind, tenants), oof in zip(kinds, score_plans(rows, plans, with_labels=False), strict=True):
        for tenant in tenants:
            calibrator, limit = known(tenant, dataset.kind == kind)
            own = np.flatnonzero((dataset.tenant == tenant) & headline)
            score = calibrator(oof.raw[own])
            whole = effective_score(score, oof.evidence.take(own), guardrails)
            found.append(_measured(dataset, own, kind, (score, whole, limit[own])))
    return found


def _tenants(dataset: Dataset, of: NDArray[np.bool_]) -> list[int]:
    return sorted({int(t) for t in dataset.tenant[of]})


def _plan(rows: TrainingRows, kind: int, tenants: list[int], parameters: FitParameters, told: Told) -> Plan:
    """Fit a model without the kind for each tenant left out."""
    dataset = rows.dataset
    told(f"unseen kind: {dataset.verdicts.kinds[kind]}")
    kept = dataset.without(dataset.kind == kind)
    gathered = TrainingRows.gather(kept, rows.view, parameters.seed)
    models = fit_all(gathered, [labelled_outside(kept, [t]) for t in tenants], parameters)
    return [(Fold(labelled_outside(dataset, [t]), dataset.tenant == t), model) for t, model in zip(tenants, models, strict=True)]


def _measured(dataset: Dataset, own: NDArray[np.int64], kind: int, scores: tuple[NDArray[np.float64], ...]) -> UnseenKind:
    score, whole, limit = scores
    attack = dataset.kind[own] == kind
    hidden = suppression(whole < limit, dataset.target[own], dataset.group[own], dataset.incident[own])
    return UnseenKind(
        dataset.tenants[int(dataset.tenant[own[0]])],
        dataset.verdicts.kinds[kind],
        float((score[attack] >= SUPPRESS_BELOW).mean()),
        bool((score[attack] < SUPPRESS_BELOW).all()),
        bool((score < limit)[attack].all()),
        bool((whole < limit)[attack].all()),
        hidden.benign_groups,
    )
