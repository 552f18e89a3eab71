"""The pace of people, from their verdicts: which of them tell how fast people are, and how long an alert takes.

Imports carry times that a loader chose, automation and inheritance answer at once, and an account whose delay is always the
same is no person.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.label import Provenance, Verdict

VERDICTS, PROVENANCES = tuple(Verdict), tuple(Provenance)
HUMAN = PROVENANCES.index(Provenance.HUMAN)
MINUTES = 10.0
"""Minutes that a person is assumed to take for an alert where nobody's verdicts tell."""
PAUSE_SECONDS = 1800.0
"""After a longer gap between two verdicts of one person they did something else in between."""
_JUDGEMENTS, _STEADY = 30, 0.75
"""So many judgements tell a pace, if such a share of those that could follow the one before without a pause did."""
_DELAYS, _SAME = 10, 0.5
"""From so many delays on, an account most of whose delays are equal to the millisecond is a machine."""


class VerdictColumns(NamedTuple):
    """m verdicts, each that was ever given, in force or not.

    ``alert`` i8[m]: row of its alert. ``time`` f8[m]: epoch seconds. ``verdict``, ``provenance`` i8[m]: index into ``VERDICTS``
    and ``PROVENANCES``. ``analyst`` i8[m]: code, from 0, of who gave it.
    """

    alert: NDArray[np.int64]
    time: NDArray[np.float64]
    verdict: NDArray[np.int64]
    provenance: NDArray[np.int64]
    analyst: NDArray[np.int64]

    def take(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> VerdictColumns:
        """Return some of the verdicts."""
        return VerdictColumns(*(column[rows] for column in self))  # type: ignore[arg-type]


class Judgements(NamedTuple):
    """j judgements that could have followed that person's one before at once, since their first alert was already waiting.

    A judgement is what one person says at one moment. ``gap`` f8[j]: seconds since the one before. ``size`` i8[j]: its alerts.
    ``rule`` i8[j]: the rule of all of them, −1 where they differ.
    """

    gap: NDArray[np.float64]
    size: NDArray[np.int64]
    rule: NDArray[np.int64]


class Handling(msgspec.Struct, frozen=True):
    """How long a person takes for an alert: mean ``seconds`` over ``judgements`` made back to back; NaN where too few tell."""

    judgements: int
    seconds: float


def paced(received: NDArray[np.float64], verdicts: VerdictColumns) -> NDArray[np.bool_]:
    """Return which verdicts tell how fast people are, b[m]: given by a person, at an account whose delays differ.

    ``received`` f8[n]: when each alert was, epoch seconds. Alerts received together and closed together count as one delay.
    """
    human = np.flatnonzero(verdicts.provenance == HUMAN)
    since = received[verdicts.alert[human]]
    delay = np.rint((verdicts.time[human] - since) * 1000.0)
    delays = np.unique(np.column_stack([verdicts.analyst[human].astype(np.float64), delay, since]), axis=0)
    who, count = np.unique(delays[:, 0], return_counts=True)
    same, often = np.unique(delays[:, :2], axis=0, return_counts=True)
    most = np.zeros(len(who), np.int64)
    np.maximum.at(most, np.searchsorted(who, same[:, 0]), often)
    machines = who[(count >= _DELAYS) & (most > _SAME * count)]
    found = np.zeros(len(verdicts.time), bool)
    found[human] = ~np.isin(verdicts.analyst[human], machines)
    return found


def untimed(verdicts: VerdictColumns, timed: int) -> dict[str, int]:
    """Return how many verdicts tell no human pace, by why: their provenance, or a ``fixed_delay``. ``timed``: how many do."""
    counts = {p.value: int((verdicts.provenance == i).sum()) for i, p in enumerate(PROVENANCES)}
    counts["fixed_delay"] = counts.pop(Provenance.HUMAN.value) - timed
    return {why: count for why, count in counts.items() if count}


def judgements(received: NDArray[np.float64], rule: NDArray[np.int64], human: VerdictColumns) -> Judgements:
    """Return the judgements among verdicts of people. ``received`` f8[n], ``rule`` i8[n]: of the alerts."""
    if not len(human.time):
        return Judgements(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
    order = np.lexsort((human.time, human.analyst))
    alert, who, time = human.alert[order], human.analyst[order], human.time[order]
    starts = np.flatnonzero(np.append(True, (np.diff(who) != 0) | (np.diff(time) != 0.0)))
    before = np.append(-np.inf, time[starts][:-1])
    own = np.append(False, np.diff(who[starts]) == 0)
    asked = own & (np.minimum.reduceat(received[alert], starts) <= before)
    low, high = np.minimum.reduceat(rule[alert], starts), np.maximum.reduceat(rule[alert], starts)
    return Judgements(
        (time[starts] - before)[asked], np.diff(np.append(starts, len(who)))[asked], np.where(low == high, low, -1)[asked]
    )


def handling(made: Judgements) -> Handling:
    """Return how long a person takes for an alert.

    A judgement took as long as has passed since the one before, unless that was a pause. Where many wait through a pause, people
    do not work back to back, and their pace tells nothing.
    """
    done = made.gap <= PAUSE_SECONDS
    count = int(done.sum())
    if count < _JUDGEMENTS or count < _STEADY * len(made.gap):
        return Handling(count, math.nan)
    return Handling(count, float(made.gap[done].sum() / made.size[done].sum()))


def handling_by_rule(made: Judgements, count: int) -> list[Handling]:
    """Return how long a person takes for an alert of each of ``count`` rules, from judgements on that rule alone.

    Where the whole tells no pace, no part does: of many rules some look steady by chance.
    """
    done = (made.rule >= 0) & (made.gap <= PAUSE_SECONDS)
    rule, judged = made.rule[done], np.bincount(made.rule[done], minlength=count)
    alerts = np.maximum(np.bincount(rule, made.size[done], count), 1.0)
    tells = (judged >= _JUDGEMENTS) & (not math.isnan(handling(made).seconds))
    seconds = np.where(tells, np.bincount(rule, made.gap[done], count) / alerts, np.nan)
    return [Handling(*told) for told in zip(judged.tolist(), seconds.tolist(), strict=True)]
