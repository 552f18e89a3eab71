"""What a certificate promises and what then happens: each tenant left out, the certificate made from the others' units alone.

Nested: a unit's score comes from a model that has seen neither its own tenant nor the one left out. The certificate, the
calibration and the support therefore know nothing of the tenant that they are then applied to, as of one that is new.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.calibration import Calibrator
from models.certificates.certificate import GRID, Certificate
from models.certificates.certifier import certify, certify_pooled
from models.certificates.objective import Objective
from models.decision import Action
from models.policy import ACTIONS, Evidence, Guardrails, Limits, ThresholdPolicy, effective_score
from training.certification import acts, calibrate, limits_of, window
from training.dataset import UNLABELLED, Dataset
from training.fit import FitParameters, FoldModel, OutOfFold, Plan, Told, TrainingRows, fit_all, score_plans
from training.metrics import Suppression, group_scores, suppression
from training.sample import floods, weights
from training.split import Fold, labelled_outside
from training.unseen import Known

CURVE = GRID[40:281:20]
"""Thresholds of the trade-off: log-odds −10 to 2 in steps of 1."""


@dataclass(frozen=True)
class LeftOut:
    """One tenant left out: its own labelled alerts (``rows``), how they score, and what the others' certificates do to them.

    ``certificates`` are of the objective over all alerts first, then by group; ``pooled`` takes every alert group of an attack
    for a unit of its own and looks at the score alone. ``curve`` is by threshold, of the whole decision.
    """

    tenant: str
    certificates: tuple[Certificate, ...]
    hidden: Suppression
    pooled: Certificate
    pooled_hidden: Suppression
    curve: list[Suppression]


@dataclass(frozen=True)
class Nested:
    """For each tenant left out (by number): scores of it and of all others, none by a model that has seen it or their own."""

    dataset: Dataset
    headline: NDArray[np.bool_]
    scored: dict[int, OutOfFold]

    def own(self) -> OutOfFold:
        """Return the scores of each tenant by the model that has seen all others."""
        parts, tenant = list(self.scored.items()), self.dataset.tenant
        mine = [tenant == t for t, _ in parts]

        def joined(arrays: Sequence[NDArray[Any]], otherwise: float = np.nan) -> NDArray[Any]:
            return np.select(mine, arrays, otherwise)

        evidence = parts[0][1].evidence._replace(
            known_rule=joined([oof.evidence.known_rule for _, oof in parts], 0).astype(np.bool_),
            outside=joined([oof.evidence.outside for _, oof in parts]),
        )
        risk = joined([oof.rule_risk for _, oof in parts])
        return OutOfFold(joined([oof.raw for _, oof in parts]), evidence, risk, parts[0][1].anomaly)

    def others(self, tenant: int, beside: NDArray[np.bool_] | None = None) -> Others:
        """Return what may be known of the alerts of the other tenants, less those ``beside``."""
        dataset, oof = self.dataset, self.scored[tenant]
        seen = dataset.tenant != tenant
        if beside is not None:
            seen &= ~beside
        rows = np.flatnonzero(seen & oof.scored & (dataset.target != UNLABELLED) & ~floods(dataset))
        calibrator = Calibrator.fit(oof.raw[rows], dataset.target[rows], weights(dataset, rows))
        shown = replace(oof, raw=np.where(seen & self.headline, oof.raw, np.nan))
        return Others(shown, calibrator, calibrator(shown.raw))


class Others(NamedTuple):
    """Out-of-fold scores of the others' headline alerts, the calibrator that follows from the others, and what it makes of them."""

    oof: OutOfFold
    calibrator: Calibrator
    score: NDArray[np.float64]

    def certify(self, dataset: Dataset, objective: Objective, guardrails: Guardrails) -> tuple[Certificate, ...]:
        """Return the certificates that their units prove."""
        known = calibrate(dataset, self.oof, self.score, assumption="transferred", guardrails=guardrails)
        return certify(known, [objective])


