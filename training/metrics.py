"""How quality is measured: pure functions of scores, targets and groups."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score

FALSE_POSITIVES = 0.01
CALIBRATION_BINS = 15


class GroupScores(NamedTuple):
    """One row for each group of alerts: its highest score, whether any alert is an attack, its tenant."""

    score: NDArray[np.float64]
    target: NDArray[np.int8]
    tenant: NDArray[np.int32]

    def take(self, index: NDArray[np.int64]) -> GroupScores:
        """Return some of the groups."""
        return GroupScores(self.score[index], self.target[index], self.tenant[index])


def group_scores(
    score: NDArray[np.float64], target: NDArray[np.int8], group: NDArray[np.int64], tenant: NDArray[np.int32]
) -> GroupScores:
    """Aggregate alerts to groups."""
    frame = pd.DataFrame({"score": score, "target": target, "group": group, "tenant": tenant})
    found = frame.groupby("group").agg({"score": "max", "target": "max", "tenant": "first"})
    return GroupScores(found["score"].to_numpy(), found["target"].to_numpy(), found["tenant"].to_numpy())


def average_precision(groups: GroupScores) -> float:
    """Return average precision over groups; NaN without an attack."""
    return float(average_precision_score(groups.target, groups.score)) if groups.target.any() else float("nan")


def average_precision_by_tenant(groups: GroupScores) -> dict[int, float]:
    """Return average precision of each tenant that has an attack."""
    found = {}
    for tenant in np.unique(groups.tenant):
        own = groups.tenant == tenant
        if groups.target[own].any():
            found[int(tenant)] = average_precision(GroupScores(groups.score[own], groups.target[own], groups.tenant[own]))
    return found


def step_recall(
    score: NDArray[np.float64], target: NDArray[np.int8], incident: NDArray[np.int32], tenant: NDArray[np.int32]
) -> dict[int, float]:
    """Return for each incident the share of its alerts above its tenant's own 99 % quantile of benign alerts."""
    found: dict[int, float] = {}
    for number in np.unique(tenant):
        own = tenant == number
        benign = score[own & (target == 0)]
        if not len(benign):
            continue
        limit = np.quantile(benign, 1.0 - FALSE_POSITIVES)
        attack = own & (incident >= 0)
        above = pd.Series(score[attack] > limit).groupby(incident[attack]).mean()
        found |= dict(zip(above.index.to_numpy().tolist(), above.to_numpy().tolist(), strict=True))
    return found


def brier(score: NDArray[np.float64], target: NDArray[np.int8]) -> float:
    """Return the mean squared error of the probabilities."""
    return float(np.mean((score - target) ** 2))


def expected_calibration_error(score: NDArray[np.float64], target: NDArray[np.int8]) -> float:
    """Return the mean gap between score and share of attacks over ``CALIBRATION_BINS`` bins of equal mass."""
    order = np.argsort(score, kind="stable")
    parts = [part for part in np.array_split(order, CALIBRATION_BINS) if len(part)]
    return float(sum(len(p) * abs(score[p].mean() - target[p].mean()) for p in parts) / len(score))


class Suppression(NamedTuple):
    """What a suppression does: shares of benign and attack alerts and groups, and how many incidents it hides whole."""

    benign_alerts: float
    benign_groups: float
    attack_alerts: float
    attack_groups: float
    lost: int
    incidents: int


def suppression(
    suppressed: NDArray[np.bool_], target: NDArray[np.int8], group: NDArray[np.int64], incident: NDArray[np.integer[Any]]
) -> Suppression:
    """Measure ``suppressed`` (a flag for each alert); a group or incident is suppressed when all of it is."""
    frame = pd.DataFrame({"s": suppressed, "y": target == 1, "g": group})
    groups = frame.groupby("g").agg({"s": "min", "y": "max"})
    attack = incident >= 0
    lost = pd.Series(suppressed[attack]).groupby(incident[attack]).min()
    return Suppression(
        float(suppressed[target == 0].mean()) if (target == 0).any() else float("nan"),
        float(groups.loc[~groups["y"], "s"].mean()) if (~groups["y"]).any() else float("nan"),
        float(suppressed[target == 1].mean()) if (target == 1).any() else float("nan"),
        float(groups.loc[groups["y"], "s"].mean()) if groups["y"].any() else float("nan"),
        int(lost.sum()),
        len(lost),
    )
