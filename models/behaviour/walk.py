"""From encoded events to signals: both views read and folded, in one thread or in two, to the same numbers."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.counters import CounterState
from features.event_encode import EventBlock
from features.event_view import WHAT_VIEW, WHERE_VIEW, what_state, where_state
from models.behaviour.event_scores import anomaly_scores
from models.behaviour.signals import Floats, signals

_WHERE, _WHAT = WHERE_VIEW.compiled(), WHAT_VIEW.compiled()


class Walked(NamedTuple):
    """What the two views read of each event of a block as of then, its signals and its score."""

    where: Floats
    what: Floats
    signals: Floats
    scores: Floats


class EventWalk:
    """The counts of all events so far. Not safe for use by two threads at once; with a ``pool`` of threads it reads both views at once."""

    def __init__(self, secret: bytes, pool: Executor | None = None) -> None:
        self.where, self.what = where_state(secret), what_state(secret)
        self._pool = pool

    def read(self, block: EventBlock) -> Walked:
        """Read each event as of then, and fold it."""
        if self._pool is None:
            where, what = self._read_where(block), self._read_what(block)
        else:
            meanwhile = self._pool.submit(self._read_what, block)
            where, what = self._read_where(block), meanwhile.result()
        found = signals(where, what, block.outcome, block.speed)
        return Walked(where, what, found, anomaly_scores(found))

    def _read_where(self, block: EventBlock) -> Floats:
        return _read(block, self.where, _WHERE, len(WHERE_VIEW.features))

    def _read_what(self, block: EventBlock) -> Floats:
        return _read(block, self.what, _WHAT, len(WHAT_VIEW.features))


def _read(block: EventBlock, state: CounterState, program: tuple[NDArray[np.int64], Floats], features: int) -> Floats:
    out = np.full((len(block.facts), features), np.nan)
    state.walk(block.facts, *program, out)
    return out[block.at]
