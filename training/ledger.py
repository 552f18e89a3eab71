"""Keeping the ledger: what became of each label in a training, for the bundle to remember."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.label import Provenance
from models.ledger import LabelLedger, LeftOut, label_key
from training.dataset import Dataset
from training.sample import floods, training_weights
from training.trust import Trust


def keep_ledger(dataset: Dataset, learned: NDArray[np.int64], trusted: Trust) -> LabelLedger:
    """Return the ledger of a training on the alerts ``learned`` (rows of the data set), weighed by ``trusted``."""
    used: dict[str, float] = {}
    left_out: dict[str, LeftOut] = {}
    weight = np.full(len(dataset), np.nan)
    weight[learned] = training_weights(dataset, learned, trusted.weight)
    weight /= max(float(np.nanmean(weight)), 1e-12) if len(learned) else 1.0
    doubted, flooded = trusted.doubted, floods(dataset)
    row_of = {int(number): row for row, number in enumerate(dataset.verdicts.label.tolist()) if number >= 0}
    for number, (_, label) in enumerate(dataset.labels):
        if label.provenance is Provenance.IMPORT:
            continue
        key, row = label_key(label.tenant, label.uid), row_of.get(number, -1)
        if number in dataset.verdicts.left_out:
            left_out[key] = dataset.verdicts.left_out[number]
        elif row < 0:
            left_out[key] = LeftOut.UNKNOWN_ALERT
        elif doubted[row] and np.isnan(weight[row]):
            left_out[key] = LeftOut.LIKELY_WRONG
        elif flooded[row]:
            left_out[key] = LeftOut.FLOOD
        elif np.isnan(weight[row]):
            left_out[key] = LeftOut.REPEAT
        else:
            used[key] = round(float(weight[row]), 6)
    for label in dataset.excluded:
        left_out[label_key(label.tenant, label.uid)] = LeftOut.EXCLUDED
    return LabelLedger(used, left_out)
