"""People and their calendar: who works when and where, who joins, leaves, moves, travels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.rows import DAY, HOUR


class Department(NamedTuple):
    """``share`` of the staff; ``start``: hour at which most begin; ``weekend``: chance to work then; ``privileged``: share
    with administrative rights; ``travel``: trips a year. ``habits``: how much of each action (see ``activity``) they do.
    """

    name: str
    share: float
    start: float
    weekend: float
    privileged: float
    travel: float
    habits: tuple[float, ...]


DEPARTMENTS: tuple[Department, ...] = (
    Department("sales", 0.24, 8.5, 0.04, 0.0, 4.0, (2, 3, 2, 6, 5, 4)),
    Department("finance", 0.14, 8.0, 0.02, 0.02, 0.5, (2, 3, 6, 5, 2, 3)),
    Department("engineering", 0.26, 9.5, 0.06, 0.12, 1.0, (3, 7, 4, 2, 6, 4)),
    Department("support", 0.16, 7.0, 0.25, 0.05, 0.2, (3, 4, 2, 5, 4, 3)),
    Department("management", 0.08, 8.0, 0.08, 0.02, 5.0, (2, 2, 3, 7, 3, 3)),
    Department("administration", 0.12, 8.5, 0.10, 0.60, 0.5, (6, 6, 3, 2, 4, 5)),
)
_TURNOVER, _MOVES, _HOLIDAYS, _LEAVES = 0.25, 0.15, 10.0, 3.0
"""A year: share of the staff that leaves (and is replaced), share that changes department, public holidays, times off."""
_YEAR = 365.0


class People(NamedTuple):
    """P people over D days.

    ``joined``, ``left``, ``moved`` f8[P]: day numbers; ``department`` and ``next_department`` i8[P]: before and after the
    move; ``privileged`` b[P]; ``start`` f8[P]: UTC hour; ``present`` b[P, D]; ``abroad`` i8[P, D]: country or 0 for home.
    """

    joined: NDArray[np.float64]
    left: NDArray[np.float64]
    moved: NDArray[np.float64]
    department: NDArray[np.int64]
    next_department: NDArray[np.int64]
    privileged: NDArray[np.bool_]
    start: NDArray[np.float64]
    present: NDArray[np.bool_]
    abroad: NDArray[np.int8]

    @property
    def total(self) -> int:
        """Number of people."""
        return len(self.joined)

    def department_on(self, who: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the department of each of ``who`` on that ``day``."""
        return np.where(day < self.moved[who], self.department[who], self.next_department[who])

    def moments(self, who: NDArray[np.int64], day: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a moment on each ``day``: in the person's hours, at any hour for nobody (−1)."""
        hours = np.where(who >= 0, self.start[who] + rng.beta(1.6, 1.8, len(who)) * 9.5, rng.uniform(0.0, 24.0, len(who)))
        return day * DAY + np.clip(hours, 0.0, 23.999) * HOUR


def build_people(count: int, zone: float, days: int, countries: int, rng: np.random.Generator) -> People:
    """Let ``count`` people and their successors live through ``days``. ``zone``: hours east of UTC."""
    joiners = int(rng.poisson(_TURNOVER * count * days / _YEAR))
    total = count + joiners
    shares = np.array([department.share for department in DEPARTMENTS])
    department = rng.choice(len(DEPARTMENTS), total, p=shares / shares.sum())
    joined = np.concatenate([np.full(count, -1.0), rng.uniform(0.0, days, joiners)])
    start = np.array([d.start for d in DEPARTMENTS])[department] + rng.normal(0.0, 0.8, total) - zone
    people = People(
        joined=joined,
        left=np.maximum(joined, 0.0) + rng.exponential(_YEAR / _TURNOVER, total) + 5.0,
        moved=rng.exponential(_YEAR / _MOVES, total),
        department=department,
        next_department=rng.integers(0, len(DEPARTMENTS), total),
        privileged=rng.random(total) < np.array([d.privileged for d in DEPARTMENTS])[department],
        start=np.clip(start, 0.0, 16.0),
        present=np.zeros((total, days), bool),
        abroad=np.zeros((total, days), np.int8),
    )
    people.privileged[rng.permutation(count)[:2]] = True
    return people._replace(present=_present(people, days, rng), abroad=_abroad(people, days, countries, rng))


def _present(people: People, days: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    day = np.arange(days)
    weekend = np.array([d.weekend for d in DEPARTMENTS])[people.department]
    chance = np.where(day % 7 >= 5, weekend[:, None], 0.97)
    chance = np.where(rng.random(days) < _HOLIDAYS / _YEAR, weekend[:, None], chance)
    employed = (day >= people.joined[:, None]) & (day < people.left[:, None])
    off = _spans(people.total, days, _LEAVES, 8.0, rng) > 0
    return (rng.random(chance.shape) < chance) & employed & ~off


def _abroad(people: People, days: int, countries: int, rng: np.random.Generator) -> NDArray[np.int8]:
    trips = np.array([d.travel for d in DEPARTMENTS])[people.department]
    where = rng.integers(1, countries, people.total)
    away = _spans(people.total, days, trips, 3.0, rng) > 0
    return np.where(away, where[:, None], 0).astype(np.int8)


def _spans(
    count: int, days: int, yearly: float | NDArray[np.float64], length: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return i8[count, days]: in how many spans of about ``length`` days, ``yearly`` of them a year, each day lies."""
    numbers = rng.poisson(np.broadcast_to(np.asarray(yearly) * days / _YEAR, count))
    who = np.repeat(np.arange(count), numbers)
    first = rng.integers(0, days, len(who))
    last = np.minimum(first + 1 + rng.poisson(length, len(who)), days)
    steps = np.zeros((count, days + 1), np.int64)
    np.add.at(steps, (who, first), 1)
    np.add.at(steps, (who, last), -1)
    return np.cumsum(steps, axis=1)[:, :days]
