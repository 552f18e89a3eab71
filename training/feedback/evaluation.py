"""The feedback evaluation: worlds by seed, months under each condition, what verdicts are worth, poison before the gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from joblib import Parallel, delayed

from training.feedback.conditions import CONDITIONS
from training.feedback.lessons import Lesson, lessons
from training.feedback.loop import Month, first_labels, live_through, train_until
from training.feedback.poisoning import Bench, Poison, Trial
from training.feedback.world import MONTH_DAYS, World
from training.fit import FitParameters, Told
from training.simulator import simulate

BUDGETS_BY_LOT = (400, 800, 1600, 3200, 6400)
BUDGETS_TAUGHT = (400, 800, 1600)
_POOL_MONTHS = 3


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How much is simulated. ``trials``: challengers of each kind (poisoned and clean), spread over the seeds."""

    seeds: tuple[int, ...] = (0, 1, 2)
    tenants: int = 3
    months: int = 7
    """Months of each world; the first trains the first model, the others are lived through."""
    trials: int = 50
    trial_seeds: tuple[int, ...] = (10, 11, 12, 13, 14)
    """Worlds of the poisoning trials; a fifth of the challengers comes from each."""
    trial_months: int = 3
    lots: tuple[int, ...] = BUDGETS_BY_LOT
    taught: tuple[int, ...] = BUDGETS_TAUGHT
    parameters: FitParameters = FitParameters()
    quick: FitParameters = FitParameters(trees=60, learning_rate=0.15)
    """Of the trials, of which there are many."""


@dataclass
class FeedbackEvaluation:
    """Everything that was measured."""

    plan: Plan
    months: list[Month] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)


def evaluate(
    folder: Path,
    secret: bytes,
    plan: Plan,
    told: Told = lambda text: None,
    keep: Callable[[FeedbackEvaluation], object] = lambda result: None,
) -> FeedbackEvaluation:
    """Simulate the worlds under ``folder`` and measure everything; a part of a world a process.

    ``keep`` is given what was measured so far each time a part is done: an hour's work is not lost with the last one.
    """
    result = FeedbackEvaluation(plan)
    for seed in plan.seeds:
        _simulated(folder, seed, tenants=plan.tenants, months=plan.months)
    jobs = [delayed(part)(folder, secret, plan, seed) for part in (_months, _lessons) for seed in plan.seeds]
    jobs += [delayed(_trials)(folder, secret, plan, seed) for seed in plan.trial_seeds if plan.trials]
    done = Parallel(n_jobs=-1, return_as="generator_unordered")(jobs)
    for number, (months, learned, trials) in enumerate(done, 1):
        result.months += months
        result.lessons += learned
        result.trials += trials
        keep(result)
        told(f"{number} of {len(jobs)} parts done")
    return result


def world_of(folder: Path, secret: bytes, seed: int, *, tenants: int, months: int) -> World:
    """Return a simulated world, made now if it is not there."""
    return World.load(_simulated(folder, seed, tenants=tenants, months=months), secret)


def _simulated(folder: Path, seed: int, *, tenants: int, months: int) -> Path:
    """Return where the world is."""
    place = folder / f"world-{seed}-{tenants}x{months}"
    if not (place / "truth.parquet").exists():
        simulate(tenants, months * MONTH_DAYS, seed, place)
    return place


Measured = tuple[list[Month], list[Lesson], list[Trial]]


def _months(folder: Path, secret: bytes, plan: Plan, seed: int) -> Measured:
    world = world_of(folder, secret, seed, tenants=plan.tenants, months=plan.months)
    first = train_until(world, first_labels(world), 0, plan.parameters)
    months = [
        month for condition in CONDITIONS for month in live_through(world, condition, first, seed, parameters=plan.parameters)
    ]
    return months, [], []


def _lessons(folder: Path, secret: bytes, plan: Plan, seed: int) -> Measured:
    world = world_of(folder, secret, seed, tenants=plan.tenants, months=plan.months)
    pool, learned = min(_POOL_MONTHS, world.months - 1), []
    for teaches, budgets in ((False, plan.lots), (True, plan.taught)):
        if budgets:
            learned += lessons(world, budgets, seed, teaches=teaches, months=pool, parameters=plan.parameters)
    return [], learned, []


def _trials(folder: Path, secret: bytes, plan: Plan, seed: int) -> Measured:
    world = world_of(folder, secret, seed, tenants=plan.tenants, months=plan.trial_months)
    bench = Bench.set_up(world, world.months - 2, plan.quick)
    share = -(-plan.trials // len(plan.trial_seeds))
    trials = []
    for number in range(share):
        trials.append(bench.trial(Poison.NONE, number))
        trials.append(bench.trial((Poison.BACKDOOR, Poison.FLIPS)[number % 2], number))
    return [], [], trials
