"""Runs: lines in their one order, as flat as can be, since there may be a million of them and each is in several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.incidents import run_kernel as kernel
from models.incidents.lines import LineTable

Numbers = NDArray[np.int64]

_LEAST = 256
"""Runs, and places in the pool, that there is room for at first."""


class Runs:
    """Runs by their numbers, of lines in the order that ``lines`` gives them. An entry is a line's number, and below it a part."""

    def __init__(self, lines: LineTable) -> None:
        self._lines = lines
        self._pool = _columns(2, _LEAST)
        self._spans = _columns(3, _LEAST)
        self._used = 0

    @property
    def size(self) -> Numbers:
        """How many lines are in each run."""
        return self._spans[1]

    def put(self, runs: Numbers, entries: Numbers) -> None:
        """Take an entry into each of ``runs``."""
        while runs.max(initial=0) >= len(self.size):
            self._spans = tuple(np.append(column, np.zeros_like(column)) for column in self._spans)
        while len(runs):
            done, self._used = kernel.put(self._pool, self._spans, self._lines.order, (runs, entries), self._used)
            runs, entries = runs[done:], entries[done:]
            if len(runs):
                self._pack()

    def take(self, runs: Numbers, numbers: Numbers) -> None:
        """Let a line go from each of ``runs`` that it is in."""
        kernel.take(self._pool, self._spans, self._lines.order, (runs, numbers))

    def cut(self, runs: Numbers, rank: int) -> None:
        """Let the lines of ``runs`` go that come before a rank."""
        kernel.cut(self._pool, self._spans, runs, rank)

    def stand(self, runs: Numbers, numbers: Numbers, limits: Numbers) -> tuple[Numbers, Numbers]:
        """Return how many lines of each of ``runs`` are below a rank, and how many come before a line, whether it is there or not."""
        found = np.empty_like(runs), np.empty_like(runs)
        kernel.stand(self._pool, self._spans, self._lines.order, (runs, numbers, limits), found)
        return found

    def at(self, runs: Numbers, index: Numbers) -> Numbers:
        """Return the entries that stand at an index in each of ``runs``."""
        found: Numbers = self._pool[1][self._spans[0][runs] + index]
        return found

    def between(self, runs: Numbers, first: Numbers, until: Numbers) -> tuple[Numbers, Numbers]:
        """Return the entries from one index up to another in each of ``runs``, one run after the other, and which run each is of."""
        count = until - first
        which = np.repeat(np.arange(len(runs)), count)
        begin = self._spans[0][runs] + first - (np.cumsum(count) - count)
        return self._pool[1][begin[which] + np.arange(len(which))], which

    def _pack(self) -> None:
        """Leave out what is used no more, and make the pool three times as large as what is."""
        pool = _columns(2, max(_LEAST, 3 * int(self.size.sum())))
        self._used = kernel.pack(self._pool, self._spans, pool)
        self._pool = pool


def _columns(count: int, length: int) -> tuple[Numbers, ...]:
    return tuple(np.zeros(length, np.int64) for _ in range(count))
