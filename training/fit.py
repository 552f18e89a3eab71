"""Fitting: training rows from one walk, a model for each fold, out-of-fold scores from a second walk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import msgspec
import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from features.default_view import ANOMALY_FEATURES, DEFAULT_VIEW, JUDGED_FEATURES
from features.encode import FactBlock
from features.view import FeatureView
from models.classifier import AlertClassifier
from models.errors import NotEnoughLabelsError
from models.evidence import anomaly, evidence
from models.policy import Evidence
from models.rule_encoder import RuleEncoder, RuleTable, encode_rules
from models.support import PACE, Support, SupportTable
from training.dataset import Dataset
from training.sample import rule_counts, shown_labels, thinned, training_weights
from training.split import Fold
from training.walk import Walked, walk

BLIND_WEIGHT, SEEING_WEIGHT = 1.0, 0.5
"""Each training row is learned from twice: without the tenant's own verdicts and events, as a new tenant looks, and with them."""

Told = Callable[[str], None]


class FitParameters(msgspec.Struct, frozen=True, kw_only=True):
    """What can be tuned; logged to MLflow as it is."""

    trees: int = 200
    leaves: int = 15
    learning_rate: float = 0.05
    leaf_rows: int = 20
    feature_fraction: float = 0.3
    row_fraction: float = 0.7
    l2: float = 5.0
    seed: int = 0

    def classifier(self) -> AlertClassifier:
        """Return an unfitted classifier."""
        return AlertClassifier(**msgspec.structs.asdict(self))


@dataclass
class TrainingRows:
    """The thinned rows of a data set with their features as of then; encodings are put in for each fold."""

    dataset: Dataset
    view: FeatureView
    alert: NDArray[np.int64]
    features: NDArray[np.float64]
    block: FactBlock
    pace: NDArray[np.float64]
    """Of every alert of the data set, f8[n] (see :mod:`models.support`)."""

    @classmethod
    def gather(cls, dataset: Dataset, view: FeatureView = DEFAULT_VIEW, seed: int = 0) -> TrainingRows:
        """Walk the data set once and keep the rows to train on."""
        mask = thinned(dataset, seed)
        alerts, features, blocks, pace = [], [], [FactBlock.empty()], np.full(len(dataset), np.nan)
        timeline = dataset.timeline(shown_labels(dataset, seed))
        for walked in walk(dataset, timeline, view, _NOTHING):
            keep = np.flatnonzero(mask[walked.alert])
            pace[walked.alert] = walked.features[:, view.index(PACE)]
            alerts.append(walked.alert[keep])
            features.append(walked.features[keep])
            blocks.append(walked.block.take(keep).narrow())
        return cls(dataset, view, np.concatenate(alerts), np.concatenate(features), FactBlock.concat(blocks), pace)

    def fit(
        self,
        train: NDArray[np.bool_],
        parameters: FitParameters,
        columns: Sequence[int] | None = None,
        trust: NDArray[np.float64] | None = None,
    ) -> FoldModel:
        """Fit on the gathered rows that lie in ``train``, each label counting by its ``trust`` f8[n] (1 if not given).

        Raises ``NotEnoughLabelsError`` when one class is missing.
        """
        encoder = RuleEncoder.fit(rule_counts(self.dataset, train))
        rows = np.flatnonzero(train[self.alert])
        target = self.dataset.target[self.alert[rows]]
        positives = int((target == 1).sum())
        if positives == 0 or positives == len(target):
            raise NotEnoughLabelsError(positives, len(target) - positives)
        table = RuleTable(encoder, self.dataset.encoder.rules, self.dataset.encoder.tenants)
        encodings, _ = table.read(self.block.take(rows))
        seeing = encode_rules(self.view, self.features[rows], encodings)
        used = list(columns) if columns is not None else list(range(len(self.view.features)))
        names = [self.view.features[c].name for c in used]
        weight = training_weights(self.dataset, self.alert[rows], trust)
        classifier = parameters.classifier().fit(
            np.concatenate([blinded(self.view, seeing), seeing])[:, used],
            np.concatenate([target, target]),
            sample_weight=np.concatenate([weight * BLIND_WEIGHT, weight * SEEING_WEIGHT]),
            feature_names=names,
            added=[names.index(name) for name in ANOMALY_FEATURES if name in names],
        )
        return FoldModel(encoder, classifier, table, used, self.support(train))

    def support(self, train: NDArray[np.bool_]) -> Support:
        """Return how fast the rules fired among all alerts in ``train``, the thinned ones, too."""
        dataset, rows = self.dataset, np.flatnonzero(train)
        return Support.fit(dataset.rules, dataset.rule[rows], dataset.target[rows], self.pace[rows])


