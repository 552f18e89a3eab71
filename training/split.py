"""Splits: which alerts a model may learn from, and which it is judged on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.dataset import UNLABELLED, Dataset

TIME_FOLDS = 5


class Fold(NamedTuple):
    """``train`` and ``test``: boolean masks over the alerts; ``left_out``: the tenants that the model does not know."""

    name: str
    train: NDArray[np.bool_]
    test: NDArray[np.bool_]
    left_out: list[str]


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


def leave_one_tenant_out(dataset: Dataset) -> list[Fold]:
    """Return a fold for each tenant that has labels."""
    labelled = dataset.target != UNLABELLED
    found = []
    for number, tenant in enumerate(dataset.tenants):
        own = dataset.tenant == number
        train = dataset.target[labelled & ~own]
        if (own & labelled).any() and (train == 1).any() and (train == 0).any():
            found.append(Fold(tenant, labelled & ~own, own, [tenant]))
    return found


def time_ordered(dataset: Dataset, count: int = TIME_FOLDS) -> list[Fold]:
    """Return ``count`` − 1 folds: each block of time is tested on a model of the blocks before it (see :func:`strictly_before`)."""
    labelled = dataset.target != UNLABELLED
    edges = np.quantile(spans(dataset)[0][labelled], np.linspace(0.0, 1.0, count + 1)) if labelled.any() else np.zeros(count + 1)
    found = []
    for k in range(1, count):
        fold = strictly_before(dataset, float(edges[k]), float(edges[k + 1]) if k < count - 1 else np.inf)
        both = (dataset.target[fold.train] == 1).any() and (dataset.target[fold.train] == 0).any()
        if both and fold.test.any():
            found.append(fold._replace(name=f"block {k + 1} of {count}"))
    return found


def strictly_before(dataset: Dataset, start: float, end: float) -> Fold:
    """Return the fold that tests ``start`` ≤ time < ``end`` (epoch seconds) on what was over, and judged, before ``start``.

    An incident is whole on one side: its alerts that reach into a later block than its first alert's are not trained on
    before that incident's block is past, nor tested without it.
    """
    first, last = spans(dataset)
    train = (dataset.target != UNLABELLED) & (last < start) & (dataset.label_times() < start)
    return Fold("", train, (first >= start) & (first < end), [])


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
