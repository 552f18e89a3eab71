"""A tenant: its hosts, its people and their hours, and which rules fire on whom out of habit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.rules import RULES, Where

DAY = 86_400.0
NOBODY = -1
_DEPARTMENTS = ("sales", "finance", "engineering", "support", "administration")
_SERVERS = ("dc", "mail", "web", "shop", "file", "db", "build", "backup", "scan", "vpn", "print", "decoy")
_CRITICALITY = (4, 3, 3, 4, 3, 4, 2, 3, 1, 2, 0, 0)
_EXPOSED = ("mail", "web", "shop", "vpn")


class Rows(NamedTuple):
    """n alerts as columns, in any order.

    ``host`` and ``user`` index the world's, −1 for none. ``source``: ≥ 0 a host of the tenant, −1 none, below that an
    outside address. ``domain``: number of an outside domain or −1. ``origin``: index into ``ORIGINS``; ``incident`` and
    ``step`` are −1 unless an attacker did it.
    """

    time: NDArray[np.float64]
    rule: NDArray[np.int64]
    host: NDArray[np.int64]
    user: NDArray[np.int64]
    source: NDArray[np.int64]
    domain: NDArray[np.int64]
    origin: NDArray[np.int64]
    incident: NDArray[np.int64]
    step: NDArray[np.int64]

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
        """Return the rows at ``index`` (positions or a mask)."""
        return Rows(self.time[index], *(column[index] for column in self[1:]))


ORIGINS = ("noise", "habit", "scanner", "backup", "admin", "onboarding", "attack")


def rows(time: NDArray[np.float64], origin: str, **columns: object) -> Rows:
    """Return rows with the columns given (arrays or single numbers) and −1 in the others."""
    filled = {name: columns.get(name, -1) for name in Rows._fields[1:]} | {"origin": ORIGINS.index(origin)}
    return Rows(time, *(np.broadcast_to(np.asarray(value, np.int64), time.shape).copy() for value in filled.values()))


def joined(parts: list[Rows]) -> Rows:
    """Return all rows, one part after the other."""
    time, *others = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Rows(time, *others)


@dataclass(frozen=True)
class World:
    """What does not change during a simulation. Workstation ``i`` belongs to user ``i``; servers come after them."""

    tenant: str
    number: int
    hosts: list[str]
    users: list[str]
    criticality: NDArray[np.int64]
    exposed: NDArray[np.bool_]
    department: NDArray[np.int64]
    privileged: NDArray[np.bool_]
    starts: NDArray[np.float64]
    rates: NDArray[np.float64]

    @property
    def servers(self) -> NDArray[np.int64]:
        """Hosts that are servers."""
        return np.arange(len(self.users), len(self.hosts))

    def server(self, role: str) -> int:
        """Return the host with that role."""
        return len(self.users) + _SERVERS.index(role)

    def where(self, place: Where) -> NDArray[np.int64]:
        """Return the hosts at a place; decoys are nowhere."""
        if place is Where.WORKSTATION:
            return np.arange(len(self.users), dtype=np.int64)
        servers = self.servers[self.servers != self.server("decoy")]
        if place is Where.SERVER:
            return np.asarray(servers, np.int64)
        if place is Where.EXPOSED:
            return np.asarray(servers[self.exposed[servers]], np.int64)
        return np.concatenate([np.arange(len(self.users)), servers])

    def user_of(self, host: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return whose workstation it is, −1 for servers."""
        return np.where(host < len(self.users), host, NOBODY)

    def working_times(self, who: NDArray[np.int64], days: float, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return a moment for each row: in the user's hours on a weekday mostly, at any time for servers."""
        day = rng.integers(0, max(int(days), 1), len(who)).astype(np.float64)
        weekend = (day % 7.0 >= 5.0) & (rng.random(len(who)) < 0.9)
        day = np.where(weekend & (who >= 0), np.maximum(day - 2.0 - (day % 7.0 - 5.0), 0.0), day)
        hour = np.where(
            who >= 0, self.starts[np.maximum(who, 0)] + rng.beta(1.6, 1.8, len(who)) * 9.5, rng.uniform(0, 24, len(who))
        )
        return np.clip((day + hour / 24.0) * DAY, 0.0, days * DAY - 1.0)


def build_world(number: int, rng: np.random.Generator) -> World:
    """Make a tenant. Names carry no meaning across tenants; how loud each rule is differs widely."""
    tenant = f"tenant-{number + 1:03d}"
    count = int(rng.integers(30, 60))
    tags = rng.permutation(9000)[: count + len(_SERVERS)] + 1000
    hosts = [f"{'ws' if i < count else _SERVERS[i - count]}-{tag}" for i, tag in enumerate(tags.tolist())]
    return World(
        tenant=tenant,
        number=number,
        hosts=hosts,
        users=[f"user{tag}" for tag in (rng.permutation(9000)[:count] + 1000).tolist()],
        criticality=np.concatenate([rng.choice([0, 1, 2], count, p=[0.2, 0.6, 0.2]), _CRITICALITY]),
        exposed=np.array([False] * count + [role in _EXPOSED for role in _SERVERS]),
        department=rng.integers(0, len(_DEPARTMENTS), count),
        privileged=rng.random(count) < 0.1,
        starts=rng.choice([6.0, 8.0, 13.0]) + rng.normal(0.0, 0.8, count),
        rates=rng.lognormal(0.0, 0.7, len(RULES)),
    )


def department(number: int) -> str:
    """Return a department's name."""
    return _DEPARTMENTS[number]
