"""A tenant's life: everything that happens there, in the order of receipt, and what its analysts say of it."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.activity import events
from training.simulator.analysts import Verdicts, chance_shown, judge
from training.simulator.attacks import CAMPAIGN_DAYS, Act, attacks
from training.simulator.naming import Names, build_names
from training.simulator.noise import habits, noise
from training.simulator.purposes import purposes
from training.simulator.rows import DAY, NONE, ON_PURPOSE, ORIGINS, Events, Rows, joined
from training.simulator.rules import ABOUT_USERS, RULES
from training.simulator.world import World, build_world

ABOUT_USER = np.array([rule.product in ABOUT_USERS for rule in RULES])
_SEVERITY = np.array([rule.severity for rule in RULES])
_DELAY, _LATE, _LATE_BY = 8.0, 0.02, 900.0
"""Seconds from a thing to its receipt in the mean; share of what comes late, and how late."""


class Cases(NamedTuple):
    """``case`` i8[alerts]: which case each alert is part of; ``chance`` f8[alerts]: that somebody looks at it."""

    case: NDArray[np.int64]
    chance: NDArray[np.float64]


class Life(NamedTuple):
    """What happened in a tenant. ``alerts`` and ``events`` come in the order in which they were ``received`` (seconds).

    ``acts`` are the attackers' steps, attack by attack.
    """

    world: World
    names: Names
    alerts: Rows
    received: NDArray[np.float64]
    cases: Cases
    verdicts: Verdicts
    events: Events
    events_received: NDArray[np.float64]
    incidents: list[str]
    campaigns: list[str]
    acts: list[Act]


def live(number: int, days: int, seed: int, noise_level: float = 1.0, campaign_days: float = CAMPAIGN_DAYS) -> Life:
    """Let a tenant live for ``days``; nothing in it depends on the other tenants.

    ``noise_level`` multiplies the benign alerts; a campaign begins every ``campaign_days`` in the mean.
    """
    rng = np.random.default_rng([seed, number])
    world = build_world(number, days, rng)
    world = replace(world, volume=world.volume * noise_level)
    names = build_names(world, rng)
    attacked = attacks(world, rng, campaign_days)
    alerts = joined([noise(world, rng), habits(world, rng), purposes(world, rng), attacked.alerts])
    received = _received(alerts.time, rng)
    order = np.argsort(received, kind="stable")
    alerts, received = alerts.take(order), received[order]
    cases = _cases(alerts)
    verdicts = _verdicts(alerts, received, cases, days * DAY, rng)
    done = events(world, attacked.acts, len(alerts.time), rng)
    events_received = _received(done.time, rng)
    order = np.argsort(events_received, kind="stable")
    return Life(
        world, names, alerts, received, cases, verdicts, done.take(order), events_received[order],
        attacked.incidents, attacked.campaigns, attacked.acts,
    )  # fmt: skip


def _received(time: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    return time + rng.exponential(_DELAY, len(time)) + np.where(rng.random(len(time)) < _LATE, _LATE_BY, 0.0)


def _cases(alerts: Rows) -> Cases:
    """Put alerts of one rule on one entity on one day, by one cause, together; severe and unusual ones are looked at first."""
    key = np.zeros(len(alerts.time), np.int64)
    day = (alerts.time / DAY).astype(np.int64)
    entity = np.where(ABOUT_USER[alerts.rule], alerts.user, alerts.host)
    for column in (alerts.rule, entity, day, alerts.incident):
        key = key * (int(column.max(initial=0)) + 2) + column + 1
    _, first, case = np.unique(key, return_index=True, return_inverse=True)
    rule, entity, day = alerts.rule[first], entity[first], day[first]
    order = np.lexsort((day, entity, rule))
    same = (np.diff(rule[order], prepend=NONE) == 0) & (np.diff(entity[order], prepend=NONE) == 0)
    idle = np.empty(len(first))
    idle[order] = np.where(same, np.diff(day[order], prepend=0), np.inf)
    return Cases(case.astype(np.int64), chance_shown(_SEVERITY[rule], idle, day)[case])


def _verdicts(alerts: Rows, received: NDArray[np.float64], cases: Cases, end: float, rng: np.random.Generator) -> Verdicts:
    """Return the verdicts given before the ``end`` (seconds) on what was shown."""
    shown = rng.random(int(cases.case.max(initial=-1)) + 1)[cases.case] < cases.chance
    row = np.flatnonzero(shown)
    purposeful = np.isin(alerts.origin[row], [ORIGINS.index(name) for name in ON_PURPOSE])
    said = judge(alerts.incident[row] >= 0, purposeful, cases.case[row], received[row], rng)
    return Verdicts(row[said.row], said.time, said.verdict, said.analyst).before(end)
