"""Vectors of the days of a history, and what detectors learn from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.alert import EntityKind
from features.event import Event
from features.event_encode import EventEncoder
from models.behaviour.day_gather import DayGatherer, Seen
from models.behaviour.day_vector import DayVectors
from models.behaviour.walk import EventWalk

SETTLED_DAYS = 15
"""To an account with fewer days everything is new: its days tell nothing about what is usual."""
_AT_ONCE = 20_000
_EVER = 10**6

Floats = NDArray[np.float64]


def day_vectors(events: Sequence[Event]) -> DayVectors:
    """Return the vectors of all days of accounts, each event read by what was known before it; events are in order of time."""
    encoder, walk, gatherer = EventEncoder(bytes(32), None), EventWalk(bytes(32)), DayGatherer(hosts=False)
    for at in range(0, len(events), _AT_ONCE):
        some = events[at : at + _AT_ONCE]
        block = encoder.events(some)
        gatherer.add(Seen(block, walk.read(block), np.arange(len(some))), np.ones(len(some), bool))
    return gatherer.take(_EVER).vectors


def settled(vectors: DayVectors) -> NDArray[np.bool_]:
    """Return which days are of people who have had enough days before; ``vectors`` are in order of time."""
    seen: Counter[tuple[str, EntityKind, str]] = Counter()
    out = np.zeros(len(vectors.keys), bool)
    for at, key in enumerate(vectors.keys):
        seen[key[1:]] += 1
        out[at] = key.kind is EntityKind.USER and seen[key[1:]] > SETTLED_DAYS
    return out
