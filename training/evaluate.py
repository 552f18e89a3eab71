"""Evaluation: leave one tenant out, three scorers side by side, and what a suppression would have hidden."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from features.default_view import ANOMALY_FEATURES, DEFAULT_VIEW
from features.encode import VALUES
from models.calibration import Calibrator
from models.certificates.certificate import GRID
from models.certificates.objective import DEFAULT_OBJECTIVE, Objective
from models.policy import Guardrails, effective_score
from training.certification import acts
from training.certified import LeftOut, apply, known_beside, nested
from training.dataset import UNLABELLED, Dataset, families
from training.errors import DataError
from training.fit import FitParameters, OutOfFold, Told, TrainingRows, out_of_fold
from training.metrics import (
    Suppression,
    average_precision,
    average_precision_by_tenant,
    brier,
    expected_calibration_error,
    group_scores,
    step_recall,
    suppression,
)
from training.sample import floods, weights
from training.split import leave_one_tenant_out
from training.unseen import SUPPRESS_BELOW, Known, UnseenKind, unseen_kinds

GUARDRAILS = Guardrails()
IDENTITY = "model"
NO_IDENTITY = "without rule identity"
NO_ENTITIES = "without entities' anomaly"
LOOK_UP = "look-up table"


@dataclass
class Scorer:
    """One way of scoring, with its out-of-fold scores (``raw`` orders, ``score`` is calibrated on the other tenants)."""

    name: str
    raw: NDArray[np.float64]
    score: NDArray[np.float64]
    oof: OutOfFold


@dataclass
class Quality:
    """How well a scorer does on some alerts; dictionaries are by tenant name."""

    group_ap: float
    group_ap_by: dict[str, float]
    step_recall: float
    step_recall_by: dict[str, float]
    brier: float
    calibration_error: float

    @property
    def group_ap_worst(self) -> float:
        """Of the worst tenant."""
        return min(self.group_ap_by.values(), default=float("nan"))

    @property
    def step_recall_worst(self) -> float:
        """Mean over the steps of the worst tenant."""
        return min(self.step_recall_by.values(), default=float("nan"))


@dataclass
class Evaluation:
    """Everything that ``tamis evaluate`` prints."""

    dataset: Dataset
    headline: NDArray[np.bool_]
    scorers: list[Scorer]
    quality: dict[str, Quality] = field(default_factory=dict)
    quality_all: dict[str, Quality] = field(default_factory=dict)
    suppressions: dict[str, Suppression] = field(default_factory=dict)
    zero_miss: float = 0.0
    unseen: list[UnseenKind] = field(default_factory=list)
    certified: list[LeftOut] = field(default_factory=list)
    """Each tenant left out, under the certificates of the others; and of an objective that they cannot prove (``refused``)."""
    refused: list[LeftOut] = field(default_factory=list)

    def scorer(self, name: str) -> Scorer:
        """Return the scorer of that name."""
        return next(scorer for scorer in self.scorers if scorer.name == name)


def evaluate(
    dataset: Dataset,
    parameters: FitParameters,
    *,
    leave_out_rule: str = "",
    unseen: bool = True,
    objective: Objective | None = None,
    told: Told = lambda text: None,
) -> Evaluation:
    """Leave each tenant out in turn and measure the look-up table, the model, the model without rule identity, and, where anything is
    known of entities' behaviour, the model without that.

    ``leave_out_rule``: rules whose name contains this text are left out of the headline figures (they are printed beside).
    ``objective``: certified on the other tenants' nested out-of-fold units for each tenant left out, a model for each two.

    Raises ``DataError`` where fewer than two tenants can be left out.
    """
    splits = leave_one_tenant_out(dataset)
    if len(splits) < 2:
        reason = "each tenant is left out in turn: that takes attacks and benign alerts, labelled, in two tenants at least"
        raise DataError(str(dataset.path), reason)
    rows = TrainingRows.gather(dataset, seed=parameters.seed)
    names = DEFAULT_VIEW.features
    blind = [i for i, feature in enumerate(names) if not feature.identity]
    left_out = np.array([bool(leave_out_rule) and leave_out_rule in (rule.name or rule.uid) for rule in dataset.rules])
    headline = ~left_out[dataset.rule]
    scores = nested(rows, headline, parameters, told) if objective is not None else None
    with_identity = scores.own() if scores else out_of_fold(rows, splits, parameters, with_labels=False, told=told)
    without = out_of_fold(rows, splits, parameters, with_labels=False, columns=blind, told=told)
    scorers = [
        _scorer(LOOK_UP, dataset, with_identity, np.log(with_identity.rule_risk / (1.0 - with_identity.rule_risk))),
        _scorer(IDENTITY, dataset, with_identity, with_identity.raw),
        _scorer(NO_IDENTITY, dataset, without, without.raw),
        *_without_entities(rows, parameters, told),
    ]
    result = Evaluation(dataset, headline, scorers)
    for scorer in scorers:
        result.quality[scorer.name] = measure(dataset, scorer, result.headline)
        result.quality_all[scorer.name] = measure(dataset, scorer, np.ones(len(dataset), bool))
    _measure_suppression(result, scorers[1])
    known = _known(result)
    if scores is not None and objective is not None:
        result.certified = apply(scores, objective, GUARDRAILS)
        result.refused = apply(scores, Objective.parse(DEFAULT_OBJECTIVE), GUARDRAILS)
        known = known_beside(scores, objective, GUARDRAILS)
    if unseen and dataset.verdicts.kinds:
        result.unseen = unseen_kinds(rows, headline, known, parameters, guardrails=GUARDRAILS, told=told)
    return result


def _without_entities(rows: TrainingRows, parameters: FitParameters, told: Told) -> list[Scorer]:
    dataset = rows.dataset
    if np.isnan(dataset.block.values[:, [VALUES.index(name) for name in ANOMALY_FEATURES]]).all():
        return []
    columns = [i for i, name in enumerate(DEFAULT_VIEW.names) if name not in ANOMALY_FEATURES]
    found = out_of_fold(rows, leave_one_tenant_out(dataset), parameters, with_labels=False, columns=columns, told=told)
    return [_scorer(NO_ENTITIES, dataset, found, found.raw)]


def _scorer(name: str, dataset: Dataset, oof: OutOfFold, raw: NDArray[np.float64]) -> Scorer:
    """Calibrate each tenant's scores on those of the others."""
    score = np.full(len(dataset), np.nan)
    labelled, usual = oof.scored & (dataset.target != UNLABELLED), ~floods(dataset)
    for tenant in range(len(dataset.tenants)):
        others = np.flatnonzero(labelled & usual & (dataset.tenant != tenant))
        own = oof.scored & (dataset.tenant == tenant)
        if len(others) and own.any():
            score[own] = Calibrator.fit(raw[others], dataset.target[others], weights(dataset, others))(raw[own])
    return Scorer(name, raw, score, oof)