@dataclass(frozen=True)
class FoldModel:
    """A fitted classifier with the encoder and the support that belong to it, and the columns that it looks at."""

    encoder: RuleEncoder
    classifier: AlertClassifier
    table: RuleTable
    columns: list[int]
    support: Support

    def raw(
        self, view: FeatureView, features: NDArray[np.float64], block: FactBlock
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return margins of alerts whose features were walked without encodings, and whether their rules are known."""
        encodings, known = self.table.read(block)
        return self.classifier.decision_function(encode_rules(view, features, encodings)[:, self.columns]), known

    def reach(self, view: FeatureView, features: NDArray[np.float64], block: FactBlock) -> NDArray[np.float64]:
        """Return how far each alert lies outside of what the model was made from."""
        return SupportTable(self.support, self.table.rules).read(block, features[:, view.index(PACE)])


_NOTHING = RuleEncoder(0.5, {})


def blinded(view: FeatureView, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return ``features`` as they would be if the tenant had never given a verdict nor sent an event."""
    changed = features.copy()
    changed[:, [view.index(name) for name in ANOMALY_FEATURES if name in view.names]] = np.nan
    for name in JUDGED_FEATURES:
        if name in view.names:
            column = changed[:, view.index(name)]
            column[~np.isnan(column)] = 0.0
    return changed


@dataclass
class OutOfFold:
    """Scores that no model gave to what it had learned from. ``raw`` f8[n] is NaN where no fold tested; ``evidence`` likewise.
    ``anomaly`` f8[n]: surprise in bits (see :func:`models.bundle.anomaly`), which no model is needed for."""

    raw: NDArray[np.float64]
    evidence: Evidence
    rule_risk: NDArray[np.float64]
    """The look-up baseline: the rule's share of attacks in the training folds."""
    anomaly: NDArray[np.float64]

    @property
    def scored(self) -> NDArray[np.bool_]:
        """Which alerts have a score."""
        return ~np.isnan(self.raw)


def out_of_fold(
    rows: TrainingRows,
    folds: Sequence[Fold],
    parameters: FitParameters,
    *,
    with_labels: bool,
    columns: Sequence[int] | None = None,
    told: Told = lambda text: None,
) -> OutOfFold:
    """Fit a model for each fold and score what it leaves out, in a second walk over everything.

    ``with_labels``: the tested alerts see their tenant's own earlier verdicts (as a tenant that has given some does).
    """
    models = fit_all(rows, [fold.train for fold in folds], parameters, columns, told=told)
    told("scoring out of fold")
    return score_folds(rows, folds, models, with_labels=with_labels)


def fit_all(
    rows: TrainingRows,
    masks: Sequence[NDArray[np.bool_]],
    parameters: FitParameters,
    columns: Sequence[int] | None = None,
    *,
    trust: NDArray[np.float64] | None = None,
    told: Told = lambda text: None,
) -> list[FoldModel]:
    """Fit a model on each mask, as many at once as there are cores: one thread a model wastes less than many for one."""
    done = Parallel(n_jobs=-1, prefer="threads", return_as="generator")(
        delayed(rows.fit)(mask, parameters, columns, trust) for mask in masks
    )
    models = []
    for number, model in enumerate(done, 1):
        told(f"fitted {number} of {len(masks)} models")
        models.append(model)
    return models


def score_folds(rows: TrainingRows, folds: Sequence[Fold], models: Sequence[FoldModel], *, with_labels: bool) -> OutOfFold:
    """Walk everything once more and score each fold's test alerts with its model."""
    return score_plans(rows, [list(zip(folds, models, strict=True))], with_labels=with_labels)[0]


Plan = Sequence[tuple[Fold, FoldModel]]
"""Which model scores which alerts; no alert is tested twice in one plan."""


def score_plans(rows: TrainingRows, plans: Sequence[Plan], *, with_labels: bool) -> list[OutOfFold]:
    """Score each plan's test alerts, all in one walk."""
    dataset, view = rows.dataset, rows.view
    n = len(dataset)
    found = [_Scored.empty(n) for _ in plans]
    gathered, surprise = [np.full(n, np.nan) for _ in Evidence._fields], np.zeros(n)
    anywhere = SupportTable(Support({}), dataset.encoder.rules)
    timeline = dataset.timeline(shown_labels(dataset, 0) if with_labels else [])
    for walked in walk(dataset, timeline, view, _NOTHING):
        for plan, scored in zip(plans, found, strict=True):
            for fold, model in plan:
                scored.take(view, walked, np.flatnonzero(fold.test[walked.alert]), model)
        seen = evidence(view, walked.features, walked.block, walked.known_rule, anywhere)
        for array, values in zip(gathered, seen, strict=True):
            array[walked.alert] = values
        surprise[walked.alert] = anomaly(view, walked.features)
    common = Evidence(*gathered)
    return [OutOfFold(s.raw, common._replace(known_rule=s.known, outside=s.outside), s.risk, surprise) for s in found]


@dataclass
class _Scored:
    """What depends on the model, f8[n] or b[n]."""

    raw: NDArray[np.float64]
    risk: NDArray[np.float64]
    outside: NDArray[np.float64]
    known: NDArray[np.bool_]

    @classmethod
    def empty(cls, n: int) -> Self:
        return cls(np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan), np.zeros(n, bool))

    def take(self, view: FeatureView, walked: Walked, inside: NDArray[np.int64], model: FoldModel) -> None:
        """Score the walked alerts at ``inside``."""
        if not len(inside):
            return
        at, block, features = walked.alert[inside], walked.block.take(inside).narrow(), walked.features[inside]
        self.raw[at], self.known[at] = model.raw(view, features, block)
        self.risk[at] = model.table.read(block)[0][:, 0]
        self.outside[at] = model.reach(view, features, block)
