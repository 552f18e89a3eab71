"""Campaigns as they happen in a tenant: who is hit, how fast it goes, which alerts it sets off."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.campaigns import CAMPAIGNS, KINDS, NAMES, Step, mix, weights
from training.simulator.noise import HOMES, SERVER_USER, sources
from training.simulator.rows import DAY, HOUR, NONE, Rows, joined, rows
from training.simulator.rules import ABOUT_USERS, INDEX, RULES, Where
from training.simulator.world import World

CAMPAIGN_DAYS = 2.5
"""From one campaign's begin to the next; they overlap when they are slow."""
_UNSEEN, _PROGRESS = 0.1, 0.8
"""Chance that a step sets off no rule; that an attacker gets from one step to the next."""
_DECOY = 0.08
"""Chance that looking around touches the decoy."""
_PACES = (0.04, 0.12, 0.5, 3.0)
"""How long pauses are, from hands on the keyboard to low and slow."""
NEW_DOMAINS = 100_000
_OF_PEOPLE = np.array([rule.product in ABOUT_USERS for rule in RULES])
_CALLS_HOME = np.array([rule.product == "nids" and rule.tactic in {"command-and-control", "exfiltration"} for rule in RULES])


class Act(NamedTuple):
    """One step as done, seen or not: when (seconds), what (index into ``KINDS``), where, by whom, from where."""

    time: float
    kind: int
    host: int
    user: int
    source: int
    domain: int
    incident: int


class Attacks(NamedTuple):
    """All campaigns in a tenant: their alerts, every step, and by number the incident's name and the sort of campaign."""

    alerts: Rows
    acts: list[Act]
    incidents: list[str]
    campaigns: list[str]


def attacks(world: World, rng: np.random.Generator, every: float = CAMPAIGN_DAYS) -> Attacks:
    """Let attackers come, one ``every`` so many days in the mean."""
    acts: list[Act] = []
    parts: list[Rows] = []
    campaigns: list[str] = []
    begin = float(rng.uniform(0.0, 1.2))
    while begin < world.days:
        name = NAMES[int(rng.choice(len(NAMES), p=mix(begin)))]
        done = _campaign(world, name, begin * DAY, len(campaigns), rng)
        for act, step in done:
            acts.append(act)
            parts += _seen(world, step, act, rng)
        campaigns.append(name)
        begin += every * float(rng.gamma(3.0, 1.0 / 3.0))
    incidents = [f"{world.tenant}:{name}-{number:04d}" for number, name in enumerate(campaigns)]
    return Attacks(world.heard(joined(parts)), acts, incidents, campaigns)


def _campaign(world: World, name: str, time: float, number: int, rng: np.random.Generator) -> list[tuple[Act, Step]]:
    """Return the steps of one campaign that begins at ``time``, until it ends or stops on the way."""
    campaign = CAMPAIGNS[name]
    staff = world.staff(int(time / DAY))
    user = int(rng.choice(staff))
    host = user
    outside = -2 - int(rng.integers(100, 3000) if rng.random() < 0.3 else rng.integers(3000, 60_000))
    if campaign.insider:
        outside = -2 - HOMES - user
    domain = NEW_DOMAINS + 1000 * world.number + number % 1000
    pace = float(rng.choice(_PACES))
    done = []
    for step in campaign.steps:
        before = host
        if step.moves is Where.WORKSTATION or step.moves is Where.ANY:
            host = user
        elif step.moves is not None:
            host = int(rng.choice(world.where(step.moves)))
        if campaign.insider and step is campaign.steps[0]:
            time = float(world.people.moments(np.array([user]), np.array([int(time / DAY)]), rng)[0])
        done.append((Act(time, KINDS.index(step.kind), host, user, before if step.inside else outside, domain, number), step))
        if step.kind == "credential_access" and rng.random() < 0.5:
            user = int(rng.choice(np.append(staff[world.people.privileged[staff]], user)))
        time += float(rng.exponential(step.hours * HOUR * pace)) + 180.0
        if rng.random() > _PROGRESS:
            break
    return done


def _seen(world: World, step: Step, act: Act, rng: np.random.Generator) -> list[Rows]:
    """Return the alerts that speak of a step: by rules that the tenant has then."""
    day = int(act.time / DAY)
    if day >= world.days or rng.random() < _UNSEEN:
        return []
    weight = weights(step, day) * (world.loudness[:, day] > 0.0)
    if not weight.any():
        return []
    count = 1 + int(rng.poisson(step.mean - 1.0))
    rule = _different(weight, count, rng)
    host, user = np.full(count, act.host), np.full(count, act.user)
    if step.spread > 1:
        others = rng.choice(world.where(step.moves or Where.ANY), step.spread - 1)
        host = rng.choice(np.append(others, act.host), count)
        user = np.where(host < world.workstations, host, act.user)
    logged_on = np.where(rng.random(count) < SERVER_USER, user, NONE)
    time = act.time + np.cumsum(np.append(0.0, rng.exponential(200.0, count - 1)))
    inside = act.source if act.source >= 0 else world.server("vpn")
    outside = act.source if act.source < NONE else -2 - HOMES - act.user
    found = [
        rows(
            time, "attack",
            rule=rule, host=host, user=np.where(_OF_PEOPLE[rule], user, np.where(host < world.workstations, host, logged_on)),
            source=sources(rule, inside, outside), domain=np.where(_CALLS_HOME[rule], act.domain, NONE),
            incident=act.incident, step=act.kind,
        )
    ]  # fmt: skip
    if step.inside and rng.random() < _DECOY:
        touch = np.array([act.time + float(rng.exponential(1200.0))])
        found.append(
            rows(touch, "attack", rule=INDEX["s-decoy-touched"], host=world.server("decoy"), source=act.host,
                 incident=act.incident, step=act.kind)
        )  # fmt: skip
    return found


def _different(weight: NDArray[np.float64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ``count`` rules drawn by weight, half of them different ones: what one does is seen from several sides."""
    once = min((count + 1) // 2, int((weight > 0.0).sum()))
    chance = weight / weight.sum()
    drawn = [rng.choice(len(weight), once, replace=False, p=chance), rng.choice(len(weight), count - once, p=chance)]
    return np.concatenate(drawn)
