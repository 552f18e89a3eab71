"""How far the priority of incidents can be believed, on simulated worlds that it was not learned from: ``tamis evaluate --incidents``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score

from models.incidents.priority import DEFAULT, PriorityModel, known_criticality
from training.correlate import Correlated
from training.incidents.worlds import Scored, warm
from training.metrics import brier, expected_calibration_error
from training.priority import outcomes
from training.report import Cell, Table


class Appraised(NamedTuple):
    """The shown incidents of a world: ``score``, how likely each was said to matter; ``highest``, what its highest alert says; and
    whether any alert of it is an attacker's."""

    score: list[float]
    highest: list[float]
    attack: list[bool]


def appraise(world: Scored, found: Correlated, model: PriorityModel = DEFAULT) -> Appraised:
    """Say how likely each shown incident matters, beside the truth. Those of cold scores are left out."""
    attack = np.array([bool(name) for name in world.incident])
    real = outcomes(found, attack, warm(world.alerts))
    critical = known_criticality(lambda: world.context)
    score = [model.probability(found.incidents[name], critical) for name in real]
    return Appraised(score, [found.incidents[name].score for name in real], list(real.values()))


def appraisal_table(worlds: Sequence[tuple[str, Appraised]]) -> Table:
    """Return how well calibrated the scores of incidents are, and how well they order them, world by world and together."""
    together = Appraised(*(list(chain(*columns)) for columns in zip(*(one for _, one in worlds), strict=True)))
    rows: list[list[Cell]] = [
        [name, len(one.attack), sum(one.attack), *_measured(one.score, one.attack), *_measured(one.highest, one.attack)]
        for name, one in [*worlds, ("all", together)]
    ]
    columns = [
        "world", "incidents", "attacks", "Brier", "expected error", "average precision",
        "highest alert: Brier", "expected error ", "average precision ",
    ]  # fmt: skip
    note = (
        "How likely an incident is said to hold an attacker's alert, beside what its highest alert says; weights learned on other "
        "worlds. Few incidents make the expected error of one world look larger than it is: see the last row."
    )
    return Table("Priority of the incidents shown", columns, rows, note)


def _measured(score: Sequence[float], attack: Sequence[bool]) -> tuple[float, float, float]:
    """Return Brier score, expected calibration error and average precision."""
    p, y = np.asarray(score, np.float64), np.asarray(attack, np.int8)
    return brier(p, y), expected_calibration_error(p, y), float(average_precision_score(y, p))
