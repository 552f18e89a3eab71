"""What a verdict is worth: asking by lot against asking what teaches most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.alert import from_epoch
from features.encode import COLUMNS
from features.label import Label
from models.bundle import ModelBundle
from models.errors import NotEnoughLabelsError
from models.teaching import Candidates, teach
from training.feedback.loop import trained
from training.feedback.world import MONTH_DAYS, World
from training.fit import FitParameters, Told
from training.later import champion_scores
from training.metrics import average_precision
from training.simulator.analysts import ANALYSTS, VERDICTS, judge
from training.simulator.rows import DAY

FIRST = 200
"""Verdicts by lot from which both ways start."""


@dataclass(frozen=True)
class Lesson:
    """Average precision on the month after, with that many verdicts."""

    way: str
    seed: int
    verdicts: int
    ap: float


def lessons(
    world: World,
    budgets: Sequence[int],
    seed: int,
    *,
    teaches: bool,
    months: int,
    parameters: FitParameters,
    told: Told = lambda text: None,
) -> list[Lesson]:
    """Ask for verdicts on the first ``months`` up to each of ``budgets``, and measure on the month after.

    Analysts err as they do; each alert asked about is one verdict.
    """
    rng = np.random.default_rng([seed, 7])
    pool = np.flatnonzero(world.day < months * MONTH_DAYS)
    test = np.flatnonzero(world.month(months))
    labels: dict[int, Label] = {}
    way, found, bundle = "teach-me" if teaches else "by lot", [], None
    for budget in (FIRST, *budgets):
        told(f"{way}: {budget} verdicts")
        open_rows = pool[~np.isin(pool, list(labels))]
        count = budget - len(labels)
        rows = (
            _taught(world, bundle, open_rows, labels, count=count, rng=rng)
            if teaches and bundle
            else rng.choice(open_rows, count, False)
        )
        labels |= _asked(world, rows, len(labels), rng)
        bundle = _trained(world, labels, months, parameters)
        found.append(Lesson(way, seed, budget, _measured(world, bundle, test) if bundle else 0.0))
    return found


def saving(by_lot: Sequence[Lesson], taught: Sequence[Lesson]) -> float:
    """Return how many times fewer verdicts teach-me needs for the best average precision that lots reach; 0 if it never does."""
    best = max(by_lot, key=lambda lesson: lesson.ap)
    enough = [lesson.verdicts for lesson in taught if lesson.ap >= best.ap]
    return best.verdicts / min(enough) if enough else 0.0


def _asked(world: World, rows: NDArray[np.int64], start: int, rng: np.random.Generator) -> dict[int, Label]:
    """Return what analysts say of the alerts, a day later; what they leave open is no verdict."""
    said = judge(world.attack[rows], world.on_purpose[rows], np.arange(len(rows)), np.zeros(len(rows)), rng)
    given: dict[int, Label] = {}
    for place, verdict, who in zip(said.row.tolist(), said.verdict.tolist(), said.analyst.tolist(), strict=True):
        row = int(rows[place])
        told = VERDICTS[verdict]
        if told.target < 0:
            continue
        time = from_epoch(float(world.dataset.received[row]) + DAY)
        given[row] = Label(
            uid=f"l{start + place}", tenant=world.dataset.tenants[world.dataset.tenant[row]], alert_uid=world.dataset.uids[row],
            verdict=told, time=time, received_time=time, analyst=ANALYSTS[who],
            incident_uid=str(world.incident[row]) if told.target == 1 else "",
        )  # fmt: skip
    return given


def _trained(world: World, labels: dict[int, Label], months: int, parameters: FitParameters) -> ModelBundle | None:
    given = [(len(world.dataset) + number, label) for number, label in enumerate(labels.values())]
    try:
        return trained(world.until(months - 1, given), parameters).bundle
    except NotEnoughLabelsError:
        return None


def _measured(world: World, bundle: ModelBundle, test: NDArray[np.int64]) -> float:
    return average_precision(world.groups(_margins(world, bundle, test), test))


def _margins(world: World, bundle: ModelBundle, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the margins f8[n] of ``rows`` as of then, told of no verdict."""
    return champion_scores(world.dataset, np.isin(np.arange(len(world.dataset)), rows), bundle, [])


def _taught(
    world: World, bundle: ModelBundle, rows: NDArray[np.int64], labels: dict[int, Label], *, count: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return what :func:`teach` would ask about among ``rows``, by the scores of the model so far."""
    dataset = world.dataset
    score = bundle.calibrator(_margins(world, bundle, rows)[rows])
    entity = np.unique(dataset.block.columns[:, COLUMNS.index("entity")], return_inverse=True)[1].astype(np.int64)
    cell = dataset.rule.astype(np.int64) * (int(entity.max()) + 1) + entity
    known = np.bincount(cell[list(labels)], minlength=int(cell.max()) + 1).astype(np.float64)
    nobody = np.zeros(len(rows), bool)
    among = Candidates(
        score, dataset.rule[rows].astype(np.int64), entity[rows], known[cell[rows]], nobody, dataset.block.time[rows]
    )
    return rows[teach(among, count, rng)[0]]
