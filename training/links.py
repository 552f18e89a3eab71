"""Learning from past incidents what links alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

from features.alert import Alert
from models.incidents.correlator import Correlator
from models.incidents.link_model import DEFAULT, LinkModel, among, link_features
from models.incidents.links import Shared, Sides
from models.incidents.tokens import Resolve

ENOUGH_INCIDENTS = 50
"""Past incidents of two lines or more from which weights are learned; before, the default holds."""
_RIDGE = 10.0
"""Holds weights at the default: what few incidents say nothing of is not unlearned. From many it makes no difference."""
BENIGN = ""
"""What is known of an alert that belongs to no incident."""


def learn_links(
    alerts: Sequence[Alert], score: NDArray[np.float64], known: Sequence[str | None], resolve: Resolve | None = None
) -> LinkModel:
    """Return what past incidents make of the default link model, or the default when there are fewer than ``ENOUGH_INCIDENTS``.

    ``score`` f8[n] must come from models that had not seen the alerts. ``known``: the incident of each alert, ``BENIGN``, or
    ``None`` for an alert that nobody judged, which teaches nothing.
    """
    shared, sides, y, incidents = examples(alerts, score, known, resolve)
    if incidents < ENOUGH_INCIDENTS or not y.any() or y.all():
        return DEFAULT
    x = link_features(shared, sides)
    return LinkModel(*nearest(DEFAULT, x, y.astype(np.float64), np.ones(len(x)), _RIDGE), incidents)


def nearest(
    base: LinkModel, x: NDArray[np.float64], target: NDArray[np.float64], weight: NDArray[np.float64], ridge: float
) -> tuple[float, tuple[float, ...]]:
    """Return intercept and weights of the logistic model nearest to ``base`` that gives pairs ``x`` f8[n, F] their ``target`` f8[n],
    as far as each weighs. ``ridge`` holds them where they are, in units of what a standard deviation of a feature adds."""
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    columns = np.hstack([np.ones((len(x), 1)), (x - mean) / scale])
    known = base.intercept + x @ np.asarray(base.weights)

    def loss(change: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margin = known + columns @ change
        slope = columns.T @ (weight * (expit(margin) - target)) + ridge * change
        return float(weight @ (np.logaddexp(0.0, margin) - target * margin) + 0.5 * ridge * (change @ change)), slope

    found = minimize(loss, np.zeros(columns.shape[1]), jac=True, method="L-BFGS-B").x
    change = found[1:] / scale
    return float(base.intercept + found[0] - change @ mean), tuple((np.asarray(base.weights) + change).tolist())


class Examples(NamedTuple):
    """n pairs of lines of which it is known whether both are of one incident: what is ``shared`` by them, their ``sides``, the
    answer ``same`` b[n], and how many ``incidents`` have a pair."""

    shared: Shared
    sides: Sides
    same: NDArray[np.bool_]
    incidents: int


def examples(
    alerts: Sequence[Alert], score: NDArray[np.float64], known: Sequence[str | None], resolve: Resolve | None = None
) -> Examples:
    """Return the pairs of lines that past incidents tell something of; arguments as for :func:`learn_links`."""
    correlator, lines = as_lines(alerts, score, resolve)
    incident: dict[int, str] = {}
    for number, name in zip(lines, known, strict=True):
        if name is not None:
            incident[number] = incident.get(number) or name
    pairs = correlator.pairs(incident)
    names = np.array(sorted(set(incident.values()) | {BENIGN}), object)
    code = {name: place for place, name in enumerate(names)}
    numbers = np.full(max(correlator.lines.kept, default=0) + 1, -1, np.int64)
    numbers[list(incident)] = [code[name] for name in incident.values()]
    earlier, later = numbers[pairs.earlier], numbers[pairs.later]
    judged = (earlier >= 0) & (later >= 0)
    same = (earlier == later) & (earlier != code[BENIGN])
    shared, sides = among(judged, pairs.shared, correlator.lines.sides(pairs.earlier, pairs.later))
    return Examples(shared, sides, same[judged], len(np.unique(earlier[judged & same])))


def as_lines(alerts: Sequence[Alert], score: NDArray[np.float64], resolve: Resolve | None = None) -> tuple[Correlator, list[int]]:
    """Return a correlator that holds all of the alerts, nothing forgotten, and the line of each."""
    correlator = Correlator(DEFAULT, resolve)
    return correlator, [correlator.add(alert, chance) for alert, chance in zip(alerts, score.tolist(), strict=True)]
