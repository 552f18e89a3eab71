"""Which rows are trained on, and with what weight, so that a flood teaches no more than what it floods."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.label import Label
from models.rule_encoder import RuleCount
from training.dataset import UNLABELLED, Dataset

ROWS_A_GROUP = 3
_SHOWN = 0.3
"""Share of the groups whose labels the walk lets the model see as the tenant's own: analysts judge few."""

PRINCIPAL_SHARE = 0.25
"""Most of the weight of either class that one analyst's labels may have in a model."""

SHOWN_FLOOR = 0.2
"""Labels of alerts shown with a lower probability weigh as if with this one: a few draws must not decide alone."""

FLOOD_GROUPS = 200
"""A rule that fires in more groups than this within one incident is not learned from there: hours on end of one rule were
labelled by its name, which the rule encoder learns, and teach nothing about behaviour."""


def thinned(dataset: Dataset, seed: int) -> NDArray[np.bool_]:
    """Return a mask of the labelled alerts to train on: at most ``ROWS_A_GROUP`` of each group and verdict, the first among them.

    Floods (see ``FLOOD_GROUPS``) are left out.
    """
    frame = pd.DataFrame({"group": dataset.group, "target": dataset.target})
    frame["order"] = np.random.default_rng(seed).random(len(frame))
    first = ~frame.duplicated(["group", "target"]).to_numpy()
    frame.loc[first, "order"] = -1.0
    rank = frame.groupby(["group", "target"])["order"].rank(method="first").to_numpy()
    return np.asarray((rank <= ROWS_A_GROUP) & (dataset.target != UNLABELLED) & ~floods(dataset))


def floods(dataset: Dataset) -> NDArray[np.bool_]:
    """Return which alerts belong to a flood (see ``FLOOD_GROUPS``)."""
    rows = np.flatnonzero(dataset.incident >= 0)
    frame = pd.DataFrame({"incident": dataset.incident[rows], "rule": dataset.rule[rows], "group": dataset.group[rows]})
    flooded = np.zeros(len(dataset), bool)
    flooded[rows] = frame.groupby(["incident", "rule"])["group"].transform("nunique").to_numpy() > FLOOD_GROUPS
    return flooded


def weights(dataset: Dataset, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weight of each row: one for each group, shared by its rows."""
    group = pd.Series(dataset.group[rows])
    return np.asarray(1.0 / group.groupby(group).transform("size").to_numpy(), np.float64)


def training_weights(dataset: Dataset, rows: NDArray[np.int64], trust: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
    """Return the weight of each training row: as :func:`weights`, but incidents count by the root of their number of groups.

    So one long campaign does not drown the short ones; attacks together weigh as much as they have rows. Labels count by
    their provenance, by ``trust`` f8[n] (1 if not given), and inversely by the probability of having been shown (Horvitz &
    Thompson 1952, cut off at ``SHOWN_FLOOR``), and no principal exceeds its share of either class.
    """
    known = dataset.verdicts
    weight = weights(dataset, rows) * known.weight[rows] / np.maximum(known.shown[rows], SHOWN_FLOOR)
    if trust is not None:
        weight = weight * trust[rows]
    attack = dataset.target[rows] == 1
    of_incident = pd.Series(weight[attack]).groupby(dataset.incident[rows][attack]).transform("sum").to_numpy()
    weight[attack] /= np.sqrt(np.maximum(of_incident, 1e-12))
    weight[attack] *= attack.sum() / max(weight[attack].sum(), 1e-12)
    for side in (attack, ~attack):
        weight[side] = capped(weight[side], known.principal[rows][side])
    return weight


def capped(weight: NDArray[np.float64], principal: NDArray[np.int32], share: float = PRINCIPAL_SHARE) -> NDArray[np.float64]:
    """Return the weights with those of each principal scaled down to at most ``share`` of what then is the whole.

    Of k principals none need fall below twice an equal part, 2/k: a team of a few has nobody to hold against another.
    ``principal`` −1 (nobody by themselves) is never scaled.
    """
    named = principal >= 0
    if not named.any():
        return weight
    totals = np.bincount(principal[named], weight[named])
    order = np.argsort(-totals)
    share = max(share, 2.0 / max(int((totals > 0.0).sum()), 1))
    rest = float(weight.sum())
    limit = np.inf
    for count, number in enumerate(order.tolist()):
        limit = share * rest / (1.0 - share * count) if share * count < 1.0 else np.inf
        if totals[number] <= limit:
            break
        rest -= totals[number]
    scale = np.minimum(1.0, limit / np.maximum(totals, 1e-300))
    return np.where(named, weight * scale[principal], weight)


def rule_counts(dataset: Dataset, mask: NDArray[np.bool_]) -> list[RuleCount]:
    """Return for each tenant and rule how many labelled groups there are in ``mask``, and how many of them are attacks."""
    rows = np.flatnonzero(mask & (dataset.target != UNLABELLED))
    frame = pd.DataFrame(
        {"group": dataset.group[rows], "tenant": dataset.tenant[rows], "rule": dataset.rule[rows], "target": dataset.target[rows]}
    )
    groups = frame.groupby("group", sort=False).agg({"tenant": "first", "rule": "first", "target": "max"})
    counts = groups.groupby(["tenant", "rule"])["target"].agg(["sum", "count"])
    return [
        RuleCount(dataset.tenants[t], dataset.rules[r].product, dataset.rules[r].uid, float(p), float(n))
        for (t, r), p, n in counts.itertuples()
    ]


def shown_labels(dataset: Dataset, seed: int) -> list[tuple[int, Label]]:
    """Return the labels that the training walk shows as the tenant's own.

    Labels that people gave are all shown. Of imported ones, which cover everything, only the first of some groups are: a
    model that learned with every alert judged would not know what to make of the few verdicts of real life.
    """
    imported = [item for item in dataset.labels if item[1].provenance == "import"]
    if not imported:
        return dataset.labels
    chance = np.random.default_rng(seed).random(int(dataset.group.max()) + 1) if len(dataset) else np.zeros(0)
    group_of = {
        (dataset.tenants[t], uid): g
        for t, uid, g in zip(dataset.tenant.tolist(), dataset.uids, dataset.group.tolist(), strict=True)
    }
    kept, seen = [], set()
    for item in dataset.labels:
        if item[1].provenance != "import":
            kept.append(item)
            continue
        group = group_of.get((item[1].tenant, item[1].alert_uid), -1)
        if group >= 0 and group not in seen and chance[group] < _SHOWN:
            seen.add(group)
            kept.append(item)
    return kept
