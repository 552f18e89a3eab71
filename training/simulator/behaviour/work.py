"""Shifts of work turned into events: what is done next, when, on what, and by which device."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.behaviour.catalogue import DAILY, DO, DOINGS, POOLS, PROGRAMS, REGIONS
from training.simulator.behaviour.deeds import Deeds, Floats, Ints, deeds
from training.simulator.behaviour.town import Town
from training.simulator.people import DEPARTMENTS
from training.simulator.rows import DAY, HOUR, NONE, mixed

MOST_A_SHIFT = 400
_SLOTS, _PERIOD_DAYS = 14, 75
"""Favourites of each sort, and how long one stays one, give or take."""
_STRAY = 0.008
"""Share of what people touch that belongs to any department."""
_BY_PHONE = 0.35
_POPULARITY = 2.0
"""Of a region's things, the first are wanted most: a uniform number to this power says which."""
_OWN, _SHARED_BY_ALL = 0.55, 0.25
"""Share of favourites that belong to the department, and to everybody; the rest to one's project."""
_PROGRAM_COUNT = np.array([len(doing.programs) for doing in DOINGS])


class Shifts(NamedTuple):
    """n shifts. ``account`` works with the ways of the person ``who``, from ``start`` (seconds) for ``hours``: ``volume`` events.

    ``device`` −1: the person's own, with phone; ``address`` of the laptop; ``country``.
    """

    account: Ints
    who: Ints
    start: Floats
    hours: Floats
    volume: Ints
    address: Ints
    country: Ints
    device: Ints

    def take(self, index: Ints | NDArray[np.bool_]) -> Shifts:
        """Return the shifts at ``index`` (positions or a mask)."""
        columns: Iterator[NDArray[Any]] = (column[index] for column in self)
        return Shifts(*columns)


def work(town: Town, shifts: Shifts, rng: np.random.Generator, case: int = NONE) -> Deeds:
    """Return what is done in the shifts, in order of shift and time."""
    volume = np.clip(shifts.volume, 1, MOST_A_SHIFT)
    row = np.repeat(np.arange(len(volume)), volume)
    time = _times(shifts, volume, row, rng)
    action = _actions(town, shifts, volume, rng)
    who = shifts.who[row]
    target = habitual(town, who, time, action, rng)
    can = np.array([doing.by_phone for doing in DOINGS])[action] & town.phone[who] & (shifts.device[row] == NONE)
    phone = can & (rng.random(len(row)) < _BY_PHONE)
    device = np.where(shifts.device[row] == NONE, np.where(phone, town.phones(who), town.laptop(who, time)), shifts.device[row])
    logon = action == DO["logon"]
    target = np.where(logon, who, np.where(action == DO["mail.read"], town.first["mailbox"] + who, target))
    return deeds(
        time, account=shifts.account[row], action=action, target=target,
        address=np.where(phone, carrier(town, who, time), shifts.address[row]), country=shifts.country[row], device=device,
        program=programs(who, action, target), failed=rng.random(len(row)) < np.where(logon, 0.03, 0.008), case=case,
    )  # fmt: skip


def carrier(town: Town, who: Ints, time: Floats) -> Ints:
    """Return the address that a telephone company gives to a phone for some hours; many share few."""
    return (198 << 24) + (19 << 16) + (mixed(who, (time / (6 * HOUR)).astype(np.int64)) % np.uint64(60)).astype(np.int64)


def programs(who: Ints, action: Ints, target: Ints) -> Ints:
    """Return with which program each does it: mostly always the same."""
    number = mixed(who, action, np.where(mixed(target, action) % np.uint64(8) == 0, 1, 0))
    names = np.array([[PROGRAMS.index(d.programs[i % len(d.programs)]) for i in range(3)] for d in DOINGS])
    return names[action, (number % _PROGRAM_COUNT[action].astype(np.uint64)).astype(np.int64)]


