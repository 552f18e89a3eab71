"""Further scenarios, made after the others were frozen: for features that all others are found without. No world holds them unasked."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from training.simulator.behaviour.catalogue import DO
from training.simulator.behaviour.deeds import Deeds
from training.simulator.behaviour.scenarios import Make
from training.simulator.behaviour.stage import Stage
from training.simulator.behaviour.work import work
from training.simulator.rows import HOUR

_CREEP_FIRST_DAY, _CREEP_DAYS, _CREEP = 14, 75, 0.025


def denied(stage: Stage) -> Iterator[Deeds]:
    """Much of what the account does on an otherwise usual day is refused: somebody tries what else it is allowed to."""
    town = stage.town
    drawn = stage.days_of((town.pace > np.quantile(town.pace, 0.4)) & (town.pace < 40), present=False)
    if drawn:
        done = work(town, stage.shift(*drawn, 1.1 * town.pace[drawn[0]]), stage.rng, stage.case)
        refused = (stage.rng.random(len(done.time)) < 0.5) & (done.action != DO["logon"])
        yield done._replace(failed=np.where(refused, 1, done.failed))


def creep(stage: Stage) -> Iterator[Deeds]:
    """The account reads its own mail a little more often every day, for months: its own past follows, its peers do not."""
    early, pace = stage._replace(day=_CREEP_FIRST_DAY), stage.town.pace
    drawn = early.days_of((np.quantile(pace, 0.5) < pace) & (pace < np.quantile(pace, 0.85)), present=True)
    if drawn:
        who, first = drawn
        for done, day in enumerate(stage.following(who, first, _CREEP_DAYS, present=True).tolist()):
            names = ["mail.read"] * (1 + int(stage.rng.poisson(18.0 * math.exp(_CREEP * done))))
            yield stage.scripted(stage.shift(who, day, 2, after=1.0), names, gap=7 * HOUR / len(names))


FURTHER: dict[str, Make] = {"denied": denied, "creep": creep}
