"""Runs: lines in their one order, as flat as can be, since there may be a million of them and each is in several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.incidents import run_kernel as kernel
from models.incidents.lines import LineTable
from models.incidents.run_kernel import PART_BITS

Numbers = NDArray[np.int64]

_LEAST = 256


class Runs:
    """Runs by their numbers; each line in them is kept with a part, a number of ``PART_BITS``. ``lines`` gives their order."""

    def __init__(self, lines: LineTable) -> None:
        self._lines = lines
        self._at, self.size, self._room = (np.zeros(_LEAST, np.int64) for _ in range(3))
        self._ranks, self._entries = np.zeros(_LEAST, np.int64), np.zeros(_LEAST, np.int64)
        self._used = 0

    def put(self, runs: Numbers, entries: Numbers) -> None:
        """Take a line into each of ``runs``; ``entries`` hold their numbers, and below them their parts."""
        if not len(runs):
            return
        while runs.max() >= len(self.size):
            self._at, self.size, self._room = (np.append(one, np.zeros_like(one)) for one in (self._at, self.size, self._room))
        done, lines = 0, self._lines
        while True:
            done, self._used = kernel.put(
                self._ranks, self._entries, self._at, self.size, self._room, lines.ranks, lines.digests, runs, entries, done, self._used
            )
            if done == len(runs):
                return
            self._pack()

    def take(self, runs: Numbers, numbers: Numbers) -> None:
        """Let a line go from each of ``runs`` that it is in."""
        lines = self._lines
        kernel.take(self._ranks, self._entries, self._at, self.size, lines.ranks, lines.digests, runs, numbers)

    def cut(self, runs: Numbers, rank: int) -> None:
        """Let the lines of ``runs`` go that come before a rank."""
        kernel.cut(self._ranks, self._at, self.size, self._room, runs, rank)

    def index(self, runs: Numbers, numbers: Numbers) -> Numbers:
        """Return how many lines come before a line in each of ``runs``, whether it is there or not."""
        found, lines = np.empty_like(runs), self._lines
        kernel.index(self._ranks, self._entries, self._at, self.size, lines.ranks, lines.digests, runs, numbers, found)
        return found

    def before(self, runs: Numbers, ranks: Numbers) -> Numbers:
        """Return how many lines come before a rank in each of ``runs``."""
        found = np.empty_like(runs)
        kernel.before(self._ranks, self._at, self.size, runs, ranks, found)
        return found

    def part(self, runs: Numbers, index: Numbers) -> Numbers:
        """Return the parts of the lines that stand at an index in each of ``runs``."""
        found: Numbers = self._entries[self._at[runs] + index] & ((1 << PART_BITS) - 1)
        return found

    def between(self, runs: Numbers, first: Numbers, until: Numbers) -> tuple[Numbers, Numbers]:
        """Return the lines from one index up to another in each of ``runs``, one run after the other, and their parts."""
        count = until - first
        begin = self._at[runs] + first - (np.cumsum(count) - count)
        entries = self._entries[np.repeat(begin, count) + np.arange(count.sum())]
        return entries >> PART_BITS, entries & ((1 << PART_BITS) - 1)

    def _pack(self) -> None:
        """Leave out what is used no more, and make the pool twice as large as what is."""
        wanted = max(_LEAST, 3 * int(self.size.sum()))
        ranks, entries = np.zeros(wanted, np.int64), np.zeros(wanted, np.int64)
        self._used = kernel.pack(self._ranks, self._entries, self._at, self.size, self._room, ranks, entries)
        self._ranks, self._entries = ranks, entries
