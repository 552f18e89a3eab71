"""Vectors of the days of a history, and what detectors learn from them."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from features.alert import EntityKind
from features.event_columns import EventColumns
from features.event_encode import EventEncoder
from models.behaviour.day import END, FIRST, Day, Gatherer
from models.behaviour.day_gather import NOTHING, DayGatherer, Seen
from models.behaviour.day_vector import DayVectors
from models.behaviour.walk import EventWalk

SETTLED_DAYS = 15
"""To an account with fewer days everything is new: its days tell nothing about what is usual."""
_EVER = 10**6

Floats = NDArray[np.float64]


def gathered(columns: EventColumns) -> tuple[list[Day], DayVectors]:
    """Return all days of accounts and their vectors, each event read by what was known before it; events are in order of time.

    Those whose time cannot be are left out.
    """
    believed = columns.where((columns.time >= FIRST.timestamp()) & (columns.time < END.timestamp()))
    walk, days, vectors = EventWalk(bytes(32)), Gatherer(), DayGatherer(hosts=False)
    for part, block in EventEncoder(bytes(32)).columns(believed):
        all_of_them = np.ones(len(block.who), bool)
        vectors.add(Seen(block, walk.read(block), np.full(len(block.who), NOTHING)), all_of_them)
        days.add_block(part, block, all_of_them)
    return days.take(_EVER), vectors.take(_EVER).vectors


def settled(vectors: DayVectors) -> NDArray[np.bool_]:
    """Return which days are of people who have had enough days before; ``vectors`` are in order of time."""
    seen: Counter[tuple[str, EntityKind, str]] = Counter()
    out = np.zeros(len(vectors.keys), bool)
    for at, key in enumerate(vectors.keys):
        seen[key[1:]] += 1
        out[at] = key.kind is EntityKind.USER and seen[key[1:]] > SETTLED_DAYS
    return out
