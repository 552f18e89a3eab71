"""Postings: which lines named a token, so that those with something in common are found without looking at all others."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable
from itertools import compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.incidents.lines import RANK_BITS, Kept, LineTable
from models.incidents.links import BIN_SECONDS, SUSPECT_FROM, WINDOW_SECONDS, Shared
from models.incidents.run_kernel import PART_BITS
from models.incidents.runs import Runs
from models.incidents.tokens import Sort, Token

WINDOW_BINS = int(WINDOW_SECONDS / BIN_SECONDS)
HUB_LINES = 256
"""A token that more lines named in the window is a hub (a proxy, a scanner, a domain controller): it links nothing."""
NEAREST = 24
"""Of the lines that named a token before, so many of the nearest are looked at."""


class Pairs(NamedTuple):
    """Pairs of lines with something in common: ``earlier``, ``later`` i8[n], and what they share."""

    earlier: NDArray[np.int64]
    later: NDArray[np.int64]
    shared: Shared


class Postings:
    """Tokens and the lines that named them: a run of all of them, of an even number, and after it one of the suspects among them.

    What is added waits until something is asked, and is then put in its place all at once.
    """

    def __init__(self, lines: LineTable) -> None:
        self._lines = lines
        self._runs = Runs(lines)
        self._of: dict[str, tuple[dict[str, int], ...]] = {}
        self._sorts = np.zeros(64, np.int64)
        self._begun = 0
        self._free: list[int] = []
        self._waiting: tuple[array[int], array[int]] = array("q"), array("q")

    def __len__(self) -> int:
        return sum(len(table) for tables in self._of.values() for table in tables)

    def add(self, line: Kept) -> None:
        """Take a new line."""
        tables, entry = self._tables(line), line.number << PART_BITS
        runs, entries = self._waiting
        found = []
        for token in line.tokens:
            table, uid = tables[token.sort], token.uid
            run = table.get(uid)
            if run is None:
                run = table[uid] = self._begin(token.sort)
            found.append(run)
            entries.append(entry | token.part)
        runs.extend(found)
        line.postings = tuple(found)

    def _tables(self, line: Kept) -> tuple[dict[str, int], ...]:
        """Return the runs of the tenant of a line, by the sort and the uid of their tokens."""
        tables = self._of.get(line.alert.tenant)
        if tables is None:
            tables = self._of[line.alert.tenant] = tuple({} for _ in Sort)
        return tables

    def _begin(self, sort: Sort) -> int:
        """Return the number of a run for a token of that sort that was not named before."""
        if self._free:
            run = self._free.pop()
        else:
            run, self._begun = self._begun, self._begun + 2
            if run >> 1 >= len(self._sorts):
                self._sorts = np.append(self._sorts, np.zeros_like(self._sorts))
        self._sorts[run >> 1] = sort
        return run

    def suspect(self, line: Kept) -> None:
        """Take note that a line is suspect."""
        runs, entries = self._waiting
        for run, token in zip(line.postings, line.tokens, strict=True):
            runs.append(run + 1)
            entries.append(line.number << PART_BITS | token.part)

    def drop(self, line: Kept) -> None:
        """Forget a line."""
        self._settle()
        runs, numbers = _asked([line])
        self._runs.take(runs, numbers)
        self._runs.take(runs + 1, numbers)
        self._let_go([line], runs)
        line.postings = ()

    def drop_before(self, bin_: int, lines: Collection[Kept]) -> None:
        """Forget ``lines``, all that are from before ``bin_``."""
        self._settle()
        runs, _ = _asked(lines)
        self._runs.cut(runs, bin_ << RANK_BITS)
        self._runs.cut(runs + 1, bin_ << RANK_BITS)
        self._let_go(lines, runs)

    def _let_go(self, lines: Iterable[Kept], runs: NDArray[np.int64]) -> None:
        """Let the tokens of ``lines`` go that no line names any more; ``runs`` are theirs."""
        emptied = (self._runs.size[runs] == 0).tolist()
        named = ((line, token) for line in lines for token in line.tokens)
        for line, token in compress(named, emptied):
            run = self._tables(line)[token.sort].pop(token.uid, None)
            if run is not None:
                self._free.append(run)

    def _settle(self) -> None:
        """Put what waits in its place."""
        runs, entries = self._waiting
        if runs:
            self._waiting = array("q"), array("q")
            self._runs.put(np.frombuffer(runs, np.int64), np.frombuffer(entries, np.int64))

    def named(self, line: Kept, token: Token) -> int:
        """Return how many lines named a token of ``line`` in the window up to it, itself among them."""
        self._settle()
        first, until = self._window(np.array([self._tables(line)[token.sort][token.uid]]), np.array([line.number]))
        return int(until[0] - first[0]) + 1

    def _window(self, runs: NDArray[np.int64], numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return between which indices of ``runs`` the window before lines is."""
        return self._runs.stand(runs, numbers, (self._lines.bins[numbers] - WINDOW_BINS) << RANK_BITS)

    def later(self, changed: Iterable[Kept]) -> set[int]:
        """Return the lines for which something changes when others came or their scores rose: these, and those after them that
        share a token which is no hub for them. At most ``HUB_LINES`` a token, since each of them counts all before it."""
        self._settle()
        held = list(changed)
        runs, numbers = _asked(held)
        end, at = self._runs.stand(runs, numbers, (self._lines.bins[numbers] + WINDOW_BINS + 1) << RANK_BITS)
        few = np.flatnonzero(end > at + 1)
        after, _ = self._runs.between(runs[few], at[few] + 1, np.minimum(end[few], at[few] + 1 + HUB_LINES))
        return {line.number for line in held}.union((after >> PART_BITS).tolist())

    def pairs(self, wanted: Iterable[Kept]) -> Pairs:
        """Return each of the ``wanted`` lines paired with the earlier ones in the window before it that share a token.

        Of two lines that are not suspect nothing is asked.
        """
        self._settle()
        named, later = _asked(wanted)
        runs = named + (self._lines.margins[later] < SUSPECT_FROM)
        first, until = self._window(runs, later)
        few = np.flatnonzero(first < until)
        named, later, runs, first, until = named[few], later[few], runs[few], first[few], until[few]
        begun, at = self._window(named, later)
        count = at - begun + 1
        first = np.where(count <= HUB_LINES, np.maximum(first, until - NEAREST), until)
        theirs, which = self._runs.between(runs, first, until)
        mine, later, earlier = self._runs.at(named, at)[which], later[which], theirs >> PART_BITS
        both, pair = np.unique((later << 32) | earlier, return_inverse=True)
        apart = (self._lines.bins[later] - self._lines.bins[earlier]) * BIN_SECONDS
        parts = np.stack([theirs, mine], axis=1) & ((1 << PART_BITS) - 1)
        shared = Shared(pair, self._sorts[named >> 1][which], count[which].astype(np.float64), apart, parts)
        return Pairs(both & 0xFFFFFFFF, both >> 32, shared)


def _asked(lines: Iterable[Kept]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the runs of lines, and beside each the number of its line."""
    runs, numbers, counts = array("q"), array("q"), array("q")
    for line in lines:
        runs.extend(line.postings)
        numbers.append(line.number)
        counts.append(len(line.postings))
    return np.array(runs, np.int64), np.repeat(np.array(numbers, np.int64), np.array(counts, np.int64))
