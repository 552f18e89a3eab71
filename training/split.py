"""Splits: which alerts a model may learn from, and which it is judged on."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.dataset import UNLABELLED, Dataset
from training.verdicts import both_classes

TIME_FOLDS = 5


class Fold(NamedTuple):
    """``train`` and ``test``: boolean masks over the alerts."""

    train: NDArray[np.bool_]
    test: NDArray[np.bool_]


def folds(dataset: Dataset) -> tuple[list[Fold], str]:
    """Return the folds for out-of-fold scores, and what a bound from them assumes (``own`` or ``transferred``).

    With incidents labelled in two or more tenants each tenant is left out in turn, and the bound is transferred from the
    others; else time is cut into blocks and each is scored by a model of what came before.
    """
    telling = sum(_tells(dataset, dataset.tenant == tenant) for tenant in range(len(dataset.tenants)))
    if telling >= 2:
        return leave_one_tenant_out(dataset), "transferred"
    return time_ordered(dataset), "own"


def _tells(dataset: Dataset, own: NDArray[np.bool_]) -> bool:
    """Whether a model could learn from these alerts alone: two incidents at least, and something benign."""
    return len(np.unique(dataset.incident[own & (dataset.target == 1)])) >= 2 and bool((dataset.target[own] == 0).any())


def leave_one_tenant_out(dataset: Dataset, together: int = 1) -> list[Fold]:
    """Return a fold for each tenant that has labels, or for each so many ``together``."""
    labelled = dataset.target != UNLABELLED
    owns = [dataset.tenant // together == number for number in range(-(-len(dataset.tenants) // together))]
    return usable(dataset, [Fold(labelled & ~own, own) for own in owns if (own & labelled).any()])


def time_ordered(dataset: Dataset, count: int = TIME_FOLDS) -> list[Fold]:
    """Return ``count`` − 1 folds: each block of time is tested on a model of the blocks before it (see :func:`strictly_before`)."""
    labelled = dataset.target != UNLABELLED
    if not labelled.any():
        return []
    edges = np.quantile(spans(dataset)[0][labelled], np.linspace(0.0, 1.0, count + 1)).tolist()
    return usable(dataset, strictly_before(dataset, [*edges[1:-1], np.inf]))


def strictly_before(dataset: Dataset, edges: Sequence[float]) -> list[Fold]:
    """Return a fold for each block of time between two ``edges`` (epoch seconds, ascending), the later one not included.

    It tests the block on what was over, and judged, before it begins. An incident is whole on one side: its alerts that reach
    into a later block than its first alert's are not trained on before that incident's block is past, nor tested without it.
    """
    first, last = spans(dataset)
    labelled, given = dataset.target != UNLABELLED, dataset.label_times()
    return [Fold(labelled & (last < start) & (given < start), (first >= start) & (first < end)) for start, end in pairwise(edges)]


def usable(dataset: Dataset, found: Sequence[Fold]) -> list[Fold]:
    """Return the folds that have both classes to learn from, and something to test."""
    return [fold for fold in found if both_classes(dataset.target[fold.train]) and fold.test.any()]


def spans(dataset: Dataset) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return for each alert when its incident began and ended; its own time where it has none."""
    of_one = np.flatnonzero(dataset.incident >= 0)
    incident, first = dataset.incident[of_one], dataset.block.time.copy()
    start_of, end_of = np.full(len(dataset.verdicts.incidents), np.inf), np.full(len(dataset.verdicts.incidents), -np.inf)
    np.minimum.at(start_of, incident, first[of_one])
    np.maximum.at(end_of, incident, first[of_one])
    last = first.copy()
    first[of_one], last[of_one] = start_of[incident], end_of[incident]
    return first, last


def labelled_outside(dataset: Dataset, tenants: Sequence[int]) -> NDArray[np.bool_]:
    """Return which alerts are labelled and of none of these ``tenants``."""
    return np.asarray((dataset.target != UNLABELLED) & ~np.isin(dataset.tenant, tenants))
