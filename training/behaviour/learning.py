"""Weights of evidence without labels: a day is credited to a colleague who did not make it, and told from the colleague's own.

Each project's weights come from *other* projects only, so what is scored has not chosen what it is scored by.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression

from models.behaviour.day import Day
from models.behaviour.evidence import PLAIN, STRANGER, Evidence, Weights, evidence
from models.behaviour.profiles import Profiles
from models.behaviour.stream import evidence_of
from models.behaviour.watch import COLD_DAYS

RECENT_HALF_LIFE_DAYS = 60.0
LEAST_DAYS = 200
"""Projects together with fewer simulated impostors teach nothing."""
RIDGE = 0.3
RIVALS, SMALL = 24, 0.001
"""So many rivals of a day teach, and a penalty on large counts of fields."""
MOST_PARTS = 10
"""So many times weights are learned: where there are more projects (each thing worked on may be one), they are left out by parts."""
LEAST_SPREAD = 0.05
"""Evidence that varies less (a field with one value only) says nothing, however well the little that it varies fits."""
_Key = tuple[str, str]


class Lesson(NamedTuple):
    """The evidence of one day, whether it was credited to somebody else, and the project where it was made."""

    vector: NDArray[np.float64]
    impostor: bool
    group: str
    rivals: NDArray[np.float32] = np.zeros((0, 0), np.float32)
    """By field, how much better each of the accounts that explain an account's own day best does so."""


class Walked(NamedTuple):
    """The days of a history, each with its evidence as of then (``None``: too new an account), and what they teach."""

    days: list[tuple[Day, Evidence | None]]
    lessons: list[Lesson]


class _Colleagues:
    """Who lately worked on what, so that an impostor's day is credited to accounts as often as they are active."""

    def __init__(self) -> None:
        self._active: dict[_Key, dict[_Key, tuple[float, int]]] = {}

    def add(self, day: Day) -> None:
        there = self._active.setdefault((day.tenant, day.group), {})
        weight, last = there.get((day.tenant, day.entity), (0.0, day.ordinal))
        there[day.tenant, day.entity] = (weight * _decay(day.ordinal - last) + 1.0, day.ordinal)

    def draw(self, day: Day, profiles: Profiles, rng: np.random.Generator) -> str | None:
        there = self._active.get((day.tenant, day.group), {})
        known = [
            (key[1], weight * _decay(day.ordinal - last))
            for key, (weight, last) in there.items()
            if key[1] != day.entity and profiles.active_days(*key) >= COLD_DAYS
        ]
        total = sum(weight for _, weight in known)
        if total <= 0:
            return None
        return known[int(rng.choice(len(known), p=[weight / total for _, weight in known]))][0]


def _decay(days: int) -> float:
    return float(2.0 ** (-days / RECENT_HALF_LIFE_DAYS))


def fields_of(days: Sequence[Day]) -> tuple[str, ...]:
    """Return all fields that occur in ``days``."""
    return tuple(sorted({name for day in days for name in day.values}))


def walk(days: Sequence[Day], *, seed: int = 0) -> Walked:
    """Judge each day by what was known before it, then learn it; ``days`` are in order of time."""
    profiles, colleagues, rng = Profiles(fields_of(days)), _Colleagues(), np.random.default_rng(seed)
    seen: list[tuple[Day, Evidence | None]] = []
    lessons: list[Lesson] = []
    for day in days:
        own = evidence_of(profiles, day)
        seen.append((day, own))
        if own is not None and not day.program:
            lessons.append(Lesson(own.vector, False, day.group, _closest(own)))
            other = colleagues.draw(day, profiles, rng)
            if other is not None:
                lessons.append(Lesson(evidence(profiles, day, other).vector, True, day.group))
        profiles.learn(day)
        if not day.program:
            colleagues.add(day)
    return Walked(seen, lessons)


def _closest(own: Evidence) -> NDArray[np.float32]:
    known = own.ratios[own.rivals != STRANGER]
    closest: NDArray[np.float32] = known[np.argsort(-known.sum(axis=1), kind="stable")[:RIVALS]].astype(np.float32)
    return closest


def learn_each(lessons: Sequence[Lesson], fields: tuple[str, ...]) -> tuple[float, ...]:
    """Return what each field counts when it is asked whose a day is, of the account and its rivals (a conditional logit).

    No field counts against whom it suits. A project counts by the root of its days, so that the largest does not speak alone.
    """
    own = [lesson for lesson in lessons if len(lesson.rivals)]
    if len(own) < LEAST_DAYS:
        return (PLAIN,) * len(fields)
    ratios = np.concatenate([lesson.rivals for lesson in own]).astype(float)
    size = np.array([len(lesson.rivals) for lesson in own])
    start = np.cumsum(size) - size
    _, group, days = np.unique([lesson.group for lesson in own], return_inverse=True, return_counts=True)
    share = 1 / np.sqrt(days[group])
    share /= share.sum()

    def loss(each: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        score = ratios @ each
        most = np.maximum(np.maximum.reduceat(score, start), 0.0)
        odds = np.exp(score - np.repeat(most, size))
        total = np.add.reduceat(odds, start) + np.exp(-most)
        slope = ratios.T @ (odds / np.repeat(total, size) * np.repeat(share, size))
        return float(share @ (most + np.log(total))) + SMALL * float(each @ each), slope + 2 * SMALL * each

    fitted = minimize(loss, np.full(len(fields), 0.3), jac=True, method="L-BFGS-B", bounds=[(0.0, None)] * len(fields))
    return tuple(float(one) for one in fitted.x)


def learn_weights(lessons: Sequence[Lesson], fields: tuple[str, ...]) -> Weights:
    """Fit the logistic weighing, each project counting the same; the textbook's weights where there is too little to learn from."""
    y = np.array([lesson.impostor for lesson in lessons], bool)
    if y.sum() < LEAST_DAYS or (~y).sum() < LEAST_DAYS:
        return Weights.plain(fields)
    x = np.array([lesson.vector for lesson in lessons])
    _, group, size = np.unique([lesson.group for lesson in lessons], return_inverse=True, return_counts=True)
    weight = len(y) / len(size) / size[group]
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), LEAST_SPREAD)
    fitted = LogisticRegression(C=RIDGE, max_iter=1000).fit((x - mean) / scale, y, sample_weight=weight)
    vector = fitted.coef_[0] / scale
    return Weights.from_vector(fields, vector, float(fitted.intercept_[0] - vector @ mean), learn_each(lessons, fields))


def weights_by_project(walked: Walked, fields: tuple[str, ...]) -> Mapping[str, Weights]:
    """Return for each project the weights learned from all others; of very many, from those of the other parts."""
    groups = sorted({day.group for day, _ in walked.days})
    part = {group: number % MOST_PARTS for number, group in enumerate(groups)}
    found = {
        left_out: learn_weights([lesson for lesson in walked.lessons if part[lesson.group] != left_out], fields)
        for left_out in sorted(set(part.values()))
    }
    return {group: found[part[group]] for group in groups}