def _times(shifts: Shifts, volume: Ints, row: Ints, rng: np.random.Generator) -> Floats:
    """Events come in sittings, some to a shift; in each of them one soon after the other."""
    sittings = 1 + volume // 8
    begin = rng.beta(1.4, 1.5, int(sittings.sum())) * np.repeat(shifts.hours * HOUR, sittings)
    which = (np.cumsum(sittings) - sittings)[row] + (rng.random(len(row)) * sittings[row]).astype(np.int64)
    time: Floats = shifts.start[row] + begin[which] + rng.exponential(500.0, len(row))
    return time[np.lexsort((time, row))]


def _actions(town: Town, shifts: Shifts, volume: Ints, rng: np.random.Generator) -> Ints:
    """Walk everybody's chain of doings; each shift begins with a logon."""
    begin, who = np.cumsum(volume) - volume, shifts.who
    job = (shifts.start / DAY >= town.world.people.moved[who]).astype(np.int64)
    out = np.full(int(volume.sum()), DO["logon"])
    state = np.full(len(who), DO["logon"])
    for step in range(1, int(volume.max(initial=0))):
        row = np.flatnonzero(volume > step)
        chances = town.steps[job[row], who[row], state[row]]
        state[row] = np.minimum((chances < rng.random((len(row), 1))).sum(axis=1), DAILY - 1)
        out[begin[row] + step] = state[row]
    return out


def habitual(town: Town, who: Ints, time: Floats, action: Ints, rng: np.random.Generator) -> Ints:
    """Return a target for each: mostly a favourite of these weeks, else another of one's own region, seldom any."""
    day = np.clip((time / DAY).astype(np.int64), 0, town.world.days - 1)
    slot = np.minimum(rng.geometric(0.25, len(who)) - 1, _SLOTS - 1)
    phase = (mixed(who, action % 5, slot) % np.uint64(_PERIOD_DAYS)).astype(np.int64)
    out = np.full(len(who), NONE)
    department = town.world.people.department_on(who, day)
    for name, pool in POOLS.items():
        at = np.flatnonzero(np.isin(action, [number for number, doing in enumerate(DOINGS) if doing.pool == name]))
        period = (day[at] + phase[at]) // _PERIOD_DAYS
        places = [unit(who[at], slot[at], period, town.first[name] + salt) for salt in (0, 1)]
        explores = rng.random(len(at)) < pool.explore
        sort = np.where(explores, rng.random(len(at)), places[0])
        number = np.where(explores, rng.random(len(at)), places[1])
        region = np.where(sort < _OWN, department[at], len(DEPARTMENTS) + town.project[who[at]])
        region = np.where((sort >= _OWN) & (sort < _OWN + _SHARED_BY_ALL), REGIONS, region)
        region = np.where(rng.random(len(at)) < _STRAY, rng.integers(0, REGIONS, len(at)), region)
        out[at] = placed(town, name, region, number)
    at = np.flatnonzero(np.isin(action, [DO["server.logon"], DO["server.command"]]))
    out[at] = _server(town, who[at], slot[at], rng)
    return out


def unit(*numbers: Ints | int) -> Floats:
    """Return a number in [0, 1) that is always the same for the same ``numbers``."""
    return (mixed(*numbers) % np.uint64(1 << 30)).astype(np.float64) / float(1 << 30)


def placed(town: Town, pool: str, region: Ints, number: Floats) -> Ints:
    """Return the thing of a region (or of everybody, where it has none) that a number in [0, 1) means; low ones are popular."""
    own, common = POOLS[pool].own, POOLS[pool].common
    region = np.where(region < REGIONS, region if own else REGIONS, REGIONS)
    size = np.where(region < REGIONS, own, common)
    return town.first[pool] + region * own + (size * number**_POPULARITY).astype(np.int64)


def _server(town: Town, who: Ints, slot: Ints, rng: np.random.Generator) -> Ints:
    """Return a server: one of four mostly."""
    count = len(town.world.hosts) - town.total
    own = (unit(who, slot % 4, 77) * count).astype(np.int64)
    return town.total + np.where(rng.random(len(who)) < 0.06, rng.integers(0, count, len(who)), own)
