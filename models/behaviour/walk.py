"""From encoded events to signals: both views read and folded, in one thread or in two, to the same numbers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from features.counters import CounterState
from features.encode import FactBlock
from features.event_encode import EventBlock
from features.event_view import WHAT_VIEW, WHERE_VIEW, what_state, where_state
from features.view import FeatureView
from models.behaviour.signals import Floats, signals

_PROGRAMS = {id(view): view.compiled() for view in (WHERE_VIEW, WHAT_VIEW)}


class EventWalk:
    """The counts of all events so far. Not safe for use by two threads at once; with ``pool`` it uses two of its own."""

    def __init__(self, secret: bytes, pool: ThreadPoolExecutor | None = None) -> None:
        self.where, self.what = where_state(secret), what_state(secret)
        self._pool = pool

    def read(self, block: EventBlock) -> tuple[Floats, Floats, Floats]:
        """Return what the two views read of each event as of then, and its signals; then fold the events."""
        jobs = ((WHERE_VIEW, self.where), (WHAT_VIEW, self.what))
        if self._pool is None:
            where, what = (_read(view, state, block.facts) for view, state in jobs)
        else:
            where, what = self._pool.map(lambda job: _read(job[0], job[1], block.facts), jobs)
        where, what = where[block.at], what[block.at]
        return where, what, self._signals(block, where, what)

    def _signals(self, block: EventBlock, where: Floats, what: Floats) -> Floats:
        if self._pool is None:
            return signals(where, what, block.outcome, block.speed)
        half = len(where) // 2
        halves = [slice(0, half), slice(half, None)]
        return np.concatenate(list(self._pool.map(
            lambda part: signals(where[part], what[part], block.outcome[part], block.speed[part]), halves
        )))  # fmt: skip


def _read(view: FeatureView, state: CounterState, facts: FactBlock) -> Floats:
    out = np.full((len(facts), len(view.features)), np.nan)
    state.walk(facts, *_PROGRAMS[id(view)], out)
    return out
