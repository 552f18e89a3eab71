"""Histories on which detectors of days' vectors are compared: simulated tenants, and accounts that change hands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.alert import EntityKind
from features.event import Event
from features.event_columns import read_columns
from features.event_table import table_of
from models.behaviour.day import FIRST, date_of, days
from training.behaviour.insiders import make
from training.behaviour.loaders import git_activity
from training.behaviour.swaps import WINDOW_DAYS, Swap, draw
from training.behaviour.vectors import gathered
from training.simulator.behaviour.living import SETTLED_DAYS, SPRAYED
from training.simulator.rows import START

Floats = NDArray[np.float64]


class Sample(NamedTuple):
    """Vectors of days to learn from, without labels, and days to judge with the truth about them."""

    past: Floats
    later: Floats
    strange: NDArray[np.bool_]


def simulated(seed: int, *, staff: int, length: int) -> Sample:
    """Return a tenant's days: to learn from while people settle, to judge those after it."""
    world = make(seed, staff=staff, length=length)
    vectors = gathered(read_columns(table_of(world.events)))[1]
    begin = START.date() + timedelta(days=SETTLED_DAYS)
    named = [world.truth.get((key.entity, date_of(key.ordinal)), "") for key in vectors.keys]
    person = np.array([key.kind is EntityKind.USER for key in vectors.keys])
    later = np.array([date_of(key.ordinal) >= begin for key in vectors.keys])
    settled = np.array([date_of(key.ordinal) >= begin - timedelta(days=SETTLED_DAYS // 2) for key in vectors.keys])
    counted = np.array([name != SPRAYED for name in named])
    judged = person & later & counted
    return Sample(vectors.values[person & settled & ~later], vectors.values[judged], np.array(named)[judged] != "")


def swapped_accounts(path: Path, seeds: Sequence[int]) -> Iterator[Sample]:
    """Yield for each seed the days before two accounts of one project change hands, and those of the two months after."""
    events = git_activity(path).events
    history = days(events)
    for seed in seeds:
        swap = draw(history, seed)
        if swap is not None:
            yield _swapped(events, swap)


def _swapped(events: Sequence[Event], swap: Swap) -> Sample:
    start = FIRST + timedelta(days=swap.ordinal)
    other = {swap.first: swap.second, swap.second: swap.first}
    moved = [
        _as(event, other[event.actor.uid]) if event.time >= start and event.actor.uid in other else event
        for event in events
        if event.time < start + timedelta(days=WINDOW_DAYS)
    ]
    vectors = gathered(read_columns(table_of(moved)))[1]
    ordinal = np.array([key.ordinal for key in vectors.keys])
    person = np.array([key.kind is EntityKind.USER for key in vectors.keys])
    strange = np.array([key.entity in other for key in vectors.keys])
    past, later = (ordinal < swap.ordinal) & person, (ordinal >= swap.ordinal) & person
    return Sample(vectors.values[past], vectors.values[later], strange[later])


def _as(event: Event, uid: str) -> Event:
    return msgspec.structs.replace(event, actor=msgspec.structs.replace(event.actor, uid=uid))
