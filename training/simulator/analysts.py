"""Analysts: they look at a part of the alerts, in their shifts, hours later, and are wrong as often as people are."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.label import Verdict
from training.simulator.rows import DAY, HOUR


class Analyst(NamedTuple):
    """``start``, ``hours``: the shift (UTC); ``weekends``: whether they work on them; ``errors``: share of cases judged wrong."""

    name: str
    start: float
    hours: float
    weekends: bool
    errors: float


_TEAM = (
    Analyst("analyst-1", 6.0, 8.0, True, 0.08),
    Analyst("analyst-2", 7.0, 8.0, False, 0.12),
    Analyst("analyst-3", 9.0, 8.0, False, 0.15),
    Analyst("analyst-4", 12.0, 9.0, False, 0.18),
    Analyst("analyst-5", 14.0, 9.0, False, 0.21),
    Analyst("analyst-6", 20.0, 8.0, True, 0.28),
)
ANALYSTS: tuple[str, ...] = tuple(analyst.name for analyst in _TEAM)
ERROR_RATES: NDArray[np.float64] = np.array([analyst.errors for analyst in _TEAM])
"""Share of wrong verdicts of each analyst; .17 in the mean, as measured on people."""
_UNDETERMINED = 0.03
_MEDIAN_HOURS, _SPREAD = 2.0, 0.9
BUDGET = 50.0
"""Cases that a SOC without Tamis looks at on a working day, for each tenant; a third of it on weekends."""
_WEEKEND = 1 / 3
_LEAST = 0.25
"""Least interest in a case, so that anything may be looked at."""

VERDICTS = tuple(Verdict)
_TRUE, _BENIGN, _FALSE, _OPEN = (
    VERDICTS.index(v) for v in (Verdict.TRUE_POSITIVE, Verdict.BENIGN_POSITIVE, Verdict.FALSE_POSITIVE, Verdict.UNDETERMINED)
)


class Verdicts(NamedTuple):
    """Which alerts (``row``) were judged, when (seconds), how (index into ``VERDICTS``), and by whom (into ``ANALYSTS``)."""

    row: NDArray[np.int64]
    time: NDArray[np.float64]
    verdict: NDArray[np.int64]
    analyst: NDArray[np.int64]

    def before(self, end: float) -> Verdicts:
        """Return those given before ``end`` (seconds)."""
        given = self.time < end
        return Verdicts(self.row[given], self.time[given], self.verdict[given], self.analyst[given])


def judge(
    attack: NDArray[np.bool_],
    on_purpose: NDArray[np.bool_],
    case: NDArray[np.int64],
    shown_time: NDArray[np.float64],
    rng: np.random.Generator,
) -> Verdicts:
    """Return a verdict for each of n alerts; those of one ``case`` get the same, at one time, from one analyst.

    A case is an attack if any of its alerts is, else on purpose if any is. It comes up at the latest ``shown_time`` (seconds
    since a Monday, midnight UTC) of its alerts.
    """
    _, of = np.unique(case, return_inverse=True)
    count = int(of.max(initial=-1)) + 1
    is_attack, is_purpose, shown = np.zeros(count, bool), np.zeros(count, bool), np.full(count, -np.inf)
    np.logical_or.at(is_attack, of, attack)
    np.logical_or.at(is_purpose, of, on_purpose)
    np.maximum.at(shown, of, shown_time)
    analyst = rng.integers(0, len(_TEAM), count)
    time = _on_shift(shown + HOUR * rng.lognormal(np.log(_MEDIAN_HOURS), _SPREAD, count), analyst, rng)
    wrong = rng.random(count) < ERROR_RATES[analyst]
    benign = np.where(is_purpose, _BENIGN, _FALSE)
    said = np.where(is_attack != wrong, _TRUE, benign)
    said = np.where(rng.random(count) < _UNDETERMINED, _OPEN, said)
    return Verdicts(np.arange(len(case), dtype=np.int64), time[of], said[of], analyst[of])


def _on_shift(time: NDArray[np.float64], analyst: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return ``time`` where the analyst is at work then, else a moment in the first two hours of their next shift."""
    start = np.array([a.start for a in _TEAM])[analyst] * HOUR
    length = np.array([a.hours for a in _TEAM])[analyst] * HOUR
    weekends = np.array([a.weekends for a in _TEAM])[analyst]
    day = np.floor((time - start) / DAY)
    on = (time - start - day * DAY < length) & (weekends | (day % 7 < 5))
    later = day + 1.0
    later = np.where(~weekends & (later % 7 >= 5), later + 7.0 - later % 7, later)
    return np.where(on, time, later * DAY + start + rng.uniform(0.0, 2.0 * HOUR, len(time)))


def chance_shown(
    severity: NDArray[np.int64], idle_days: NDArray[np.float64], day: NDArray[np.int64], budget: float = BUDGET
) -> NDArray[np.float64]:
    """Return for each of n cases the chance that somebody looks at it, in (0, 1].

    ``severity`` 0–5; ``idle_days``: since the same rule fired on the same entity before (inf if never). On each ``day``
    (0 is a Monday) the chances add up to the budget, or to all cases if there are fewer.
    """
    novelty = 1.0 - np.exp(-idle_days / 5.0)
    interest = _LEAST + novelty + np.maximum(severity - 1.0, 0.0) ** 1.5 / 2.0
    chance = np.ones(len(day))
    for number in np.unique(day):
        own = day == number
        chance[own] = _filled(interest[own], budget * (_WEEKEND if number % 7 >= 5 else 1.0))
    return chance


def _filled(interest: NDArray[np.float64], budget: float) -> NDArray[np.float64]:
    """Return chances in proportion to ``interest``, none above 1, that add up to ``budget``."""
    chance = np.ones(len(interest))
    certain = np.zeros(len(interest), bool)
    while not certain.all():
        left = max(budget - certain.sum(), 1e-3)
        chance[~certain] = interest[~certain] * left / interest[~certain].sum()
        if not (chance[~certain] > 1.0).any():
            break
        certain |= chance >= 1.0
        chance[certain] = 1.0
    return chance
