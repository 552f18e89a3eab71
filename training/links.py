"""Learning from past incidents what links alerts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from features.alert import Alert
from models.incidents.correlator import Correlator
from models.incidents.link_model import DEFAULT, LinkModel, among, link_features
from models.incidents.links import Shared, Sides
from models.incidents.tokens import Resolve

ENOUGH_INCIDENTS = 50
"""Past incidents of two lines or more from which weights are learned; before, the default holds."""
BENIGN = ""
"""What is known of an alert that belongs to no incident."""


def learn_links(
    alerts: Sequence[Alert], score: NDArray[np.float64], known: Sequence[str | None], resolve: Resolve | None = None
) -> LinkModel:
    """Return the link model that past incidents teach, or the default when there are fewer than ``ENOUGH_INCIDENTS``.

    ``score`` f8[n] must come from models that had not seen the alerts. ``known``: the incident of each alert, ``BENIGN``, or
    ``None`` for an alert that nobody judged, which teaches nothing.
    """
    shared, sides, y, incidents = examples(alerts, score, known, resolve)
    if incidents < ENOUGH_INCIDENTS or not y.any() or y.all():
        return DEFAULT
    fitted = LogisticRegression(max_iter=5_000).fit(link_features(shared, sides), y)
    return LinkModel(float(fitted.intercept_[0]), tuple(fitted.coef_[0].tolist()), incidents)


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
