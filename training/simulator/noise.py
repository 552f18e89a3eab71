"""What fires without an attacker and without a purpose: noise, and habits of hosts and people."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.simulator.rows import DAY, NONE, ORIGINS, Rows, joined, rows
from training.simulator.rules import FROM_INSIDE, FROM_OUTSIDE, RULES
from training.simulator.world import World

_NOISE, _HABIT = 0.3, 0.5
"""Shares of a tenant's benign volume; what is done on purpose makes up the rest."""
_BURST = 0.5
"""Chance that an alert of a habit is followed by another a moment later."""
_HABIT_DAYS = 90.0
"""How long a habit lasts in the mean."""
_CLUSTER = 0.06
"""Chance that noise on a host is followed by noise of other rules: somebody who tries things out."""
HOMES = 70_000
"""Outside addresses from here on are people's homes; below, anybody's."""
SERVER_USER = 0.3
"""Share of the alerts on servers that name an account."""
_INSIDE = np.array([rule.uid in FROM_INSIDE for rule in RULES])
_OUTSIDE = np.array([rule.product in FROM_OUTSIDE for rule in RULES]) & ~_INSIDE
_OF_PEOPLE = np.array([rule.product in {"idp", "cloud"} for rule in RULES])


def sources(rule: NDArray[np.int64], inside: NDArray[np.int64] | int, outside: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Return the source that alerts of each ``rule`` name: one inside, one outside, or none."""
    return np.where(_INSIDE[rule], inside, np.where(_OUTSIDE[rule], outside, NONE))


def noise(world: World, rng: np.random.Generator) -> Rows:
    """Return the noise: any rule, any host that is in use, at its loudness of the day."""
    places = [world.where(rule.where) for rule in RULES]
    day = np.arange(world.days)
    active = {rule.where: world.at_work(place[:, None], day).sum(axis=0) for rule, place in zip(RULES, places, strict=True)}
    pace = np.array([rule.noise * active[rule.where] for rule in RULES]) * world.loudness
    pace *= _NOISE * world.volume * world.days / max(pace.sum(), 1e-9)
    count = rng.poisson(pace)
    parts = []
    for number, place in enumerate(places):
        days = np.repeat(day, count[number])
        parts.append(_placed(world, number, days, _busy(world, place, days, rng), rng))
    return _clustered(world, joined(parts), rng)


def _busy(world: World, place: NDArray[np.int64], day: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a host for each day, one that is in use then; some hosts are drawn far more often than others."""
    weight = np.cumsum(rng.lognormal(0.0, 1.0, len(place)))
    host = np.zeros(len(day), np.int64)
    wanted = np.arange(len(day))
    for _ in range(8):
        host[wanted] = place[np.searchsorted(weight, rng.uniform(0.0, weight[-1], len(wanted)))]
        wanted = wanted[~world.at_work(host[wanted], day[wanted])]
    return host


def _placed(world: World, rule: int, day: NDArray[np.int64], host: NDArray[np.int64], rng: np.random.Generator) -> Rows:
    """Return alerts of one rule on these days and hosts."""
    who, count = world.user_of(host), len(host)
    shared = -2 - rng.zipf(1.3, count).clip(max=3000)
    home = np.where(_OF_PEOPLE[rule] & (who >= 0) & (rng.random(count) < 0.7), -2 - HOMES - who, shared)
    domain = np.where(_OUTSIDE[rule] & (rng.random(count) < 0.5), rng.zipf(1.5, count).clip(max=2000), NONE)
    numbered = np.full(count, rule)
    inside = rng.integers(0, len(world.hosts), count)
    logged_on = np.where(rng.random(count) < SERVER_USER, rng.integers(0, world.workstations, count), NONE)
    return rows(
        world.people.moments(who, day, rng), "noise",
        rule=rule, host=host, user=np.where(who >= 0, who, logged_on), source=sources(numbered, inside, home), domain=domain,
    )  # fmt: skip


def _clustered(world: World, made: Rows, rng: np.random.Generator) -> Rows:
    """Add a few alerts of other rules soon after some of the noise, on the same host."""
    seed = np.flatnonzero((rng.random(len(made.time)) < _CLUSTER) & (made.host < world.workstations))
    again = np.repeat(seed, rng.poisson(0.7, len(seed)))
    other = made.take(again)
    loud = world.loudness[:, (other.time / DAY).astype(np.int64)] * np.array([rule.noise for rule in RULES])[:, None]
    loud[[r.where.value not in {"any", "workstation"} for r in RULES]] = 0.0
    chosen = (np.cumsum(loud, axis=0) / np.maximum(loud.sum(axis=0), 1e-12) < rng.random(len(again))).sum(axis=0)
    chosen = np.minimum(chosen, len(RULES) - 1)
    inside, outside = rng.integers(0, len(world.hosts), len(again)), -2 - rng.zipf(1.3, len(again)).clip(max=3000)
    more = other._replace(
        time=other.time + rng.exponential(900.0, len(again)), rule=chosen, source=sources(chosen, inside, outside)
    )
    return world.heard(joined([made, more]))


def habits(world: World, rng: np.random.Generator) -> Rows:
    """Some hosts set off the same rule again and again, in bursts; habits begin, end and are replaced by others."""
    places = [world.where(rule.where) for rule in RULES]
    shares = np.array([rule.habit * len(place) for rule, place in zip(RULES, places, strict=True)])
    born = rng.poisson(shares * (world.days / _HABIT_DAYS + 4.0))
    numbers = np.repeat(np.arange(len(RULES)), born)
    hosts = np.concatenate([rng.choice(place, count) for place, count in zip(places, born.tolist(), strict=True)])
    first = rng.uniform(-4.0 * _HABIT_DAYS, world.days, len(numbers))
    last = first + rng.exponential(_HABIT_DAYS, len(numbers))
    first, span = np.maximum(first, 0.0), np.maximum(np.minimum(last, world.days) - np.maximum(first, 0.0), 0.0)
    pace = rng.lognormal(-0.3, 1.0, len(numbers)) * (world.loudness[numbers] > 0).mean(axis=1)
    pace *= _HABIT * world.volume * world.days * (1.0 - _BURST) / max((pace * span).sum() * 0.75, 1e-9)
    which = np.repeat(np.arange(len(numbers)), rng.poisson(pace * span))
    day = np.minimum(first[which] + rng.random(len(which)) * span[which], world.days - 1).astype(np.int64)
    used = world.at_work(hosts[which], day)
    which, day = which[used], day[used]
    own = [numbers[which] == number for number in range(len(RULES))]
    made = joined([_placed(world, number, day[some], hosts[which[some]], rng) for number, some in enumerate(own)])
    return world.heard(_repeated(made._replace(origin=np.full_like(made.origin, ORIGINS.index("habit"))), rng))


def _repeated(made: Rows, rng: np.random.Generator) -> Rows:
    again = np.repeat(np.arange(len(made.time)), rng.geometric(1.0 - _BURST, len(made.time)))
    first = np.concatenate([[True], again[1:] != again[:-1]])[: len(again)]
    return made.take(again)._replace(time=made.time[again] + np.where(first, 0.0, rng.exponential(180.0, len(again))))
