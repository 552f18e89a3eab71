"""Challenger and champion on the same later window, of which neither has seen what it is judged on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.label import Label
from models.bundle import ModelBundle
from training.dataset import UNLABELLED, Dataset
from training.fit import FitParameters, Told, TrainingRows, fit_all, score_folds
from training.metrics import GroupScores, average_precision, group_scores
from training.sample import shown_labels
from training.split import Fold, strictly_before, usable
from training.trust import Trust
from training.verdicts import both_classes
from training.walk import walk

BLOCKS = 3
LEAST_LABELS = 20
"""Labelled alerts of a group, both kinds among them, from which on the two are compared on it."""
_RESAMPLES = 2000
_SURE = 0.01
"""Chance, over all groups together, that one is called worse by accident of which alerts there were."""


@dataclass(frozen=True)
class Comparison:
    """Average precision of both on one group of the later window; ``worse`` if the challenger's is lower beyond chance."""

    group: str
    labels: int
    challenger: float
    champion: float
    worse: bool

    def __str__(self) -> str:
        """Say it in words."""
        return f"average precision {self.challenger:.3f} against the champion's {self.champion:.3f} on {self.group} ({self.labels} labels)"


def compare_later(
    rows: TrainingRows,
    trusted: Trust,
    champion: ModelBundle,
    parameters: FitParameters,
    *,
    tolerance: float,
    told: Told = lambda text: None,
) -> list[Comparison]:
    """Compare on the labelled alerts after the champion's window: all, each tenant, each product. Empty when there are too few.

    The challenger speaks by models of the same making, each trained strictly before the block of the window that it scores,
    on labels given by then.
    """
    dataset = rows.dataset
    end = champion.manifest.end
    later = (dataset.block.time > end) & (dataset.target != UNLABELLED) & ~trusted.doubted
    if not enough(dataset, later):
        return []
    told("comparing with the champion on the later window")
    splits = _blocks(dataset, later)
    models = fit_all(rows, [trusted.believed(dataset, fold.train) for fold in splits], parameters, trust=trusted.weight)
    ours = score_folds(rows, splits, models, with_labels=True).raw
    theirs = champion_scores(dataset, later, champion, shown_labels(dataset, 0))
    seen = later & ~np.isnan(ours)
    if not enough(dataset, seen):
        return []
    groups = [("the later window", seen)]
    groups += [(f"tenant {name}", seen & (dataset.tenant == number)) for number, name in enumerate(dataset.tenants)]
    products = np.array([rule.product for rule in dataset.rules])[dataset.rule]
    groups += [(f"product {name}", seen & (products == name)) for name in sorted(set(products[seen].tolist()))]
    groups = [(name, mask) for name, mask in groups if enough(dataset, mask)]
    sure = _SURE / len(groups)
    return [
        _compared(dataset, name, np.flatnonzero(mask), (ours, theirs), tolerance=tolerance, sure=sure) for name, mask in groups
    ]


def enough(dataset: Dataset, mask: NDArray[np.bool_]) -> bool:
    """Return whether the alerts in ``mask`` allow a comparison."""
    return bool(mask.sum() >= LEAST_LABELS) and both_classes(dataset.target[mask])


def champion_scores(
    dataset: Dataset, wanted: NDArray[np.bool_], champion: ModelBundle, labels: list[tuple[int, Label]] | None = None
) -> NDArray[np.float64]:
    """Return the champion's margin of each alert in ``wanted`` as of then, NaN for the others.

    ``labels``: those that the counters are told of; all of the data set's if not given.
    """
    raw = np.full(len(dataset), np.nan)
    for walked in walk(dataset, dataset.timeline(labels), champion.view, champion.encoder):
        inside = np.flatnonzero(wanted[walked.alert])
        raw[walked.alert[inside]] = champion.raw(walked.features[inside])
    return raw


def _blocks(dataset: Dataset, later: NDArray[np.bool_]) -> list[Fold]:
    edges = np.quantile(dataset.block.time[later], np.linspace(0.0, 1.0, BLOCKS + 1))
    edges[-1] += 1.0
    return usable(dataset, strictly_before(dataset, edges.tolist()))


def _compared(
    dataset: Dataset,
    name: str,
    rows: NDArray[np.int64],
    both: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    tolerance: float,
    sure: float,
) -> Comparison:
    """Compare on ``rows``; worse only if a bootstrap over alert groups (Efron 1979) leaves no doubt (``sure``: Bonferroni's share)."""
    new, old = (group_scores(raw[rows], dataset.target[rows], dataset.group[rows], dataset.tenant[rows]) for raw in both)
    challenger, champion = average_precision(new), average_precision(old)
    worse = False
    if challenger < champion - tolerance:
        rng = np.random.default_rng(0)
        lost = [_difference(new, old, rng.integers(0, len(new.score), len(new.score))) for _ in range(_RESAMPLES)]
        worse = float(np.mean(np.array(lost) <= 0.0)) < sure
    return Comparison(name, len(rows), challenger, champion, worse)


def _difference(new: GroupScores, old: GroupScores, drawn: NDArray[np.int64]) -> float:
    if not new.target[drawn].any():
        return 0.0
    return average_precision(old.take(drawn)) - average_precision(new.take(drawn))
