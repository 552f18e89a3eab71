"""Months of feedback under a condition: live a month, measure it against the truth, retrain, go on."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from features.encode import FactEncoder
from features.label import Label
from models.bundle import ModelBundle
from models.certificates.objective import parse_objectives
from models.engine import ScoringEngine
from models.misses import CERTAIN, Interval, estimate_misses, verdict_error
from training.assemble import Assembled, assemble
from training.dataset import Dataset
from training.feedback.conditions import Condition
from training.feedback.shift import Shift, given_before
from training.feedback.world import MONTH_DAYS, World
from training.fit import FitParameters, Told
from training.metrics import average_precision, average_precision_by_tenant


class Month(NamedTuple):
    """A month under a condition, measured with the truth. ``missed``: true share of attacks among the would-be suppressed;
    ``estimate``: what the audit says of it; both NaN where everything was shown. ``verdicts``: cases that analysts judged."""

    condition: str
    seed: int
    number: int
    ap: float
    ap_worst: float
    missed: float
    estimate: Interval
    verdicts: int

    @property
    def covered(self) -> bool:
        """Whether the interval holds the truth."""
        return self.estimate.low <= self.missed <= self.estimate.high


def live_through(
    world: World,
    condition: Condition,
    first: ModelBundle,
    seed: int,
    *,
    parameters: FitParameters,
    told: Told = lambda text: None,
) -> list[Month]:
    """Return the months after the first under ``condition``; ``first`` is the model trained on the first month's labels."""
    encoder = FactEncoder(world.dataset.encoder.secret)
    encoder.register(world.dataset.encoder.rules.values(), world.dataset.encoder.tenants.values())
    shift = Shift(world, condition, ScoringEngine(first, encoder), np.random.default_rng(seed))
    shift.start(first_labels(world), MONTH_DAYS)
    bundle, found = first, []
    for month in range(1, world.months):
        told(f"{condition.name}: month {month} of {world.months - 1}")
        before = shift.verdicts
        for day in range(month * MONTH_DAYS, (month + 1) * MONTH_DAYS):
            shift.live(day, bundle)
        found.append(_measure(shift, month, seed, shift.verdicts - before))
        if condition.retrains and month + 1 < world.months:
            bundle = train_until(world, shift.labels, month, parameters)
    return found


def first_labels(world: World) -> list[tuple[int, Label]]:
    """Return the labels of the first month, given by a SOC without Tamis."""
    return given_before(world.dataset.labels, world.end_of(0))


def train_until(world: World, labels: Sequence[tuple[int, Label]], month: int, parameters: FitParameters) -> ModelBundle:
    """Train as the product does, on the alerts up to the end of ``month`` and the labels given by then."""
    return trained(world.until(month, given_before(list(labels), world.end_of(month))), parameters).bundle


def trained(dataset: Dataset, parameters: FitParameters) -> Assembled:
    """Train as the product does; the bundle is in memory, what was written is gone."""
    with tempfile.TemporaryDirectory() as folder:
        return assemble(dataset, parse_objectives(()), parameters, Path(folder) / "bundle")


def _measure(shift: Shift, month: int, seed: int, verdicts: int) -> Month:
    world, rows = shift.world, np.flatnonzero(shift.world.month(month))
    groups = world.groups(shift.raw, rows)
    hidden = rows[shift.shown[rows] < 1.0]
    drawn = hidden[shift.audited[hidden]]
    error = verdict_error(shift.disagreements, shift.pairs, 0.025) if shift.condition.wrong else CERTAIN
    nothing = Interval(np.nan, np.nan, np.nan)
    return Month(
        shift.condition.name,
        seed,
        month,
        average_precision(groups),
        min(average_precision_by_tenant(groups).values()),
        float(world.attack[hidden].mean()) if len(hidden) else np.nan,
        estimate_misses(shift.confirmed[drawn], shift.shown[drawn], error) if len(hidden) else nothing,
        verdicts,
    )
