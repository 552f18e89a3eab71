"""Normal life: work in shifts, what everybody does once in a while, and machines that keep their schedules."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from training.simulator.behaviour.calendar import begin_of_day, home, office, usual_shifts
from training.simulator.behaviour.catalogue import DO, DOINGS, POOLS, PROGRAMS, RARE, REGIONS
from training.simulator.behaviour.deeds import Deeds, Floats, Ints, deeds, together
from training.simulator.behaviour.town import Town, machine_device
from training.simulator.behaviour.work import programs, unit, work
from training.simulator.rows import DAY, HOUR, NONE

_YEAR = 365.0
_FORGOTTEN, _FORGETFUL = 1 / 250, (4, 16)
"""Share of working days on which one's password is forgotten, or an old one kept by a phone; failed logons then, from and to."""
_BOOKED = 0.7
"""Share of trips that are booked from one's own account some days before."""
_EVERY_HOURS = (24.0, 1.0, 24.0, 12.0, 0.5, 24.0, 2.0, 6.0)
_PER_RUN = (12, 2, 5, 3, 1, 4, 2, 6)
"""Of each service account: hours from run to run, and events of a run."""
_RELEASES = 1 / 60
"""Changes of what a service account works on, a day."""
_CONNECTS = 14.0


def ordinary(town: Town, rng: np.random.Generator) -> Deeds:
    """Return what everybody does with nothing bad in mind."""
    return together(
        [work(town, usual_shifts(town, rng), rng), *_now_and_then(town, rng), *_services(town, rng), _machines(town, rng)]
    )


def single(town: Town, who: Ints, time: Floats, name: str, rng: np.random.Generator) -> Deeds:
    """Return one deed of each of ``who`` at their usual place, on something of the deed's pool."""
    day = np.clip((time / DAY).astype(np.int64), 0, town.world.days - 1)
    action = np.full(len(who), DO[name])
    target, pool = who, DOINGS[DO[name]].pool
    if pool:
        size = POOLS[pool].common
        target = (
            town.first[pool]
            + POOLS[pool].own * REGIONS
            + (size * unit(who, action, rng.integers(0, 3, len(who)))).astype(np.int64)
        )
    country = town.country(who, day)
    away = country != town.country(who, np.zeros_like(day))
    address = np.where(away, home(who, day // 3 + 5000 * country), office(town, who))
    return deeds(
        time, account=who, action=action, target=target, address=address, country=country, device=town.laptop(who, time),
        program=programs(who, action, target),
    )  # fmt: skip


def _now_and_then(town: Town, rng: np.random.Generator) -> Iterator[Deeds]:
    """What everybody does some times a year, and administrators more often; forgotten passwords, trips booked, new laptops."""
    who, day = np.nonzero(town.world.people.present)
    moment = begin_of_day(town, who, day) + rng.uniform(0.0, 9.0, len(who)) * HOUR
    for name, (yearly, times) in RARE.items():
        chance = yearly / 230.0 * np.where(town.world.people.privileged[who], times, 1.0)
        at = np.flatnonzero(rng.random(len(who)) < chance)
        yield single(town, who[at], moment[at], name, rng)
    at = np.flatnonzero(rng.random(len(who)) < _FORGOTTEN)
    again = np.repeat(at, rng.integers(*_FORGETFUL, len(at)))
    failed = single(town, who[again], moment[again] + rng.uniform(0.0, 0.5 * HOUR, len(again)), "logon", rng)
    yield failed.but(failed=np.ones(len(again)))
    abroad = town.world.people.abroad > 0
    traveller, first = np.nonzero(abroad[:, 1:] & ~abroad[:, :-1])
    booked = (rng.random(len(first)) < _BOOKED) & (first > 6)
    when = begin_of_day(town, traveller, first) - rng.integers(2, 6, len(first)) * DAY + HOUR
    yield single(town, traveller[booked], when[booked], "travel.book", rng)
    new = np.flatnonzero(np.isfinite(town.replaced))
    yield single(town, new, town.replaced[new] + 60.0, "device.register", rng)


def _services(town: Town, rng: np.random.Generator) -> Iterator[Deeds]:
    """Service accounts run by the clock, on a fixed list of things that changes with releases."""
    names = ("backup.read", "api.call", "job.run", "server.command", "api.call", "job.run", "mail.send", "job.run")
    for number, (account, name) in enumerate(zip(town.services.tolist(), names, strict=True)):
        run = np.arange(0.0, town.world.days * 24.0, _EVERY_HOURS[number]) * HOUR + unit(number, 5)[0] * HOUR
        release = np.cumsum(rng.random(len(run)) < _RELEASES * _EVERY_HOURS[number] / 24.0)
        row, item = np.divmod(np.arange(len(run) * _PER_RUN[number]), _PER_RUN[number])
        pool = DOINGS[DO[name]].pool
        places = unit(town.world.number * 100 + number, item, release[row] // (1 + item % 3))
        size = POOLS[pool].common if pool else len(town.world.hosts) - town.total
        first = town.first[pool] + POOLS[pool].own * REGIONS if pool else town.total
        host = number % len(town.machines)
        yield deeds(
            run[row] + item * 20.0 + rng.exponential(15.0, len(row)), account=account, action=DO[name],
            target=first + (size * places).astype(np.int64), address=(10 << 24) + int(town.machine_hosts[host]), country=town.world.country,
            device=int(machine_device(town, np.array(host))), program=PROGRAMS.index(DOINGS[DO[name]].programs[0]),
            failed=rng.random(len(row)) < 0.01,
        )  # fmt: skip


def _machines(town: Town, rng: np.random.Generator) -> Deeds:
    """Hosts connect to the same few others all day, workstations in working hours, and start their own programs."""
    count = rng.poisson(_CONNECTS, (len(town.machines), town.world.days))
    number, day = np.divmod(np.repeat(np.arange(count.size), count.ravel()), town.world.days)
    served = town.machine_hosts[number] >= town.total
    moment = day * DAY + np.where(served, rng.uniform(0.0, 24.0, len(day)), rng.uniform(7.0, 18.0, len(day))) * HOUR
    starts = rng.random(len(day)) < 0.3
    slot = rng.geometric(0.3, len(day))
    servers = len(town.world.hosts) - town.total
    peer = town.total + (unit(number, slot, town.world.number) * servers).astype(np.int64)
    peer = np.where(rng.random(len(day)) < 0.03, rng.integers(0, len(town.world.hosts), len(day)), peer)
    tool = town.first["tool"] + POOLS["tool"].own * REGIONS + (unit(number, slot, 3) * POOLS["tool"].common).astype(np.int64)
    return deeds(
        moment, account=town.machines[number], action=np.where(starts, DO["process.start"], DO["connect"]),
        target=np.where(starts, tool, peer), address=(10 << 24) + town.machine_hosts[number], country=NONE,
        device=machine_device(town, number), program=PROGRAMS.index("system"),
    )  # fmt: skip
