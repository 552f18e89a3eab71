"""From a data set to a bundle: calibrate and certify on out-of-fold scores, fit on everything, write it down."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.alert import Alert
from features.view import FeatureView
from models.audit import Audit
from models.bundle import Golden, ModelBundle
from models.bundle_files import digests, model_digest, write_bundle
from models.calibration import Calibrator, priority
from models.certificates.bounds import lower_bound
from models.certificates.certificate import GRID, Certificate
from models.certificates.certifier import certify
from models.certificates.costs import Costs
from models.certificates.objective import Objective
from models.incidents.model import IncidentModel
from models.policy import Guardrails, ThresholdPolicy
from training.behaviour.fitting import Learned
from training.certification import calibrate
from training.dataset import UNLABELLED, Dataset
from training.fit import FitParameters, FoldModel, OutOfFold, Told, TrainingRows, fit_all, score_folds
from training.incident_model import learn_incidents, worth_learning
from training.ledger import keep_ledger
from training.model_card import model_card
from training.split import Fold, folds
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
    trusted: Trust
    """How far each label was trusted; those likely wrong were not learned from."""

    @property
    def certificate(self) -> Certificate:
        """That of suppression over all alerts."""
        return self.bundle.policy.certificates[0]


def assemble(
    dataset: Dataset,
    objectives: Sequence[Objective],
    parameters: FitParameters,
    out: Path,
    *,
    run: str = "",
    costs: Costs | None = None,
    alerts: Callable[[], Sequence[Alert]] | None = None,
    behaviour: Learned | None = None,
    told: Told = lambda text: None,
) -> Assembled:
    """Train on ``dataset`` and write the bundle to ``out``. ``objectives`` as of :func:`parse_objectives`.

    ``alerts`` reads the data set's alerts again, in its order, for what past incidents teach; without them the defaults hold.
    ``behaviour`` is what was learned of events, by which the data set's alerts know how unusual their entities were.
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
    scoring = {
        "classifier.txt": model.classifier.booster_.model_to_string().encode(),
        "calibrator.json": msgspec.json.encode(trusted.calibrator),
        "encoder.json": msgspec.json.encode(model.encoder),
        "support.json": msgspec.json.encode(model.support),
        "view.json": msgspec.json.encode(rows.view),
        **(behaviour.model.to_files() if behaviour else {}),
    }
    guardrails, audit = Guardrails(), Audit(rule=1.0)
    calibration = calibrate(
        dataset, oof, score, assumption=assumption, guardrails=guardrails, model=model_digest(digests(scoring))
    )
    policy = ThresholdPolicy(
        certificates=certify(calibration, objectives, audit.rate), escalate_from=escalation(dataset, score),
        guardrails=guardrails, audit=audit, costs=costs,
    )  # fmt: skip
    incidents = IncidentModel()
    if alerts is not None and worth_learning(dataset):
        told("learning from past incidents")
        incidents = learn_incidents(dataset, alerts(), score, oof.anomaly)
    card = model_card(dataset, policy, parameters, incidents, behaviour.card if behaviour else ())
    judging = {
        "policy.json": msgspec.json.encode(policy),
        "units.json": msgspec.json.encode(calibration),
        "golden.json": msgspec.json.encode(_golden(rows.view, rows.features, model, trusted.calibrator)),
        "labels.json": msgspec.json.encode(keep_ledger(dataset, rows.alert[learned[rows.alert]], trusted)),
        "incidents.json": msgspec.json.encode(incidents),
        "MODEL_CARD.md": card.encode(),
    }
    counts = {"attack": int((dataset.target == 1).sum()), "benign": int((dataset.target == 0).sum())}
    counts["units"] = len(calibration.incidents)
    digest = write_bundle(
        out, scoring | judging, view=rows.view.fingerprint, run=run, window=calibration.window, labels=counts, data=dataset.digest
    )
    bundle = ModelBundle.load(out)
    assert bundle.digest == digest  # noqa: S101 — just written
    return Assembled(bundle, out, rows, oof, score, trusted)


class Weighed(NamedTuple):
    """Out-of-fold scores, how far each label can be trusted by them, and what the folds assume (``own`` or ``transferred``)."""

    oof: OutOfFold
    trusted: Trust
    assumption: str


def weigh_labels(
    rows: TrainingRows, parameters: FitParameters, told: Told = lambda text: None, others: list[Fold] | None = None
) -> Weighed:
    """Score everything out of fold and find how far each label can be trusted. ``others``: folds of other tenants to do it by.

    The labels of people are weighed ``ROUNDS`` times, each time by models that have not learned from those found likely wrong.
    """
    dataset = rows.dataset
    splits, assumption = folds(dataset) if others is None else (others, "transferred")
    trusted = blind_trust(dataset)
    for number in range(ROUNDS if (dataset.verdicts.principal >= 0).any() else 1):
        masks = [trusted.believed(dataset, fold.train) for fold in splits]
        models = fit_all(rows, masks, parameters, trust=trusted.weight, told=told)
        told(f"scoring out of fold, round {number + 1}")
        oof = score_folds(rows, splits, models, with_labels=assumption == "own")
        trusted = trust(dataset, oof.raw)
    return Weighed(oof, trusted, assumption)


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


def _golden(view: FeatureView, features: NDArray[np.float64], model: FoldModel, calibrator: Calibrator) -> Golden:
    """Return rows spread over the training data, one without any value, and what they must give."""
    picked = features[np.linspace(0, len(features) - 1, min(_GOLDEN_ROWS, len(features))).astype(int)]
    given = np.vstack([picked, np.full((1, len(view.features)), np.nan)])
    raw = np.asarray(model.classifier.booster_.predict(given, raw_score=True, num_threads=1))
    score = calibrator(raw)
    shown = [[None if np.isnan(value) else float(value) for value in row] for row in given]
    return Golden(shown, raw.tolist(), score.tolist(), priority(score).tolist())
