"""From a data set to a bundle: calibrate and certify on out-of-fold scores, fit on everything, write it down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.alert import Alert
from features.view import FeatureView
from models.bundle import Golden, ModelBundle, write_bundle
from models.calibration import Calibrator, priority
from models.certificate import GRID, Certificate, Objective, certify, lower_bound
from models.incidents.model import IncidentModel
from models.ledger import LabelLedger
from models.policy import Guardrails, ThresholdPolicy, effective_score
from training.dataset import UNLABELLED, Dataset
from training.fit import FitParameters, FoldModel, OutOfFold, Told, TrainingRows, fit_all, score_folds
from training.incident_model import learn_incidents, worth_learning
from training.ledger import keep_ledger
from training.split import folds
from training.trust import Trust, blind_trust, trust

ESCALATE_PRECISION = 0.9
_GOLDEN_ROWS = 256
ROUNDS = 2
"""Times that the labels of people are weighed against scores of models that have not seen them, and learned from again."""


@dataclass(frozen=True)
class Assembled:
    """A bundle on disk with what is known of it."""

    bundle: ModelBundle
    path: Path
    rows: TrainingRows
    oof: OutOfFold
    score: NDArray[np.float64]
    """Calibrated out-of-fold score of each alert; NaN where none."""
    certificate: Certificate
    trusted: Trust
    """How far each label was trusted; those likely wrong were not learned from."""


def assemble(
    dataset: Dataset,
    objective: Objective,
    parameters: FitParameters,
    out: Path,
    *,
    run: str = "",
    alerts: Callable[[], Sequence[Alert]] | None = None,
    told: Told = lambda text: None,
) -> Assembled:
    """Train on ``dataset`` and write the bundle to ``out``.

    ``alerts`` reads the data set's alerts again, in its order, for what past incidents teach; without them the defaults hold.
    With too few incidents the certificate is refused and the bundle suppresses nothing. Raises ``NotEnoughLabelsError``
    when attacks or benign alerts are missing altogether.
    """
    told("walking the facts")
    rows = TrainingRows.gather(dataset, seed=parameters.seed)
    oof, trusted, assumption = weigh_labels(rows, parameters, told)
    told("fitting on everything")
    learned = trusted.believed(dataset, dataset.target != UNLABELLED)
    model = rows.fit(learned, parameters, trust=trusted.weight)
    score = trusted.calibrator(oof.raw)
    certificate = certificate_of(dataset, oof, score, objective, assumption)
    policy = ThresholdPolicy(certificates=(certificate,), escalate_from=escalation(dataset, score))
    incidents = IncidentModel()
    if alerts is not None and worth_learning(dataset):
        told("learning from past incidents")
        incidents = learn_incidents(dataset, alerts(), score, oof.anomaly)
    card = model_card(dataset, certificate, policy, parameters, incidents)
    ledger = keep_ledger(dataset, rows.alert[learned[rows.alert]], trusted)
    digest = _write(
        out, rows, model, trusted.calibrator, policy, ledger=ledger, incidents=incidents, card=card, dataset=dataset, run=run
    )
    bundle = ModelBundle.load(out)
    assert bundle.digest == digest  # noqa: S101 — just written
    return Assembled(bundle, out, rows, oof, score, certificate, trusted)


class Weighed(NamedTuple):
    """Out-of-fold scores, how far each label can be trusted by them, and what the folds assume (``own`` or ``transferred``)."""

    oof: OutOfFold
    trusted: Trust
    assumption: str


def weigh_labels(rows: TrainingRows, parameters: FitParameters, told: Told = lambda text: None) -> Weighed:
    """Score everything out of fold and find how far each label can be trusted.

    The labels of people are weighed ``ROUNDS`` times, each time by models that have not learned from those found likely wrong.
    """
    dataset = rows.dataset
    splits, assumption = folds(dataset)
    trusted = blind_trust(dataset)
    for number in range(ROUNDS if (dataset.verdicts.principal >= 0).any() else 1):
        masks = [trusted.believed(dataset, fold.train) for fold in splits]
        models = fit_all(rows, masks, parameters, trust=trusted.weight, told=told)
        told(f"scoring out of fold, round {number + 1}")
        oof = score_folds(rows, splits, models, with_labels=assumption == "own")
        trusted = trust(dataset, oof.raw)
    return Weighed(oof, trusted, assumption)


def certificate_of(
    dataset: Dataset, oof: OutOfFold, score: NDArray[np.float64], objective: Objective, assumption: str
) -> Certificate:
    """Return the certificate of the objective, a unit for each incident, its highest alert speaking for it."""
    effective = effective_score(score, oof.evidence, Guardrails())
    rows = np.flatnonzero((dataset.incident >= 0) & oof.scored)
    units = pd.Series(effective[rows]).groupby(dataset.incident[rows]).max().to_numpy()
    ends = [
        datetime.fromtimestamp(float(t), UTC).isoformat()
        for t in (dataset.block.time.min(), min(dataset.block.time.max(), dataset.received.max()))
    ]
    return certify(np.asarray(units, np.float64), objective, unit="incident", assumption=assumption, window=(ends[0], ends[1]))


def escalation(dataset: Dataset, score: NDArray[np.float64]) -> float | None:
    """Return the lowest threshold from which groups are attacks at ``ESCALATE_PRECISION`` (lower bound, 95 %); ``None`` if there is none."""
    rows = np.flatnonzero(~np.isnan(score) & (dataset.target != UNLABELLED))
    frame = pd.DataFrame({"group": dataset.group[rows], "score": score[rows], "target": dataset.target[rows]})
    groups = frame.groupby("group").max().sort_values("score", ascending=False)
    hits, found = groups["target"].cumsum().to_numpy(), None
    ordered = groups["score"].to_numpy()
    for t in GRID[::-1]:
        above = int(np.searchsorted(-ordered, -t, side="right"))
        if above and lower_bound(above, int(hits[above - 1]), 0.05) >= ESCALATE_PRECISION:
            found = float(t)
    return found


def model_card(
    dataset: Dataset, certificate: Certificate, policy: ThresholdPolicy, parameters: FitParameters, incidents: IncidentModel
) -> str:
    """Return the model card in Markdown."""
    attacks, benign = int((dataset.target == 1).sum()), int((dataset.target == 0).sum())
    proof = (
        f"granted: at most {certificate.bound:.1%} of incidents are suppressed whole, at confidence {1 - certificate.delta:.0%} "
        f"(n = {certificate.n} incidents, k = {certificate.k} missed)"
        if policy.suppress_below is not None
        else f"refused: {certificate.missing} more incidents are needed (n = {certificate.n}); nothing is suppressed"
    )
    lines = [
        "# Model card: Tamis alert classifier",
        "",
        "Gradient-boosted trees on behaviour features as of then; scores the probability that an alert is a true positive.",
        "",
        f"- Data: {len(dataset)} alerts of {len(dataset.tenants)} tenants, {attacks} labelled attack, {benign} benign; "
        f"{len(dataset.verdicts.incidents)} incidents; {certificate.window[0]} to {certificate.window[1]}; digest `{dataset.digest[:16]}`",
        f"- Objective: {certificate.objective}",
        f"- Certificate: {proof}; assumption: {certificate.assumption}",
        f"- Escalates from: {policy.escalate_from if policy.escalate_from is not None else 'never'}",
        f"- Incidents: links learned from {incidents.links.incidents or 'no'} past incidents, priority from "
        f"{incidents.priority.incidents or 'no'} (none: the defaults)",
        f"- Parameters: `{msgspec.json.encode(parameters).decode()}`",
        "",
        "Not for: detecting on raw telemetry; tenants whose incidents differ from those above, before their own audit speaks.",
    ]
    return "\n".join(lines) + "\n"


def _write(
    out: Path,
    rows: TrainingRows,
    model: FoldModel,
    calibrator: Calibrator,
    policy: ThresholdPolicy,
    *,
    ledger: LabelLedger,
    incidents: IncidentModel,
    card: str,
    dataset: Dataset,
    run: str,
) -> str:
    golden = _golden(rows.view, rows.features, model, calibrator)
    parts = {
        "classifier.txt": model.classifier.booster_.model_to_string().encode(),
        "calibrator.json": msgspec.json.encode(calibrator),
        "encoder.json": msgspec.json.encode(model.encoder),
        "view.json": msgspec.json.encode(rows.view),
        "policy.json": msgspec.json.encode(policy),
        "golden.json": msgspec.json.encode(golden),
        "labels.json": msgspec.json.encode(ledger),
        "incidents.json": msgspec.json.encode(incidents),
        "MODEL_CARD.md": card.encode(),
    }
    certificate = policy.certificates[0]
    counts = {"attack": int((dataset.target == 1).sum()), "benign": int((dataset.target == 0).sum()), "units": certificate.n}
    return write_bundle(
        out, parts, view=rows.view.fingerprint, run=run, window=certificate.window, labels=counts, data=dataset.digest
    )


def _golden(view: FeatureView, features: NDArray[np.float64], model: FoldModel, calibrator: Calibrator) -> Golden:
    """Return rows spread over the training data, one without any value, and what they must give."""
    picked = features[np.linspace(0, len(features) - 1, min(_GOLDEN_ROWS, len(features))).astype(int)]
    given = np.vstack([picked, np.full((1, len(view.features)), np.nan)])
    raw = np.asarray(model.classifier.booster_.predict(given, raw_score=True, num_threads=1))
    score = calibrator(raw)
    shown = [[None if np.isnan(value) else float(value) for value in row] for row in given]
    return Golden(shown, raw.tolist(), score.tolist(), priority(score).tolist())
