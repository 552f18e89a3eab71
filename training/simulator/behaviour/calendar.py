"""When everybody works, from where and how much: days in the office and at home, evenings, nights on call, trips, shared desks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.simulator.behaviour.deeds import Floats, Ints
from training.simulator.behaviour.town import Town, shared_device
from training.simulator.behaviour.work import Shifts
from training.simulator.rows import DAY, HOUR, NONE, mixed
from training.simulator.world import COUNTRIES

DAY_HOURS = 9.5
_UNEVEN = 0.4
"""How much one's days differ (log)."""
_HEAVY, _TIMES = 0.008, (3.0, 7.0)
"""Share of days with a multiple of one's usual volume, and what multiple: quarters close, laptops are copied."""
_EVENINGS, _OWLS_EVENINGS, _CALLED = 0.04, 0.6, 0.3
_TUNNELLED = 0.10
"""Share of the days at home on which those who do so hide their address: the country is then any."""
_LEASE_DAYS = 40
_SITES = 3
_OFFICE = (192 << 24) + (2 << 8)
_OUTSIDE = (198 << 24) + (18 << 16)


def usual_shifts(town: Town, rng: np.random.Generator) -> Shifts:
    """Return all shifts of normal life."""
    days = _days(town, rng)
    return joined([days, _evenings(town, days, rng), _on_call(town, rng), _shared(town, rng)])


def joined(parts: list[Shifts]) -> Shifts:
    """Return all shifts, one part after the other."""
    return Shifts(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def begin_of_day(town: Town, who: Ints, day: Ints) -> Floats:
    """Return when each begins to work on that day, in seconds."""
    start: Floats = day * DAY + (town.world.people.start[who] + town.late[who]) * HOUR
    return start


def shifts_of(town: Town, who: Ints, start: Floats, volume: Ints, *, hours: float, at_home: NDArray[np.bool_]) -> Shifts:
    """Return shifts of people under their own accounts, in the country where they then are."""
    day = np.clip((start / DAY).astype(np.int64), 0, town.world.days - 1)
    country = town.country(who, day)
    away = country != town.country(who, np.zeros_like(day))
    address = np.where(at_home, home(who, day), office(town, who))
    address = np.where(away, home(who, day // 3 + 5000 * country), address)
    return Shifts(who, who, start, np.full(len(who), hours), volume, address, country, np.full(len(who), NONE))


def office(town: Town, who: Ints) -> Ints:
    """Return the address behind which one's office is."""
    return _OFFICE + 4 * town.world.number % 200 + (town.world.people.department[who] + who % 2) % _SITES


def home(who: Ints, day: Ints) -> Ints:
    """Return the address of a home, which changes every few weeks."""
    return _OUTSIDE + (mixed(who, (day + who) // _LEASE_DAYS) % np.uint64(60_000)).astype(np.int64)


def volumes(town: Town, who: Ints, rng: np.random.Generator) -> Ints:
    """Return how much each does on a day: unevenly, and seldom a multiple."""
    times = np.where(rng.random(len(who)) < _HEAVY, rng.uniform(*_TIMES, len(who)), rng.lognormal(0.0, _UNEVEN, len(who)))
    return 1 + rng.poisson(town.pace[who] * times)


def _days(town: Town, rng: np.random.Generator) -> Shifts:
    who, day = np.nonzero(town.world.people.present)
    start = begin_of_day(town, who, day) + rng.normal(0.0, 0.4 * HOUR, len(who))
    at_home = rng.random(len(who)) < town.at_home[who]
    shifts = shifts_of(town, who, start, volumes(town, who, rng), hours=DAY_HOURS, at_home=at_home)
    hidden = at_home & town.tunnel[who] & (rng.random(len(who)) < _TUNNELLED)
    country = np.where(hidden, rng.integers(0, len(COUNTRIES), len(who)), shifts.country)
    return shifts._replace(country=country, address=np.where(hidden, home(country, day), shifts.address))


def _evenings(town: Town, days: Shifts, rng: np.random.Generator) -> Shifts:
    """Some days go on in the evening, some people's mostly."""
    some = days.take(rng.random(len(days.who)) < np.where(town.owl[days.who], _OWLS_EVENINGS, _EVENINGS))
    late = some.start + rng.uniform(11.0, 13.5, len(some.who)) * HOUR
    volume = 1 + rng.poisson(0.3 * town.pace[some.who])
    return shifts_of(town, some.who, late, volume, hours=2.0, at_home=np.ones(len(some.who), bool))


def _on_call(town: Town, rng: np.random.Generator) -> Shifts:
    """Administrators take turns of a week; on some nights they are called."""
    admins = np.flatnonzero(town.world.people.privileged)
    day = np.flatnonzero(rng.random(town.world.days) < _CALLED)
    who = admins[day // 7 % len(admins)]
    employed = (town.world.people.joined[who] <= day) & (town.world.people.left[who] > day)
    who, day = who[employed], day[employed]
    night = begin_of_day(town, who, day) + rng.uniform(13.0, 22.0, len(who)) * HOUR
    return shifts_of(town, who, night, rng.integers(2, 14, len(who)), hours=1.5, at_home=np.ones(len(who), bool))


def _shared(town: Town, rng: np.random.Generator) -> Shifts:
    """Shared accounts are used at one desk by whoever is on duty, at weekends too."""
    number, day = np.divmod(np.arange(len(town.shared) * town.world.days), town.world.days)
    open_then = rng.random(len(day)) < np.where(day % 7 >= 5, 0.6, 0.95)
    number, day = np.repeat(number[open_then], 2), np.repeat(day[open_then], 2)
    who = town.members[number, rng.integers(0, town.members.shape[1], len(day))]
    start = day * DAY + (6.0 + 8.0 * (np.arange(len(day)) % 2) + rng.normal(0.0, 0.3, len(day))) * HOUR
    made = shifts_of(town, who, start, 1 + rng.poisson(8.0, len(day)), hours=7.5, at_home=np.zeros(len(day), bool))
    here = np.full(len(day), town.world.country)
    return made._replace(account=town.shared[number], device=shared_device(town, number), country=here, address=office(town, who))
