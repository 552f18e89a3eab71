"""``python -m training.behaviour.hijacks PATH``: how many swapped accounts a look at 1 % of user-days finds, by us and by the reference.

The reference is a page of smoothed log-likelihood ratios: per event, everybody's share against the account's own, of directory,
extension, time zone, project and hour, all learned before the date.
"""

from __future__ import annotations

import argparse
import copy
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.metrics import roc_auc_score

from models.behaviour.day import Day, days
from models.behaviour.evidence import Weights
from models.behaviour.model import BehaviourModel
from models.behaviour.stream import Stream
from training.behaviour.drifts import State, by_day
from training.behaviour.learning import fields_of, walk, weights_by_project
from training.behaviour.loaders import git_activity
from training.behaviour.swaps import LIKENESS_FIELDS, Swap, draw, swapped

BUDGET = 0.01
SEEDS = 20


class Scored(NamedTuple):
    """One user-day of the window."""

    entity: str
    score: float
    hijacked: bool


class Outcome(NamedTuple):
    """What one seed came to: the active day on which each account was found (``None``: not), and the area under the curve."""

    found: tuple[int | None, int | None]
    auc: float


def judge(rows: Sequence[Scored], swap: Swap) -> Outcome:
    """Return what a look at the top 1 % of ``rows``, in order of time, finds."""
    score = np.array([row.score for row in rows])
    top = set(np.argsort(-score, kind="stable")[: math.ceil(BUDGET * len(rows))].tolist())

    def first(entity: str) -> int | None:
        at = [index for index, row in enumerate(rows) if row.entity == entity]
        return next((number for number, index in enumerate(at, start=1) if index in top), None)

    auc = float(roc_auc_score([row.hijacked for row in rows], score))
    return Outcome((first(swap.first), first(swap.second)), auc)


def by_stream(history: Sequence[Day], swaps: Sequence[Swap], weights: Mapping[str, Weights]) -> list[list[Scored]]:
    """Score each swap's window: one walk over the true history, with a copy of the state at each date."""
    model = BehaviourModel(fields=fields_of(history), weights=dict(weights))
    stream, at, out = Stream(model.fields, model.weights_of), 0, {}
    for swap in sorted(set(swaps)):
        while at < len(history) and history[at].ordinal < swap.ordinal:
            stream.step(history[at])
            at += 1
        now = copy.deepcopy(stream)
        out[swap] = [Scored(day.entity, now.step(day).score, hijacked) for day, hijacked in swapped(history, swap)]
    return [out[swap] for swap in swaps]


def by_guarded(history: Sequence[Day], swaps: Sequence[Swap], weights: Mapping[str, Weights]) -> list[list[Scored]]:
    """Score each swap's window as a service does that nobody answers: a UTC day is judged whole, and what is doubted is not learned."""
    state = State(BehaviourModel(fields=fields_of(history), weights=dict(weights)), guarded=True)
    closing, at, out = list(by_day(history)), 0, {}
    for swap in sorted(set(swaps)):
        while at < len(closing) and closing[at][0] < swap.ordinal:
            state.close(closing[at][1])
            at += 1
        now, window = copy.deepcopy(state), list(swapped(history, swap))
        scores = [score for _, those in by_day([day for day, _ in window]) for score in now.close(those).scores]
        out[swap] = [Scored(day.entity, score, hijacked) for (day, hijacked), score in zip(window, scores, strict=True)]
    return [out[swap] for swap in swaps]


def by_ratios(history: Sequence[Day], swaps: Sequence[Swap]) -> list[list[Scored]]:
    """Score each swap's window by the reference."""
    return [_ratios(history, swap) for swap in swaps]


def _ratios(history: Sequence[Day], swap: Swap) -> list[Scored]:
    own: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    everybody: dict[str, Counter[str]] = defaultdict(Counter)
    for day in history:
        if day.ordinal < swap.ordinal:
            for name in LIKENESS_FIELDS:
                for value, weight in day.values.get(name, {}).items():
                    own[day.entity, name][value] += weight * day.events  # type: ignore[assignment]
                    everybody[name][value] += weight * day.events  # type: ignore[assignment]

    def ratio(day: Day, name: str) -> float:
        mine, others = own[day.entity, name], everybody[name]
        total, known, size = mine.total(), others.total(), len(others) + 1
        score = 0.0
        for value, weight in day.values.get(name, {}).items():
            share = (others[value] + 0.5) / (known + 0.5 * size)
            score += weight * math.log(share * (total + 5) / (mine[value] + 5 * share))
        return score

    return [
        Scored(day.entity, sum(ratio(day, name) for name in LIKENESS_FIELDS), hijacked)
        for day, hijacked in swapped(history, swap)
    ]


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return share found, median active day of the first hit, area under the curve, and how many seeds."""
    found = [day for outcome in outcomes for day in outcome.found]
    hits = [day for day in found if day is not None]
    median = f"{float(np.median(hits)):g}" if hits else "never"
    auc = float(np.mean([outcome.auc for outcome in outcomes]))
    return f"found {len(hits) / len(found):.2f}  median day {median}  AUC {auc:.3f}  ({len(outcomes)} seeds)"


def _rows(history: Sequence[Day], weights: Mapping[str, Weights], seeds: range, per_project: int) -> None:
    groups = sorted({day.group for day in history}) if per_project else []
    drawn: dict[str, list[Swap | None]] = {
        "any two accounts": [draw(history, seed, any_two=True) for seed in seeds],
        "two of one project": [draw(history, seed) for seed in seeds],
        **{f"two of {group}": [draw(history, seed, group=group) for seed in range(per_project)] for group in groups},
    }
    cases = {name: [swap for swap in swaps if swap is not None] for name, swaps in drawn.items()}
    every = sorted({swap for swaps in cases.values() for swap in swaps})
    scorers: list[tuple[str, Callable[[], list[list[Scored]]]]] = [
        ("behaviour", lambda: by_stream(history, every, weights)),
        ("with doubts held", lambda: by_guarded(history, every, weights)),
        ("log-likelihood ratios", lambda: by_ratios(history, every)),
    ]
    for scorer, run in scorers:
        scored = dict(zip(every, run(), strict=True))
        for name, swaps in cases.items():
            text = summary([judge(scored[swap], swap) for swap in swaps]) if swaps else "no such pair"
            sys.stdout.write(f"{scorer:22} {name:24} {text}" + "\n")
            sys.stdout.flush()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--per-project", type=int, default=0, help="swaps within each project, its weights learned from the others"
    )
    given = parser.parse_args()
    history = days(git_activity(given.path).events)
    weights = weights_by_project(walk(history), fields_of(history))
    _rows(history, weights, range(given.first_seed, given.first_seed + given.seeds), given.per_project)


if __name__ == "__main__":
    main()
