"""All that is done in a tenant, in order of time, with the truth: a fold of normal life, scenarios and campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from training.simulator.attacks import Act
from training.simulator.behaviour.deeds import Deeds, Floats, Ints, together
from training.simulator.behaviour.further import FURTHER
from training.simulator.behaviour.ordinary import ordinary
from training.simulator.behaviour.plots import MIXED, campaigns
from training.simulator.behaviour.scenarios import SINGLE
from training.simulator.behaviour.stage import Stage
from training.simulator.behaviour.town import Town, build_town
from training.simulator.rows import DAY
from training.simulator.world import World

SCENARIOS = SINGLE | MIXED | FURTHER
SEVERAL: Mapping[str, int] = {"takeover": 3, "insider": 3} | dict.fromkeys(SINGLE, 1)
"""Cases in four months among 200 people, unless others are wished for."""
SETTLED_DAYS = 45
"""Scenarios begin when people's ways are known."""
SPRAYED = "sprayed"
"""In the truth: somebody tried this account and failed. Neither taken over nor normal life."""
_STREAM = 0xBE4A
"""A sequence of random numbers of its own, so that alerts do not depend on it."""


class Lived(NamedTuple):
    """What was done in a tenant, in order of time, and the scenario of each case by number."""

    town: Town
    deeds: Deeds
    scenarios: tuple[str, ...]


def lived(
    world: World, seed: int, *, cases: Mapping[str, int] = SEVERAL, acts: Sequence[Act] = (), attacks: Sequence[str] = ()
) -> Lived:
    """Let a tenant act. ``cases``: how often each scenario happens; ``acts`` of the ``attacks`` that the alerts speak of."""
    rng = np.random.default_rng([seed, world.number, _STREAM])
    town = build_town(world, rng)
    parts = [ordinary(town, rng)]
    scenarios = [name for name, count in cases.items() for _ in range(count)] if world.days > SETTLED_DAYS else []
    used: set[int] = {act.user for act in acts}
    for case, name in enumerate(scenarios):
        day = int(rng.integers(SETTLED_DAYS, max(world.days - 10, SETTLED_DAYS + 1)))
        if name == "drift":
            day = int(rng.integers(SETTLED_DAYS, max(world.days - 45, SETTLED_DAYS + 1)))
        parts += SCENARIOS[name](Stage(town, rng, day, case, used))
    parts += campaigns(town, acts, attacks, len(scenarios), rng)
    done = together(parts)
    done = done.take((done.time >= 0.0) & (done.time < world.days * DAY))
    done = done.take(np.argsort(done.time, kind="stable"))
    return Lived(town, _renamed(town, done), (*scenarios, *attacks))


def _renamed(town: Town, done: Deeds) -> Deeds:
    """From some moment on a person's account has another name."""
    people = done.account < town.total
    who = np.where(people, done.account, 0)
    after = people & (done.time >= town.renamed[who])
    return done._replace(account=np.where(after, town.second[who], done.account))


class Truth(NamedTuple):
    """A row for each account and day on which somebody did what is not normal life."""

    account: Ints
    day: Ints
    scenario: list[str]


def truth(done: Lived) -> Truth:
    """Return which accounts' days hold a scenario's events; an account that was only tried in vain is ``SPRAYED``."""
    some = done.deeds.take(done.deeds.case >= 0)
    day: Floats = np.floor(some.time / DAY)
    rows: dict[tuple[int, int], str] = {}
    for account, on, case, failed in zip(
        some.account.tolist(), day.tolist(), some.case.tolist(), some.failed.tolist(), strict=True
    ):
        name = done.scenarios[case]
        if name == "spray" and failed:
            rows.setdefault((account, int(on)), SPRAYED)
        elif rows.get((account, int(on)), SPRAYED) == SPRAYED:
            rows[account, int(on)] = name
    keys = sorted(rows, key=lambda key: (key[1], key[0]))
    return Truth(
        np.array([key[0] for key in keys], np.int64), np.array([key[1] for key in keys], np.int64), [rows[k] for k in keys]
    )
