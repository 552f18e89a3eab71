"""A tenant's estate: hosts, detectors and how loud they are, and what of it changes over the days."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.people import People, build_people
from training.simulator.rows import DAY, NONE, Rows
from training.simulator.rules import PRODUCTS, RULES, Where

COUNTRIES = ("DE", "FR", "US", "GB", "PL", "IN", "BR", "JP", "NG", "VN", "CA", "ES")
_ROLES = ("dc", "mail", "web", "shop", "file", "db", "build", "backup", "scan", "vpn", "print", "decoy", "pentest")
_CRITICALITY = (4, 3, 3, 4, 3, 4, 2, 3, 1, 2, 0, 0, 0)
_EXPOSED = ("mail", "web", "shop", "vpn")
_UNUSED = ("decoy", "pentest")


class Estate(NamedTuple):
    """A sort of tenant: how many people and further servers (from, to), alerts a day, time zone, chance to own a product."""

    name: str
    people: tuple[int, int]
    servers: tuple[int, int]
    volume: tuple[float, float]
    zones: tuple[float, ...]
    owns: dict[str, float]


ESTATES: tuple[Estate, ...] = (
    Estate("office", (45, 80), (2, 8), (140.0, 220.0), (1.0, 2.0), {"cloud": 0.7, "dlp": 0.6}),
    Estate("factory", (35, 60), (8, 20), (120.0, 200.0), (1.0, 8.0), {"cloud": 0.3, "dlp": 0.3, "mail": 0.8}),
    Estate("cloud-first", (40, 90), (15, 30), (170.0, 270.0), (-5.0, -8.0, 0.0), {"cloud": 1.0, "nids": 0.7, "dlp": 0.5}),
    Estate("hospital", (60, 110), (6, 14), (170.0, 270.0), (0.0, 1.0, -6.0), {"dlp": 0.9, "cloud": 0.4}),
    Estate("shop", (30, 55), (4, 12), (120.0, 190.0), (-5.0, 5.5, 9.0), {"cloud": 0.8, "dlp": 0.4}),
)
_OWNED = 0.97
"""Chance to own a product that the estate says nothing of."""
_OUTAGES, _OUTAGE_DAYS = 1 / 70, 1.6
"""Silences of a product per day, and how long they last at least, a day more or less."""
_WOBBLE, _JUMPS = 0.16, 0.03
"""How far a rule's loudness drifts in a week (log), and the chance that somebody tunes it that week."""


@dataclass(frozen=True)
class World:
    """A tenant. Workstation ``i`` belongs to person ``i``; servers come after them.

    ``loudness`` f8[rules, days]: 0 where the detector does not have the rule or is silent. ``volume``: benign alerts a day.
    ``silent`` b[products, days].
    """

    tenant: str
    number: int
    days: int
    hosts: list[str]
    users: list[str]
    people: People
    criticality: NDArray[np.int64]
    exposed: NDArray[np.bool_]
    owned: NDArray[np.bool_]
    loudness: NDArray[np.float64]
    silent: NDArray[np.bool_]
    volume: float
    country: int

    @property
    def workstations(self) -> int:
        """Number of workstations, and of people."""
        return len(self.users)

    def server(self, role: str) -> int:
        """Return the host with that role."""
        return self.workstations + _ROLES.index(role)

    def where(self, place: Where) -> NDArray[np.int64]:
        """Return the hosts at a place; decoys are nowhere."""
        everything = np.arange(len(self.hosts))
        everything = everything[~np.isin(everything, [self.server(role) for role in _UNUSED])]
        if place is Where.WORKSTATION:
            return everything[everything < self.workstations]
        if place is Where.SERVER:
            return everything[everything >= self.workstations]
        return everything[self.exposed[everything]] if place is Where.EXPOSED else everything

    def user_of(self, host: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return whose workstation it is, −1 for servers."""
        return np.where(host < self.workstations, host, NONE)

    def at_work(self, host: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each host is in use that day; servers always are."""
        return (host >= self.workstations) | self.people.present[np.minimum(host, self.workstations - 1), day]

    def staff(self, day: int) -> NDArray[np.int64]:
        """Return who is employed on a day."""
        return np.flatnonzero((self.people.joined <= day) & (self.people.left > day))

    def heard(self, some: Rows) -> Rows:
        """Return the alerts that a detector gives: those of a rule that it has then, on a day when it is not silent."""
        some = some.take((some.time >= 0.0) & (some.time < self.days * DAY))
        return some.take(self.loudness[some.rule, (some.time / DAY).astype(np.int64)] > 0.0)


def build_world(number: int, days: int, rng: np.random.Generator, staff: int | None = None) -> World:
    """Make a tenant, of ``staff`` people where that is said. Names carry no meaning across tenants."""
    estate = ESTATES[int(rng.integers(0, len(ESTATES)))]
    usual = int(rng.integers(*estate.people))
    people = build_people(staff or usual, float(rng.choice(estate.zones)), days, len(COUNTRIES), rng)
    count, more = people.total, int(rng.integers(*estate.servers))
    tags = (rng.permutation(9000)[: count + len(_ROLES) + more] + 1000).tolist()
    kinds = ["ws"] * count + list(_ROLES) + ["app"] * more
    owned = np.array([rng.random() < estate.owns.get(product, _OWNED) for product in PRODUCTS])
    silent = _silences(days, rng)
    return World(
        tenant=f"tenant-{number + 1:03d}",
        number=number,
        days=days,
        hosts=[f"{kind}-{tag}" for kind, tag in zip(kinds, tags, strict=True)],
        users=[f"user{tag}" for tag in (rng.permutation(9000)[:count] + 1000).tolist()],
        people=people,
        criticality=np.concatenate([rng.choice(3, count, p=[0.2, 0.6, 0.2]), _CRITICALITY, rng.integers(0, 5, more)]),
        exposed=np.array([kind in _EXPOSED for kind in kinds]) | (np.array(kinds) == "app") & (rng.random(len(kinds)) < 0.15),
        owned=owned,
        loudness=_loudness(days, owned, silent, rng),
        silent=silent,
        volume=float(rng.uniform(*estate.volume)),
        country=int(rng.integers(0, 8)),
    )


def _silences(days: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    silent = np.zeros((len(PRODUCTS), days), bool)
    for row in silent:
        for first in rng.integers(0, days, rng.poisson(_OUTAGES * days)).tolist():
            row[first : first + 1 + int(rng.poisson(_OUTAGE_DAYS))] = True
    return silent


def _loudness(days: int, owned: NDArray[np.bool_], silent: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.float64]:
    """Each tenant has each rule at a loudness of its own, which drifts from week to week and jumps when somebody tunes it."""
    weeks = days // 7 + 2
    shape = (len(RULES), weeks)
    steps = rng.normal(0.0, _WOBBLE, shape) + np.where(rng.random(shape) < _JUMPS, rng.normal(-0.3, 1.0, shape), 0.0)
    level = np.clip(rng.normal(0.0, 0.7, (len(RULES), 1)) + np.cumsum(steps, axis=1), -3.0, 2.0)
    day = np.arange(days)
    product = np.array([PRODUCTS.index(rule.product) for rule in RULES])
    late = rng.normal(0.0, 4.0, len(RULES))
    since = np.array([rule.since + late[i] if rule.since else 0.0 for i, rule in enumerate(RULES)])
    until = np.array([rule.until for rule in RULES]) + late
    has = (day >= since[:, None]) & (day < until[:, None]) & owned[product][:, None] & ~silent[product]
    return np.where(has, np.exp(level[:, day // 7]), 0.0)
