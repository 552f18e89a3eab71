"""Who acts in a tenant and how each of them differs: people, shared and service accounts, machines, and all that they act upon."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulator.behaviour.catalogue import POOLS, PROJECTS, REGIONS, steps
from training.simulator.behaviour.deeds import Floats, Ints
from training.simulator.people import DEPARTMENTS
from training.simulator.rows import DAY, mixed
from training.simulator.world import COUNTRIES, World

_PACE = (16.0, 0.55)
"""Events on a working day: the middle person's, and how much people differ (log)."""
_PHONES, _OWLS, _COMMUTERS, _FAR, _TUNNELS = 0.7, 0.04, 0.06, 0.08, 0.03
"""Shares of the staff: has a phone, works late, goes to and fro between two countries, works in another zone, hides its address."""
_ZONES = (-6.0, -5.0, 3.5, 7.0)
_REPLACED, _RENAMED = 0.35, 0.06
"""A year: share of laptops replaced, of accounts renamed."""
_SHARED, _SHARED_BY = 3, 5
SERVICES = ("backup", "sync", "reports", "deploy", "monitor", "billing", "mailer", "etl")
ATTACKERS_DEVICES = 64
_YEAR = 365.0


@dataclass(frozen=True)
class Town:
    """A tenant as it acts. Accounts: person ``i`` is account ``i``, then second names, shared, service accounts and machines.

    P people: ``pace`` f8[P] events a day; ``steps`` f4[2, P, daily, daily] cumulative chances, before and after a change of job;
    ``late`` f8[P] hours by which their clock differs; ``elsewhere`` i8[P] a second country (0: none); ``far`` b[P] lives there,
    else goes to and fro; ``replaced`` and ``renamed`` f8[P] seconds; ``second`` i8[P] the account after it was renamed. Devices:
    laptops, phones, new laptops, those of shared accounts, machines' own, attackers'.
    """

    world: World
    accounts: tuple[str, ...]
    kinds: tuple[str, ...]
    devices: tuple[str, ...]
    targets: tuple[str, ...]
    target_kinds: tuple[str, ...]
    first: dict[str, int]
    pace: Floats
    steps: NDArray[np.float32]
    at_home: Floats
    phone: NDArray[np.bool_]
    owl: NDArray[np.bool_]
    tunnel: NDArray[np.bool_]
    late: Floats
    elsewhere: Ints
    far: NDArray[np.bool_]
    project: Ints
    replaced: Floats
    renamed: Floats
    second: Ints
    shared: Ints
    members: Ints
    services: Ints
    machines: Ints
    machine_hosts: Ints

    @property
    def total(self) -> int:
        """Number of people."""
        return len(self.world.users)

    def laptop(self, who: Ints, time: Floats) -> Ints:
        """Return the device that each works with at that time."""
        return np.where(time >= self.replaced[who], 2 * self.total + who, who)

    def phones(self, who: Ints) -> Ints:
        """Return each one's phone."""
        return self.total + who

    def country(self, who: Ints, day: Ints) -> Ints:
        """Return in which country each is on that day."""
        week = (day // 7 + who) % 2 == 1
        there = np.where(self.far[who] | week, self.elsewhere[who], 0)
        abroad = self.world.people.abroad[who, day].astype(np.int64)
        return (self.world.country + np.where(abroad > 0, abroad, there)) % len(COUNTRIES)


def build_town(world: World, rng: np.random.Generator) -> Town:
    """Give everybody in a tenant their ways."""
    people, total = world.people, len(world.users)
    renamed = np.where(rng.random(total) < _RENAMED * world.days / _YEAR, rng.uniform(0.0, world.days * DAY, total), np.inf)
    second = np.full(total, -1)
    changed = np.flatnonzero(np.isfinite(renamed))
    second[changed] = total + np.arange(len(changed))
    servers = np.arange(total, len(world.hosts))
    machines = np.append(servers[:14], rng.choice(total, min(10, total), replace=False))
    names = [
        *world.users, *(f"{world.users[who]}.new" for who in changed), *(f"shared-{n}" for n in range(_SHARED)),
        *(f"svc-{name}" for name in SERVICES), *(world.hosts[host] for host in machines),
    ]  # fmt: skip
    at = total + len(changed)
    kinds = ["user"] * (at + _SHARED) + ["application"] * len(SERVICES) + ["host"] * len(machines)
    far = rng.random(total) < _FAR
    moves = ~far & (rng.random(total) < _COMMUTERS)
    targets, target_kinds, first = _targets(world)
    return Town(
        world=world, accounts=tuple(names), kinds=tuple(kinds), devices=_devices(world, machines),
        targets=targets, target_kinds=target_kinds, first=first,
        pace=_PACE[0] * rng.lognormal(0.0, _PACE[1], total), steps=_steps(world, rng), at_home=rng.beta(0.8, 1.6, total),
        phone=rng.random(total) < _PHONES, owl=rng.random(total) < _OWLS, tunnel=rng.random(total) < _TUNNELS,
        late=np.where(far, rng.choice(_ZONES, total), 0.0),
        elsewhere=np.where(far | moves, rng.integers(1, len(COUNTRIES), total), 0), far=far,
        project=rng.integers(0, PROJECTS, total),
        replaced=np.where(rng.random(total) < _REPLACED * world.days / _YEAR, rng.uniform(0.0, world.days * DAY, total), np.inf),
        renamed=renamed, second=second, shared=at + np.arange(_SHARED),
        members=np.stack([rng.choice(np.flatnonzero(people.joined < 0), _SHARED_BY, replace=False) for _ in range(_SHARED)]),
        services=at + _SHARED + np.arange(len(SERVICES)), machines=at + _SHARED + len(SERVICES) + np.arange(len(machines)),
        machine_hosts=machines,
    )  # fmt: skip


def _devices(world: World, machines: Ints) -> tuple[str, ...]:
    tag = [host.split("-")[-1] for host in world.hosts[: len(world.users)]]
    return (
        *world.hosts[: len(world.users)], *(f"phone-{t}" for t in tag), *(f"nb-{t}" for t in tag),
        *(f"desk-{n}" for n in range(_SHARED)), *(world.hosts[host] for host in machines),
        *(f"unknown-{mixed(n, world.number)[0] % np.uint64(10**8)}" for n in range(ATTACKERS_DEVICES)),
    )  # fmt: skip


def shared_device(town: Town, number: Ints) -> Ints:
    """Return the device of each shared account."""
    return 3 * town.total + number


def machine_device(town: Town, number: Ints) -> Ints:
    """Return the device that each machine is."""
    return 3 * town.total + _SHARED + number


def attackers_device(town: Town, number: int) -> int:
    """Return a device that no one of the house has."""
    return 3 * town.total + _SHARED + len(town.machines) + number % ATTACKERS_DEVICES


def _steps(world: World, rng: np.random.Generator) -> NDArray[np.float32]:
    """Everybody does their department's work in their own way."""
    jobs = np.stack([world.people.department, world.people.next_department])
    chance = steps()[jobs] * rng.lognormal(0.0, 0.5, (len(world.users), 1, steps().shape[2]))
    cumulative = np.cumsum(chance / chance.sum(axis=3, keepdims=True), axis=3)
    return cumulative.astype(np.float32)


def _targets(world: World) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, int]]:
    """Return names and kinds of everything acted upon: hosts, mailboxes, then pool by pool, region by region."""
    names = [*world.hosts, *(f"{name}@corp.example" for name in world.users)]
    kinds = ["host"] * len(world.hosts) + ["mailbox"] * len(world.users)
    regions = [d.name for d in DEPARTMENTS] + [f"project{n}" for n in range(PROJECTS)]
    first: dict[str, int] = {"mailbox": len(world.hosts)}
    for name, pool in POOLS.items():
        first[name] = len(names)
        names += [pool.form.format(r=region, n=n) for region in regions for n in range(pool.own)]
        names += [pool.form.format(r="all", n=n) for n in range(pool.common)]
        kinds += [pool.kind] * (pool.own * REGIONS + pool.common)
    return tuple(names), tuple(kinds), first
