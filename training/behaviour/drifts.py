"""``python -m training.behaviour.drifts PATH``: how much slow drift can be hidden before it is seen, and what it gains.

An attacker behind an account does each day a little more of what another person does: the share of the other's behaviour in each
day rises evenly from nothing to all. Real histories, the days of one account mixed with those of another; printed are the share at
which the account is first seen, and how much of the other's behaviour its profile holds in the end, with and without the guard.
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
from models.behaviour.guarded import Entry, Guarded
from models.behaviour.model import BehaviourModel
from models.behaviour.stream import Stream
from training.behaviour.learning import fields_of, walk, weights_by_project
from training.behaviour.loaders import git_activity
from training.behaviour.swaps import Swap, draw

SEEDS = 12
DURATIONS = (15, 30, 90, 180)
"""Days within which a drift goes from nothing to all."""


class State:
    """All accounts' state, guarded or not."""

    def __init__(self, model: BehaviourModel, *, guarded: bool) -> None:
        self.stream = Stream(model.fields, model.weights_of)
        drift = Drift(self.stream.profiles, model.weights_of)
        self._guard = Guarded(self._learn, drift, FALSE_DISCOVERY) if guarded else None

    def _learn(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.day is not None:
                self.stream.learn(entry.day, entry.judged)

    def close(self, day: Sequence[Day]) -> list[str]:
        """Judge and learn one UTC day; return who was seen: called out, or held for having moved too far."""
        keys = [DayKey(one.ordinal, one.tenant, EntityKind.USER, one.entity) for one in day]
        entries = [Entry(key, "", self.stream.look(one), one) for key, one in zip(keys, day, strict=True)]
        if self._guard is None:
            self._learn(entries)
            return []
        settled = self._guard.settle(entries)
        return [one.entity for one, its in zip(day, settled, strict=True) if its.flagged or its.moved is not None]


class Hidden(NamedTuple):
    """One drift: at which share it was first seen (1: never), how much of the other's ways the profile holds in the end."""

    seen_at: float
    held_share: float


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


def foreign_share(stream: Stream, own: Day, other: Day) -> float:
    """Return how much of ``other``'s day the profile of ``own``'s account has taken up: its mean share of the values, relative to
    its mean share of the own ones.
    """
    profiles = stream.profiles
    nobody = np.zeros(0, np.int64)
    mine, theirs = (
        float(profiles.log_shares(msgspec.structs.replace(day, entity=own.entity), own.entity, nobody)[0].mean())
        for day in (own, other)
    )
    return float(np.exp(theirs - mine))


def run(state: State, history: Sequence[Day], swap: Swap, duration: int) -> Hidden:
    """Let the account drift and return what came of it."""
    seen_at = 1.0
    for ordinal, those in by_day(drifted(history, swap, duration)):
        if swap.first in state.close(those):
            seen_at = min(seen_at, (ordinal - swap.ordinal) / duration)
    before = [day for day in history if day.ordinal < swap.ordinal]
    own = next(day for day in reversed(before) if day.entity == swap.first)
    other = next(day for day in reversed(before) if day.entity == swap.second)
    return Hidden(seen_at, foreign_share(state.stream, own, other))


def measure(history: Sequence[Day], swaps: Sequence[Swap], model: BehaviourModel, durations: Sequence[int]) -> Iterator[str]:
    """Yield a line for each duration, and one on how often accounts that do not drift are held."""
    table: dict[tuple[int, bool], list[Hidden]] = defaultdict(list)
    both = {guarded: State(model, guarded=guarded) for guarded in (False, True)}
    at, grouped, held, judged = 0, list(by_day(history)), 0, 0
    for swap in sorted(swaps):
        while at < len(grouped) and grouped[at][0] < swap.ordinal:
            held += len(both[True].close(grouped[at][1]))
            both[False].close(grouped[at][1])
            judged += len(grouped[at][1])
            at += 1
        for duration in durations:
            for guarded, state in both.items():
                table[duration, guarded].append(run(copy.deepcopy(state), history, swap, duration))
    for duration in durations:
        free, guard = table[duration, False], table[duration, True]
        seen = np.array([one.seen_at for one in guard])
        yield (
            f"drift within {duration:3} days: first seen at a share of {np.median(seen):.2f} (worst tenth {np.quantile(seen, 0.9):.2f}),"
            f" never {np.mean(seen >= 1):.2f}; the other's ways in the profile {np.mean([one.held_share for one in free]):.2f}"
            f" unguarded, {np.mean([one.held_share for one in guard]):.2f} guarded"
        )
    yield f"user-days without drift that were called out or moved too far: {held / max(judged, 1):.4f} of {judged}"


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