def nested(rows: TrainingRows, headline: NDArray[np.bool_], parameters: FitParameters, told: Told = lambda text: None) -> Nested:
    """Fit a model without each tenant and without each two, and score all alerts for every tenant left out, in one walk."""
    dataset = rows.dataset
    tenants = sorted({int(t) for t in np.unique(dataset.tenant[dataset.incident >= 0])})
    without = sorted({(min(t, u), max(t, u)) for t in tenants for u in tenants})
    masks = [labelled_outside(dataset, left_out) for left_out in without]
    models = dict(zip(without, fit_all(rows, masks, parameters, told=told), strict=True))
    told("scoring out of fold, each tenant left out")
    plans = [_plan(dataset, t, models) for t in tenants]
    scored = dict(zip(tenants, score_plans(rows, plans, with_labels=False), strict=True))
    return Nested(dataset, headline, scored)


def _plan(dataset: Dataset, left_out: int, models: dict[tuple[int, int], FoldModel]) -> Plan:
    return [
        (Fold(labelled_outside(dataset, pair), dataset.tenant == (pair[0] if pair[1] == left_out else pair[1])), model)
        for pair, model in models.items()
        if left_out in pair
    ]


def apply(scores: Nested, objective: Objective, guardrails: Guardrails) -> list[LeftOut]:
    """Certify on the others' units for each tenant left out, and decide on its alerts by the whole policy."""
    return [_left_out(scores, tenant, objective, guardrails) for tenant in scores.scored]


def known_beside(scores: Nested, objective: Objective, guardrails: Guardrails) -> Known:
    """Return what follows from the other tenants when a kind of attack is left out of their units as well."""

    def known(tenant: int, of_kind: NDArray[np.bool_]) -> tuple[Calibrator, NDArray[np.float64]]:
        others = scores.others(tenant, of_kind)
        made = others.certify(scores.dataset, objective, guardrails)
        return others.calibrator, limits_of(scores.dataset, made).suppress_below

    return known


def _left_out(scores: Nested, tenant: int, objective: Objective, guardrails: Guardrails) -> LeftOut:
    dataset, oof = scores.dataset, scores.scored[tenant]
    others = scores.others(tenant)
    made = others.certify(dataset, objective, guardrails)
    attacks = np.flatnonzero((dataset.target == 1) & others.oof.scored)
    groups = group_scores(others.score[attacks], dataset.target[attacks], dataset.group[attacks], dataset.tenant[attacks])
    pooled = certify_pooled(groups.score, objective, unit="alert group", assumption="transferred", window=window(dataset))
    rows = np.flatnonzero((dataset.tenant == tenant) & scores.headline & oof.scored & (dataset.target != UNLABELLED))
    own, evidence = others.calibrator(oof.raw[rows]), oof.evidence.take(rows)
    limits = limits_of(dataset, made)
    whole = effective_score(own, evidence, guardrails)
    return LeftOut(
        dataset.tenants[tenant],
        made,
        _measured(dataset, rows, hidden(own, evidence, limits.take(rows), made, guardrails)),
        pooled,
        _measured(dataset, rows, own < (-np.inf if pooled.threshold is None else pooled.threshold)),
        [_measured(dataset, rows, whole < t) for t in CURVE],
    )


def hidden(
    score: NDArray[np.float64], evidence: Evidence, limits: Limits, certificates: tuple[Certificate, ...], guardrails: Guardrails
) -> NDArray[np.bool_]:
    """Return which alerts the policy suppresses."""
    policy = ThresholdPolicy(certificates=certificates, escalate_from=None, guardrails=guardrails)
    return np.asarray(policy.decide(score, evidence, limits).actions == ACTIONS.index(Action.SUPPRESS), np.bool_)


def _measured(dataset: Dataset, rows: NDArray[np.int64], suppressed: NDArray[np.bool_]) -> Suppression:
    return suppression(suppressed, dataset.target[rows], dataset.group[rows], acts(dataset)[rows])
