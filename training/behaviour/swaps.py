"""Hijacks made from a real history: two accounts of middling likeness change hands on a day drawn from a seed."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from models.behaviour.day import Day

LIKENESS_FIELDS = ("directory", "extension", "time_zone", "target", "hour")
BEFORE, AFTER, WINDOW_DAYS = 40, 10, 60
"""Active days that an account must have before the date, and in the window after it."""
ATTEMPTS = 5000


class Swap(NamedTuple):
    """Accounts ``first`` and ``second`` are swapped from the day ``ordinal`` on."""

    ordinal: int
    first: str
    second: str
    group: str


def _eligible(days: Sequence[Day], ordinal: int) -> dict[str, str]:
    """Return the people with enough days on both sides, each with the project where most of the earlier ones were spent."""
    before: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    after: dict[str, int] = defaultdict(int)
    for day in days:
        if day.program:
            continue
        if day.ordinal < ordinal:
            before[day.entity][day.group] += 1
        elif day.ordinal < ordinal + WINDOW_DAYS:
            after[day.entity] += 1
    return {
        entity: max(sorted(groups), key=groups.__getitem__)
        for entity, groups in sorted(before.items())
        if sum(groups.values()) >= BEFORE and after[entity] >= AFTER
    }


def _counts(days: Sequence[Day], ordinal: int, entities: Mapping[str, str]) -> dict[str, dict[str, dict[str, float]]]:
    out: dict[str, dict[str, dict[str, float]]] = {entity: defaultdict(lambda: defaultdict(float)) for entity in entities}
    for day in days:
        if day.ordinal < ordinal and day.entity in out:
            for name in LIKENESS_FIELDS:
                for value, weight in day.values.get(name, {}).items():
                    out[day.entity][name][value] += weight
    return out


def _cosine(a: Mapping[str, float], b: Mapping[str, float]) -> float:
    norm = math.sqrt(sum(x * x for x in a.values()) * sum(x * x for x in b.values()))
    return sum(weight * b.get(value, 0.0) for value, weight in a.items()) / norm if norm else 0.0


def draw(days: Sequence[Day], seed: int, *, group: str = "", any_two: bool = False) -> Swap | None:
    """Draw a date, then a pair from the middle third by likeness: of one project, of ``group`` if named, or ``any_two`` accounts."""
    rng = np.random.default_rng(seed)
    first, last = days[0].ordinal, days[-1].ordinal
    for _ in range(ATTEMPTS if last - first > 2 * WINDOW_DAYS else 0):
        ordinal = int(rng.integers(first + WINDOW_DAYS, last - WINDOW_DAYS))
        who = _eligible(days, ordinal)
        pairs = [(a, b) for a in who for b in who if a < b and (any_two or who[a] == who[b]) and group in {"", who[a]}]
        if not pairs:
            continue
        counts = _counts(days, ordinal, who)
        alike = [float(np.mean([_cosine(counts[a][name], counts[b][name]) for name in LIKENESS_FIELDS])) for a, b in pairs]
        order = np.argsort(alike, kind="stable")
        middle = order[len(order) // 3 : max(len(order) // 3 + 1, math.ceil(2 * len(order) / 3))]
        a, b = pairs[int(rng.choice(middle))]
        return Swap(ordinal, a, b, who[a])
    return None


def _renamed(value: str, other: Mapping[str, str]) -> str:
    return " ".join(other.get(word, word) for word in value.split(" "))


def swapped(days: Sequence[Day], swap: Swap) -> Iterator[tuple[Day, bool]]:
    """Yield the days of the window in their order with ids swapped, and whether each is of a swapped account."""
    other = {swap.first: swap.second, swap.second: swap.first}
    for day in days:
        if swap.ordinal <= day.ordinal < swap.ordinal + WINDOW_DAYS:
            values = dict(day.values)
            for name in ("committer", "manner"):
                if name in values:
                    values[name] = {_renamed(value, other): weight for value, weight in values[name].items()}
            new = msgspec.structs.replace(day, entity=other.get(day.entity, day.entity), values=values)
            yield new, day.entity in other
