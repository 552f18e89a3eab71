"""Campaigns: attackers who go from step to step, seen mostly by the same rules that fire on everybody."""

from __future__ import annotations

import numpy as np

from training.simulator.rules import CAMPAIGNS, INDEX, KINDS, Step, Where
from training.simulator.world import DAY, Rows, World, joined, rows

PACE = 0.45
"""Campaigns per tenant and day."""
_UNSEEN = 0.15
"""Chance that a step sets off no rule."""
_PROGRESS = 0.88
"""Chance that an attacker gets from one step to the next."""
_DECOY = 0.15
"""Chance that moving or looking around touches the decoy."""
_NEW_DOMAINS = 100_000


def attacks(world: World, days: int, rng: np.random.Generator) -> tuple[Rows, list[str]]:
    """Return the alerts of all campaigns in a tenant, and the name of each incident by number."""
    names = list(CAMPAIGNS)
    parts, incidents = [], []
    for number in range(max(1, int(rng.poisson(PACE * days)))):
        name = names[int(rng.integers(0, len(names)))]
        made = _campaign(world, days, CAMPAIGNS[name], number, rng)
        incidents.append(f"{world.tenant}:{name}-{number:03d}")
        parts += made
    return joined(parts) if parts else rows(np.zeros(0), "attack"), incidents


def _campaign(world: World, days: int, steps: tuple[Step, ...], number: int, rng: np.random.Generator) -> list[Rows]:
    time = float(rng.uniform(0.0, days * DAY))
    host = int(rng.choice(world.where(Where.ANY)))
    source = -2 - int(rng.integers(3000, 60_000))
    domain = int(_NEW_DOMAINS + number + 1000 * world.number)
    slow = float(rng.choice([0.2, 1.0, 4.0]))
    made = []
    for step in steps:
        before = host
        if step.moves is not None:
            host = int(rng.choice(world.where(step.moves)))
        if rng.random() > _UNSEEN:
            inside = step.kind in {"discovery", "lateral_movement", "credential_access", "impact"}
            made.append(_step(world, step, number, (time, host, before if inside else source, domain), rng))
            if step.kind in {"discovery", "lateral_movement"} and rng.random() < _DECOY:
                touch = np.array([time + float(rng.exponential(1200.0))])
                made.append(
                    rows(touch, "attack", rule=INDEX["s-decoy-touched"], host=world.server("decoy"), source=host,
                         incident=number, step=KINDS.index(step.kind))
                )  # fmt: skip
        time += float(rng.exponential(step.hours * 3600.0 * slow)) + 120.0
        if rng.random() > _PROGRESS:
            break
    return [part.take(part.time < days * DAY) for part in made]


def _step(world: World, step: Step, number: int, at: tuple[float, int, int, int], rng: np.random.Generator) -> Rows:
    time, host, source, domain = at
    count = 1 + int(rng.poisson(step.mean - 1.0))
    weight = np.array(list(step.rules.values()))
    rule = np.array([INDEX[name] for name in step.rules])[rng.choice(len(weight), count, p=weight / weight.sum())]
    hosts = rng.choice(world.where(Where.WORKSTATION), count) if step.kind == "password_spray" else np.full(count, host)
    outside = np.isin(rule, [INDEX["n-beacon"], INDEX["n-known-c2"], INDEX["n-upload"], INDEX["n-dns-tunnel"]])
    return rows(
        time + np.cumsum(rng.exponential(400.0, count)), "attack",
        rule=rule, host=hosts, user=world.user_of(hosts), source=source, domain=np.where(outside, domain, -1),
        incident=number, step=KINDS.index(step.kind),
    )  # fmt: skip
