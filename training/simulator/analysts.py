"""Analysts: they judge a part of the alerts, hours later, and are wrong now and then."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.label import Verdict
from training.simulator.world import DAY, ORIGINS, Rows

_SEEN = {"noise": 0.45, "habit": 0.3, "scanner": 0.5, "backup": 0.4, "admin": 0.5, "onboarding": 0.7, "attack": 0.9}
"""Chance that somebody judges the alerts of one rule on one host on one day, by where they come from."""
_MISSED, _CRIED, _UNSURE = 0.07, 0.01, 0.03
"""Attacks called benign; benign ones called attack; left undetermined."""
_MEDIAN_HOURS, _SPREAD = 5.0, 1.0
ANALYSTS = 6


class Verdicts(NamedTuple):
    """Which alerts (``row``) were judged, when (seconds), how, and by whom. Those of one group come at once."""

    row: NDArray[np.int64]
    time: NDArray[np.float64]
    verdict: NDArray[np.int64]
    analyst: NDArray[np.int64]


VERDICTS = tuple(Verdict)
_TRUE, _BENIGN, _FALSE, _OPEN = (
    VERDICTS.index(v) for v in (Verdict.TRUE_POSITIVE, Verdict.BENIGN_POSITIVE, Verdict.FALSE_POSITIVE, Verdict.UNDETERMINED)
)


def judge(alerts: Rows, days: int, rng: np.random.Generator) -> Verdicts:
    """Return the verdicts given before the simulation ends. A group is one rule on one host on one day, by one cause."""
    day = np.floor(alerts.time / DAY).astype(np.int64)
    keys = np.stack([alerts.rule, alerts.host, day, alerts.incident], axis=1)
    _, first, group = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    last = np.zeros(len(first))
    np.maximum.at(last, group, alerts.time)
    seen = rng.random(len(first)) < np.array([_SEEN[name] for name in ORIGINS])[alerts.origin[first]]
    time = last + 3600.0 * rng.lognormal(np.log(_MEDIAN_HOURS), _SPREAD, len(first))
    attack = alerts.incident[first] >= 0
    purposeful = np.isin(alerts.origin[first], [ORIGINS.index(name) for name in ("scanner", "backup", "admin", "onboarding")])
    truth = np.where(attack, _TRUE, np.where(purposeful, _BENIGN, _FALSE))
    slip = rng.random(len(first))
    said = np.where(attack & (slip < _MISSED), _FALSE, np.where(~attack & (slip < _CRIED), _TRUE, truth))
    said = np.where(rng.random(len(first)) < _UNSURE, _OPEN, said)
    analyst = rng.integers(0, ANALYSTS, len(first))
    row = np.flatnonzero((seen & (time < days * DAY))[group])
    return Verdicts(row, time[group[row]], said[group[row]], analyst[group[row]])
