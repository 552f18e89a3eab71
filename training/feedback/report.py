"""The feedback evaluation as tables, plots and a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import msgspec
import numpy as np

from training.feedback.conditions import CONDITIONS, FULL, NAIVE, NEVER
from training.feedback.evaluation import FeedbackEvaluation
from training.feedback.lessons import Lesson, saving
from training.feedback.loop import Month
from training.feedback.poisoning import Poison, Trial
from training.report import Cell, Plot, Table, line_plot, write_report


def tables(result: FeedbackEvaluation) -> list[Table]:
    """Return all tables of what was measured."""
    found = []
    if result.months:
        found += [_quality(result.months), _worst(result.months), _misses(result.months)]
    if result.lessons:
        found.append(_lessons(result.lessons))
    if result.trials:
        found.append(_trials(result))
    return found


def plots(result: FeedbackEvaluation) -> list[Plot]:
    """Draw quality by month, misses with their intervals, and quality by verdicts."""
    found = []
    if result.months:
        curves = {
            c.name: (_numbers(result.months), [_mean(result.months, c.name, n, "ap") for n in _numbers(result.months)])
            for c in CONDITIONS
        }
        found.append(line_plot("feedback_ap", "Average precision, month by month", ("month", "average precision"), curves))
        found.append(_misses_plot(result.months))
    if result.lessons:
        ways = {
            way: _curve([lesson for lesson in result.lessons if lesson.way == way])
            for way in dict.fromkeys(lesson.way for lesson in result.lessons)
        }
        found.append(line_plot("lessons", "What a verdict is worth", ("verdicts", "average precision"), ways))
    return found


def write(folder: Path, result: FeedbackEvaluation) -> Path:
    """Write the page and the numbers; return the page."""
    facts = {
        "plan": msgspec.to_builtins(result.plan),
        "months": [month._asdict() for month in result.months],
        "lessons": [asdict(lesson) for lesson in result.lessons],
        "trials": [_facts(trial) for trial in result.trials],
    }
    return write_report(folder, "Tamis: learning from feedback", tables(result), plots(result), facts)


def _facts(trial: Trial) -> dict[str, object]:
    report = trial.report
    return {
        "poison": trial.poison.value,
        "seed": trial.seed,
        "labels_by_the_attacker": trial.poisoned,
        "objections": report.objections,
    }


def _numbers(months: Sequence[Month]) -> list[int]:
    return sorted({month.number for month in months})


def _mean(months: Sequence[Month], condition: str, number: int, name: str) -> float:
    values = [getattr(m, name) for m in months if m.condition == condition and m.number == number]
    return float(np.mean(values)) if values else float("nan")


def _quality(months: Sequence[Month]) -> Table:
    """AP of each condition by month, its share of that with full labels at the end, and the verdicts that it cost a month."""
    numbers, rows = _numbers(months), []
    last = numbers[-1]
    for condition in CONDITIONS:
        own = [_mean(months, condition.name, n, "ap") for n in numbers]
        share = own[-1] / _mean(months, FULL.name, last, "ap")
        verdicts = [m.verdicts for m in months if m.condition == condition.name]
        row: list[Cell] = [condition.name, *own, share, _least_share(months, condition.name, last), int(np.mean(verdicts or [0]))]
        rows.append(row)
    note = (
        f"mean over {len({m.seed for m in months})} seeds; share: of the AP with {FULL.name} in the last month, in the mean and on "
        f"the worst seed; {NEVER.name} and {NAIVE.name} are what to beat; verdicts: a month, audit and second looks included"
    )
    columns = ["AP in month", *(str(n) for n in numbers), "share", "worst seed", "verdicts"]
    return Table("Quality under feedback", columns, rows, note)


def _least_share(months: Sequence[Month], condition: str, last: int) -> float:
    full = {m.seed: m.ap for m in months if m.condition == FULL.name and m.number == last}
    return min((m.ap / full[m.seed] for m in months if m.condition == condition and m.number == last), default=float("nan"))


def _worst(months: Sequence[Month]) -> Table:
    numbers = _numbers(months)
    rows: list[list[Cell]] = [[c.name, *(_mean(months, c.name, n, "ap_worst") for n in numbers)] for c in CONDITIONS]
    return Table("Worst tenant", ["AP in month", *(str(n) for n in numbers)], rows)


def _misses(months: Sequence[Month]) -> Table:
    rows: list[list[Cell]] = []
    audited = [m for m in months if not np.isnan(m.missed)]
    for name in [*(c.name for c in CONDITIONS), "all together"]:
        own = [m for m in audited if name in {m.condition, "all together"}]
        if own:
            truth, estimate = float(np.mean([m.missed for m in own])), float(np.mean([m.estimate.share for m in own]))
            width = float(np.median([m.estimate.high - m.estimate.low for m in own]))
            rows.append([name, f"{truth:.4f}", f"{estimate:.4f}", f"{width:.4f}", f"{sum(m.covered for m in own)} of {len(own)}"])
    columns = ["share of attacks among the not shown", "true", "estimated", "median width", "intervals that hold the truth"]
    return Table("Misses, from the audit", columns, rows)


def _lessons(learned: Sequence[Lesson]) -> Table:
    verdicts = sorted({lesson.verdicts for lesson in learned})
    rows: list[list[Cell]] = []
    for way in dict.fromkeys(lesson.way for lesson in learned):
        values = [[x.ap for x in learned if x.way == way and x.verdicts == n] for n in verdicts]
        rows.append([way, *(float(np.mean(some)) if some else float("nan") for some in values)])
    savings = []
    for seed in sorted({lesson.seed for lesson in learned}):
        own = [[x for x in learned if x.seed == seed and x.way == way] for way in ("by lot", "teach-me")]
        if all(own):
            savings.append(saving(*own))
    note = "times fewer verdicts than by lot, for the best AP that lots reach, by seed: " + ", ".join(f"{s:.1f}" for s in savings)
    return Table("What a verdict is worth", ["AP with verdicts", *(f"{n:,}" for n in verdicts)], rows, note)


def _trials(result: FeedbackEvaluation) -> Table:
    rows: list[list[Cell]] = []
    for poison in Poison:
        own = [trial for trial in result.trials if trial.poison is poison]
        if own:
            labels = [trial.poisoned for trial in own]
            refused = sum(not trial.report.passed for trial in own)
            rows.append([poison.value, len(own), f"{min(labels)}–{max(labels)}", refused, len(own) - refused])
    worlds = len(result.plan.trial_seeds)
    note = f"challengers from {worlds} worlds, each a month after its champion, all examined by the gate that promotes"
    return Table(
        "Poison before the gate", ["challengers", "of them", "labels by the attacker", "refused", "promoted"], rows, note
    )


def _curve(own: Sequence[Lesson]) -> tuple[list[int], list[float]]:
    verdicts = sorted({lesson.verdicts for lesson in own})
    return verdicts, [float(np.mean([x.ap for x in own if x.verdicts == n])) for n in verdicts]


def _misses_plot(months: Sequence[Month]) -> Plot:
    names = [condition.name for condition in CONDITIONS]
    months = sorted(months, key=lambda month: (names.index(month.condition), month.seed, month.number))
    audited = [m for m in months if not np.isnan(m.missed)]
    places = list(range(len(audited)))
    curves = {
        "true": (places, [m.missed for m in audited]),
        "estimated": (places, [m.estimate.share for m in audited]),
        "lower end": (places, [m.estimate.low for m in audited]),
        "upper end": (places, [m.estimate.high for m in audited]),
    }
    return line_plot(
        "misses", "Misses and what the audit says of them", ("condition and month", "share of the not shown"), curves
    )
