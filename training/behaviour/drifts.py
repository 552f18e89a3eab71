"""``python -m training.behaviour.drifts PATH``: how much slow drift can be hidden before it is seen, and what it gains.

An attacker behind an account does each day a little more of what another person does: the share of the other's behaviour in each
day rises evenly from nothing to all. Real histories, the days of one account mixed with those of another; printed are the share at
which the account is first seen, and how strange the other's whole day still is in the end, with and without the guard.
"""

from __future__ import annotations

import argparse
import copy
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from features.alert import EntityKind
from models.behaviour.day import Day, days
from models.behaviour.day_vector import DayKey
from models.behaviour.drift import Drift
from models.behaviour.engine import FALSE_DISCOVERY
from models.behaviour.evidence import evidence
from models.behaviour.guarded import Entry, Guarded
from models.behaviour.model import BehaviourModel
from models.behaviour.stream import Stream
from training.behaviour.learning import fields_of, walk, weights_by_project
from training.behaviour.loaders import git_activity
from training.behaviour.swaps import Swap, draw

SEEDS = 12
DURATIONS = (15, 30, 90, 180)
"""Days within which a drift goes from nothing to all."""
RECENT = 20
"""So many of the other's last days are asked whether they would be seen."""
APART = 2.0
"""Two people whose days differ by less (log odds) have nothing to hide from each other's profile."""


class Closed(NamedTuple):
    """What became of one UTC day: each account's score, and who was seen (called out, or held for having moved too far)."""

    scores: list[float]
    seen: list[str]


class State:
    """All accounts' state, guarded or not."""

    def __init__(self, model: BehaviourModel, *, guarded: bool) -> None:
        self.model = model
        self.stream = Stream(model.fields, model.weights_of)
        drift = Drift(self.stream.profiles, model.weights_of)
        self._guard = Guarded(self._learn, drift, FALSE_DISCOVERY) if guarded else None

    def _learn(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.day is not None:
                self.stream.learn(entry.day, entry.judged)

    def close(self, day: Sequence[Day]) -> Closed:
        """Judge one UTC day as a whole, then learn what is not held."""
        keys = [DayKey(one.ordinal, one.tenant, EntityKind.USER, one.entity) for one in day]
        entries = [Entry(key, "", self.stream.look(one), one) for key, one in zip(keys, day, strict=True)]
        scores = [entry.judged.score for entry in entries]
        if self._guard is None:
            self._learn(entries)
            return Closed(scores, [])
        settled = self._guard.settle(entries)
        return Closed(scores, [one.entity for one, its in zip(day, settled, strict=True) if its.flagged or its.moved is not None])


class Hidden(NamedTuple):
    """One drift: at which share it was first seen (1: never), and the log odds of the other's days before it and after it."""

    seen_at: float
    before: float
    after: float


def by_day(history: Sequence[Day]) -> Iterator[tuple[int, list[Day]]]:
    """Yield each UTC day with the accounts that were active on it."""
    grouped: dict[int, list[Day]] = defaultdict(list)
    for day in history:
        grouped[day.ordinal].append(day)
    yield from sorted(grouped.items())


def mixed(own: Day, other: Day, share: float) -> Day:
    """Return ``own`` with so much of ``other``."""
    values: dict[str, dict[str, float]] = {}
    for name in sorted(own.values.keys() | other.values.keys()):
        mine, theirs = own.values.get(name, {}), other.values.get(name, {})
        weights = {value: (1 - share) * weight for value, weight in mine.items()}
        for value, weight in theirs.items():
            weights[value] = weights.get(value, 0.0) + share * weight
        values[name] = weights
    return msgspec.structs.replace(own, values=values)


def drifted(history: Sequence[Day], swap: Swap, duration: int) -> list[Day]:
    """Return the days from the date on, until a month after the end of the drift of ``swap.first`` towards ``swap.second``."""
    theirs = [day for day in history if day.entity == swap.second and day.ordinal < swap.ordinal][-60:]
    out, at = [], 0
    for day in history:
        if swap.ordinal <= day.ordinal < swap.ordinal + duration + 30:
            if day.entity != swap.first:
                out.append(day)
                continue
            share = min(1.0, (day.ordinal - swap.ordinal) / duration)
            out.append(mixed(day, theirs[at % len(theirs)], share))
            at += 1
    return out


def strangeness(state: State, model: BehaviourModel, days: Sequence[Day], entity: str) -> float:
    """Return the mean log odds that ``days`` were not made by ``entity``, by its profile: what a takeover would show at once."""
    profiles = state.stream.profiles
    theirs = [msgspec.structs.replace(day, entity=entity) for day in days]
    return float(np.mean([evidence(profiles, day, entity).log_odds(model.weights_of(day.group)) for day in theirs]))


def run(state: State, history: Sequence[Day], swap: Swap, duration: int) -> Hidden:
    """Let the account drift and return what came of it."""
    theirs = [day for day in history if day.entity == swap.second and day.ordinal < swap.ordinal][-RECENT:]
    before, seen_at = strangeness(state, state.model, theirs, swap.first), 1.0
    for ordinal, those in by_day(drifted(history, swap, duration)):
        if swap.first in state.close(those).seen:
            seen_at = min(seen_at, (ordinal - swap.ordinal) / duration)
    return Hidden(seen_at, before, strangeness(state, state.model, theirs, swap.first))


def measure(history: Sequence[Day], swaps: Sequence[Swap], model: BehaviourModel, durations: Sequence[int]) -> Iterator[str]:
    """Yield a line for each duration, and one on how often accounts that do not drift are held."""
    table: dict[tuple[int, bool], list[Hidden]] = defaultdict(list)
    both = {guarded: State(model, guarded=guarded) for guarded in (False, True)}
    at, grouped, seen, judged = 0, list(by_day(history)), 0, 0
    for swap in sorted(swaps):
        while at < len(grouped) and grouped[at][0] < swap.ordinal:
            seen += len(both[True].close(grouped[at][1]).seen)
            both[False].close(grouped[at][1])
            judged += len(grouped[at][1])
            at += 1
        for duration in durations:
            for guarded, state in both.items():
                table[duration, guarded].append(run(copy.deepcopy(state), history, swap, duration))
    for duration in durations:
        yield _line(duration, table[duration, False], table[duration, True])
    yield f"user-days without drift that were called out or moved too far: {seen / max(judged, 1):.4f} of {judged}"


def _line(duration: int, free: Sequence[Hidden], guarded: Sequence[Hidden]) -> str:
    """Return what drifts of one duration came to, of pairs that can be told apart at all."""
    apart = [at for at, one in enumerate(free) if one.before > APART]
    shares = np.array([guarded[at].seen_at for at in apart])
    odds = [float(np.mean([one.before for one in free if one.before > APART]))]
    odds += [float(np.mean([some[at].after for at in apart])) for some in (free, guarded)]
    return (
        f"within {duration:3} days ({len(apart)} pairs): seen {np.mean(shares < 1):.2f}, first at a share of "
        f"{np.median(shares[shares < 1]) if (shares < 1).any() else 1:.2f}; log odds of the other's day {odds[0]:.1f} before, "
        f"after it {odds[1]:.1f} unguarded, {odds[2]:.1f} guarded"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("path", type=Path)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    given = parser.parse_args()
    history = days(git_activity(given.path).events)
    model = BehaviourModel(fields=fields_of(history), weights=dict(weights_by_project(walk(history), fields_of(history))))
    swaps = [swap for seed in range(given.seeds) if (swap := draw(history, seed)) is not None]
    for line in measure(history, swaps, model, DURATIONS):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