def measure(dataset: Dataset, scorer: Scorer, mask: NDArray[np.bool_]) -> Quality:
    """Measure a scorer on the labelled alerts in ``mask``."""
    rows = np.flatnonzero(mask & (dataset.target != UNLABELLED) & scorer.oof.scored)
    target, tenant = dataset.target[rows], dataset.tenant[rows]
    groups = group_scores(scorer.raw[rows], target, dataset.group[rows], tenant)
    recalls = step_recall(scorer.raw[rows], target, dataset.incident[rows], tenant)
    owner = {int(i): int(t) for i, t in zip(dataset.incident[rows], tenant, strict=True) if i >= 0}
    by_tenant: dict[str, list[float]] = {}
    for incident, recall in recalls.items():
        by_tenant.setdefault(dataset.tenants[owner[incident]], []).append(recall)
    family = families(dataset, rows)
    calibrated = group_scores(scorer.score[rows], target, family, tenant)
    return Quality(
        average_precision(groups),
        {dataset.tenants[t]: value for t, value in average_precision_by_tenant(groups).items()},
        float(np.mean(list(recalls.values()))) if recalls else float("nan"),
        {name: float(np.mean(values)) for name, values in by_tenant.items()},
        brier(calibrated.score, calibrated.target),
        expected_calibration_error(calibrated.score, calibrated.target),
    )


def zero_miss_threshold(dataset: Dataset, score: NDArray[np.float64]) -> float:
    """Return the largest grid threshold at which nothing that a certificate counts is suppressed whole."""
    rows = np.flatnonzero((dataset.incident >= 0) & ~np.isnan(score))
    best = np.full(len(dataset.verdicts.incidents), -np.inf)
    np.maximum.at(best, acts(dataset)[rows], score[rows])
    lowest = float(best[np.isfinite(best)].min()) if np.isfinite(best).any() else 0.0
    fitting = GRID[lowest >= GRID]
    return float(fitting[-1]) if len(fitting) else 0.0


def _measure_suppression(result: Evaluation, scorer: Scorer) -> None:
    dataset, rows = result.dataset, np.flatnonzero(result.headline & (result.dataset.target != UNLABELLED) & scorer.oof.scored)
    whole = effective_score(scorer.score, scorer.oof.evidence, GUARDRAILS)
    act = acts(dataset)[rows]
    result.zero_miss = zero_miss_threshold(dataset, np.where(result.headline, scorer.score, np.nan))
    for name, score, limit in (
        (f"score < {SUPPRESS_BELOW}", scorer.score, SUPPRESS_BELOW),
        (f"score < {SUPPRESS_BELOW}, habitual only", whole, SUPPRESS_BELOW),
        ("largest threshold that loses no step", scorer.score, result.zero_miss),
        ("the same, habitual only", whole, result.zero_miss),
    ):
        result.suppressions[name] = suppression(score[rows] < limit, dataset.target[rows], dataset.group[rows], act)


def _known(result: Evaluation) -> Known:
    """Return the calibrator, and the largest threshold that loses no step, of the other tenants' alerts of other kinds."""
    dataset, ours = result.dataset, result.scorer(IDENTITY)

    def known(tenant: int, of_kind: NDArray[np.bool_]) -> tuple[Calibrator, NDArray[np.float64]]:
        others = (dataset.tenant != tenant) & ~of_kind
        rows = np.flatnonzero(others & ours.oof.scored & (dataset.target != UNLABELLED) & ~floods(dataset))
        calibrator = Calibrator.fit(ours.raw[rows], dataset.target[rows], weights(dataset, rows))
        limit = zero_miss_threshold(dataset, np.where(others & result.headline, ours.score, np.nan))
        return calibrator, np.full(len(dataset), limit)

    return known
