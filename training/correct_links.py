"""Learning from merges and splits what links alerts: weights that are known already, moved by what analysts corrected.

Analysts correct what is wrong and leave the rest alone, so that corrections by themselves would teach to join everything, or
nothing. Beside them stand therefore the pairs that nobody corrected, each as what is known judges it (KL-divergence regularised
adaptation, Yu et al. 2013): what is common is outvoted by many corrections only, what is peculiar by few. Measured on simulated
worlds: with less weight on what nobody corrected, fifty corrections, all true, spoil what is joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from features.grouping import Correction, Judgement
from models.incidents.correlator import Correlator
from models.incidents.link_model import FEATURES, LinkModel, link_features
from models.incidents.postings import Pairs
from models.incidents.tokens import Resolve
from training.links import as_lines, nearest

ENOUGH_CORRECTIONS = 10
"""Merges and splits from which weights are moved; fewer hold where they were made, and teach nothing of other alerts."""
EVERYDAY_LINES = 5_000
"""So many lines, spread over the whole history, show what is common."""
_RIDGE = 1.0
"""Holds weights where they are: one act alone sways little."""


class Corrected(NamedTuple):
    """n pairs of lines of which people said whether they are of one incident: ``features`` f8[n, F], ``same`` b[n], ``act`` i8[n]
    which correction was the last word on each, ``key`` i8[n] what names the two lines."""

    features: NDArray[np.float64]
    same: NDArray[np.bool_]
    act: NDArray[np.int64]
    key: NDArray[np.int64]


def correct_links(
    base: LinkModel,
    corrections: Sequence[Correction],
    alerts: Sequence[Alert],
    score: NDArray[np.float64],
    resolve: Resolve | None = None,
) -> LinkModel:
    """Return ``base`` as ``corrections`` change it; ``base`` itself where fewer than ``ENOUGH_CORRECTIONS`` speak of lines that have
    something in common.

    Each act counts as one judgement, shared among its pairs; so does what ``base`` says of each pair that nobody corrected.
    ``score`` f8[n] must come from models that had not seen the ``alerts``.
    """
    if not corrections:
        return base
    correlator, lines = as_lines(alerts, score, resolve)
    line_of = {(alert.tenant, alert.uid): line for alert, line in zip(alerts, lines, strict=True)}
    told = corrected_pairs(correlator, corrections, line_of)
    acts = len(np.unique(told.act))
    if acts < ENOUGH_CORRECTIONS:
        return base
    shares = 1.0 / np.bincount(told.act)[told.act]
    everyday, each = _everyday(correlator, told.key)
    x = np.concatenate([told.features, everyday])
    target = np.concatenate([told.same.astype(np.float64), base.probability(everyday)])
    weight = np.concatenate([shares, np.full(len(everyday), each)])
    intercept, weights = nearest(base, x, target, weight, _RIDGE)
    return LinkModel(intercept, weights, base.incidents, acts)


def corrected_pairs(correlator: Correlator, corrections: Sequence[Correction], line_of: dict[tuple[str, str], int]) -> Corrected:
    """Return the pairs of lines on different parts of a correction; ``line_of`` finds the line of an alert by (tenant, uid).

    Of a pair that several acts speak of, the last is taken. Alerts that are not there say nothing.
    """
    found = [Corrected(np.empty((0, len(FEATURES))), np.empty(0, bool), np.empty(0, np.int64), np.empty(0, np.int64))]
    for number, correction in enumerate(sorted(corrections, key=lambda one: one.time)):
        part = {
            line_of[correction.tenant, uid]: side
            for side, uids in enumerate(correction.parts)
            for uid in uids
            if (correction.tenant, uid) in line_of
        }
        pairs = correlator.pairs(part)
        sides = np.array([[part.get(line, -1) for line in column.tolist()] for column in (pairs.earlier, pairs.later)], np.int64)
        across = (sides >= 0).all(axis=0) & (sides[0] != sides[1])
        spoken = link_features(pairs.shared, correlator.lines.sides(pairs.earlier, pairs.later))[across]
        together = np.full(len(spoken), correction.judgement is Judgement.TOGETHER)
        found.append(Corrected(spoken, together, np.full(len(spoken), number), _keys(pairs)[across]))
    features, same, act, key = (np.concatenate([one[i] for one in found]) for i in range(4))
    last = len(key) - 1 - np.unique(key[::-1], return_index=True)[1]
    return Corrected(features[last], same[last], act[last], key[last])


def _everyday(correlator: Correlator, corrected: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """Return pairs of lines as they come, less those ``corrected``, f8[m, F], and how many pairs each stands for."""
    kept = sorted(correlator.lines.kept)
    step = -(-len(kept) // EVERYDAY_LINES)
    pairs = correlator.pairs(kept[::step])
    others = ~np.isin(_keys(pairs), corrected)
    return link_features(pairs.shared, correlator.lines.sides(pairs.earlier, pairs.later))[others], float(step)


def _keys(pairs: Pairs) -> NDArray[np.int64]:
    return (pairs.later << 32) | pairs.earlier
