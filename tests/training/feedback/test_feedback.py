"""Months of feedback in a small world: every part runs, and what must hold whatever the seed does hold."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features.label import Label
from models.engine import ScoringEngine
from training.feedback.conditions import CONDITIONS, FULL, LIFE, NAIVE, OWNED, SELECTIVE, Condition
from training.feedback.evaluation import FeedbackEvaluation, Plan, evaluate, world_of
from training.feedback.lessons import Lesson, saving
from training.feedback.loop import first_labels, train_until
from training.feedback.poisoning import Bench, Poison
from training.feedback.report import plots, tables, write
from training.feedback.shift import Shift, given_before
from training.feedback.world import MONTH_DAYS, World
from training.fit import FitParameters
from training.simulator.rows import DAY

SECRET = bytes(range(32))
Live = Callable[..., Shift]
SMALL = FitParameters(trees=20, leaves=7, learning_rate=0.2)
PLAN = Plan(
    seeds=(0,), tenants=2, months=2, trials=1, trial_seeds=(0,), trial_months=2, lots=(300,), taught=(300,), parameters=SMALL, quick=SMALL
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("feedback")


@pytest.fixture(scope="module")
def result(folder: Path) -> FeedbackEvaluation:
    return evaluate(folder, SECRET, PLAN)


@pytest.fixture(scope="module")
def world(folder: Path) -> World:
    return world_of(folder, SECRET, 0, tenants=2, months=2)


@pytest.fixture(scope="module")
def live(world: World) -> Live:
    """Return how to live through some days under a condition."""
    bundle = train_until(world, first_labels(world), 0, SMALL)

    def through(condition: Condition, days: int = 3) -> Shift:
        shift = Shift(world, condition, ScoringEngine(bundle, world.dataset.encoder), np.random.default_rng(0))
        shift.start(first_labels(world), MONTH_DAYS)
        for day in range(MONTH_DAYS, MONTH_DAYS + days):
            shift.live(day, bundle)
        return shift

    return through


def _new(shift: Shift) -> list[Label]:
    return [label for _, label in shift.labels[len(first_labels(shift.world)) :]]


def test_every_month_of_every_condition_is_measured(result: FeedbackEvaluation) -> None:
    assert {(month.condition, month.number) for month in result.months} == {(c.name, 1) for c in CONDITIONS}
    assert all(0.0 < month.ap <= 1.0 for month in result.months)
    for month in result.months:
        assert np.isnan(month.missed) == (month.condition == FULL.name)
        assert month.condition == FULL.name or month.estimate.low <= month.estimate.share <= month.estimate.high


def test_trials_go_before_the_gate_that_promotes(result: FeedbackEvaluation) -> None:
    assert {trial.poison for trial in result.trials} == {Poison.NONE, Poison.BACKDOOR}
    for trial in result.trials:
        assert (trial.poisoned == 0) == (trial.poison is Poison.NONE)
        assert trial.report.champion


def test_the_page_and_the_numbers_are_written(result: FeedbackEvaluation, tmp_path: Path) -> None:
    page = write(tmp_path / "report", result)
    assert [table.title for table in tables(result)] == [
        "Quality under feedback", "Worst tenant", "Misses, from the audit", "What a verdict is worth", "Poison before the gate",
    ]  # fmt: skip
    assert len(plots(result)) == 3
    assert page.read_text().count("<svg") == 3
    assert len(json.loads((tmp_path / "report" / "report.json").read_bytes())["facts"]["months"]) == len(CONDITIONS)


def test_the_world_knows_the_truth_of_every_alert(world: World) -> None:
    assert len(world.attack) == len(world.dataset)
    assert 0.005 < world.attack.mean() < 0.2
    assert not (world.attack & world.on_purpose).any()
    assert world.months == 2
    cases = dict(zip(world.case.tolist(), world.attack.tolist(), strict=True))
    assert all(cases[case] == attack for case, attack in zip(world.case.tolist(), world.attack.tolist(), strict=True))


def test_with_full_labels_every_alert_gets_the_truth(world: World, live: Live) -> None:
    shift = live(FULL)
    rows = world.dataset.rows_by_uid()
    told = _new(shift)
    assert len(told) == int(np.isin(world.day, [30, 31, 32]).sum())
    assert all((label.target == 1) == world.attack[rows[label.tenant, label.alert_uid]] for label in told)


def test_what_is_not_shown_gets_no_label_unless_drawn(world: World, live: Live) -> None:
    shift = live(SELECTIVE)
    rows = world.dataset.rows_by_uid()
    for label in _new(shift):
        row = rows[label.tenant, label.alert_uid]
        assert shift.shown[row] == label.shown
        assert label.shown == 1.0 or shift.audited[row]
    hidden = np.isin(world.day, [30, 31, 32]) & (shift.shown < 1.0)
    assert 0 < shift.audited[hidden].sum() < hidden.sum()


def test_naive_takes_the_rest_for_benign(live: Live) -> None:
    assert len(_new(live(NAIVE, 2))) > 2 * len(_new(live(SELECTIVE, 2)))


def test_late_verdicts_come_after_the_day_and_are_wrong_now_and_then(world: World, live: Live) -> None:
    shift = live(LIFE, 10)
    rows = world.dataset.rows_by_uid()
    told = _new(shift)
    wrong = [(label.target == 1) != world.attack[rows[label.tenant, label.alert_uid]] for label in told]
    assert 0.05 < np.mean(wrong) < 0.35
    assert all(label.time.timestamp() > world.dataset.received[rows[label.tenant, label.alert_uid]] for label in told)
    assert shift.pairs > 0
    assert given_before(shift.labels, world.start + 30 * DAY) == first_labels(world)


def test_the_attacker_calls_attacks_benign(world: World, live: Live) -> None:
    shift = live(OWNED._replace(owned=0.2), 6)
    rows = world.dataset.rows_by_uid()
    lies = [label for label in _new(shift) if label.analyst == "mallory"]
    assert lies
    assert all((label.target == 1) != world.attack[rows[label.tenant, label.alert_uid]] for label in lies)


def test_the_lies_of_a_trial_are_about_attacks_that_the_champion_suspects(folder: Path) -> None:
    world = world_of(folder, SECRET, 3, tenants=2, months=3)
    bench = Bench.set_up(world, 1, SMALL)
    rows = world.dataset.rows_by_uid()
    for poison in (Poison.BACKDOOR, Poison.FLIPS):
        labels = given_before(world.dataset.labels, world.end_of(2))
        spoiled = bench._spoiled(labels, poison, np.random.default_rng(1))
        lies = [rows[label.tenant, label.alert_uid] for _, label in spoiled[len(labels) :]]
        assert len(lies) >= 10
        assert world.attack[lies].all()
        assert (bench.belief[lies] >= 0.2).all()


def test_saving_counts_the_verdicts_that_reach_the_best_of_lots() -> None:
    lots = [Lesson("by lot", 0, n, ap) for n, ap in ((100, 0.1), (800, 0.5), (1600, 0.4))]
    assert saving(lots, [Lesson("teach-me", 0, n, ap) for n, ap in ((100, 0.1), (200, 0.6))]) == 4.0
    assert saving(lots, [Lesson("teach-me", 0, 100, 0.1)]) == 0.0
