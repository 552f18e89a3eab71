"""Postings: which lines named a token, so that those with something in common are found without looking at all others."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.incidents.links import BIN_SECONDS, WINDOW_SECONDS, Shared
from models.incidents.tokens import Token

WINDOW_BINS = int(WINDOW_SECONDS / BIN_SECONDS)
HUB_LINES = 256
"""A token that more lines named in the window is a hub (a proxy, a scanner, a domain controller): it links nothing."""
NEAREST = 24
"""Of the lines that named a token before, so many of the nearest are looked at."""

Key = tuple[str, int, str]
"""Tenant, sort, uid."""


class _Posting:
    """The lines that named a token, in the order of bins: all of them, and the suspects among them."""

    __slots__ = ("all", "suspects")

    def __init__(self) -> None:
        self.all: _Run = _Run()
        self.suspects: _Run = _Run()


class _Run:
    __slots__ = ("bins", "lines", "parts")

    def __init__(self) -> None:
        self.bins: list[int] = []
        self.lines: list[int] = []
        self.parts: list[int] = []

    def add(self, bin_: int, line: int, part: int) -> None:
        at = len(self.bins) if not self.bins or bin_ >= self.bins[-1] else bisect_right(self.bins, bin_)
        self.bins.insert(at, bin_)
        self.lines.insert(at, line)
        self.parts.insert(at, part)

    def drop_before(self, bin_: int) -> None:
        cut = bisect_left(self.bins, bin_)
        del self.bins[:cut], self.lines[:cut], self.parts[:cut]


class Pairs(NamedTuple):
    """Pairs of lines with something in common: ``earlier``, ``later`` i8[n], and what they share."""

    earlier: NDArray[np.int64]
    later: NDArray[np.int64]
    shared: Shared


class Postings:
    """Tokens and the lines that named them. Lines are numbers; their bins and digests are looked up in the arrays given."""

    def __init__(self) -> None:
        self._of: dict[Key, _Posting] = {}

    def __len__(self) -> int:
        return len(self._of)

    def add(self, line: int, bin_: int, tenant: str, tokens: Sequence[Token]) -> None:
        """Take a new line."""
        for token in tokens:
            posting = self._of.get((tenant, token.sort, token.uid))
            if posting is None:
                posting = self._of[tenant, token.sort, token.uid] = _Posting()
            posting.all.add(bin_, line, token.part)

    def suspect(self, line: int, bin_: int, tenant: str, tokens: Sequence[Token]) -> None:
        """Take note that a line is suspect."""
        for token in tokens:
            self._of[tenant, token.sort, token.uid].suspects.add(bin_, line, token.part)

    def named(self, bin_: int, tenant: str, token: Token) -> int:
        """Return how many lines named a token in the window up to ``bin_``."""
        run = self._of[tenant, token.sort, token.uid].all
        return bisect_right(run.bins, bin_) - bisect_left(run.bins, bin_ - WINDOW_BINS)

    def later(self, bin_: int, tenant: str, tokens: Sequence[Token]) -> set[int]:
        """Return the lines for which something changes when a line of ``bin_`` comes or its score rises: those not earlier that
        share a token which is no hub for them. At most ``HUB_LINES`` a token, since each of them counts all before it."""
        found: set[int] = set()
        for token in tokens:
            run = self._of[tenant, token.sort, token.uid].all
            at = bisect_left(run.bins, bin_)
            until = bisect_right(run.bins, bin_ + WINDOW_BINS, at, min(at + HUB_LINES + 1, len(run.bins)))
            found.update(run.lines[at:until])
        return found

    def pairs(
        self,
        wanted: Iterable[tuple[int, int, str, Sequence[Token], bool]],
        bins: NDArray[np.int64],
        order: NDArray[np.uint64],
    ) -> Pairs:
        """Return each of the ``wanted`` lines (number, bin, tenant, tokens, whether suspect) paired with the earlier ones that
        share a token. Of two that are not suspect nothing is asked. Within a bin ``order`` u8 says which is the earlier."""
        other: list[int] = []
        their_part: list[int] = []
        about: list[tuple[int, int, int, int, int]] = []
        for line, bin_, tenant, tokens, suspected in wanted:
            for token in tokens:
                posting = self._of[tenant, token.sort, token.uid]
                run = posting.all
                first, until = bisect_left(run.bins, bin_ - WINDOW_BINS), bisect_right(run.bins, bin_)
                named = until - first
                if named > HUB_LINES:
                    continue
                if not suspected:
                    run = posting.suspects
                    first, until = bisect_left(run.bins, bin_ - WINDOW_BINS), bisect_right(run.bins, bin_)
                first = max(first, until - NEAREST)
                if until > first:
                    other += run.lines[first:until]
                    their_part += run.parts[first:until]
                    about.append((line, int(token.sort), named, token.part, until - first))
        return _paired(other, their_part, about, bins, order)

    def drop_before(self, bin_: int, keys: Iterable[Key]) -> None:
        """Forget the lines of ``keys`` from before ``bin_``."""
        for key in keys:
            posting = self._of[key]
            posting.all.drop_before(bin_)
            posting.suspects.drop_before(bin_)
            if not posting.all.bins:
                del self._of[key]


def _paired(
    other: list[int],
    their_part: list[int],
    about: list[tuple[int, int, int, int, int]],
    bins: NDArray[np.int64],
    order: NDArray[np.uint64],
) -> Pairs:
    earlier, theirs = np.array(other, np.int64), np.array(their_part, np.int64)
    columns = np.array(about, np.int64).reshape(-1, 5)
    later, sort, named, mine = (np.repeat(columns[:, k], columns[:, 4]) for k in range(4))
    kept = (bins[earlier] < bins[later]) | ((bins[earlier] == bins[later]) & (order[earlier] < order[later]))
    earlier, later, sort, named, mine, theirs = (column[kept] for column in (earlier, later, sort, named, mine, theirs))
    both, pair = np.unique((later << 32) | earlier, return_inverse=True)
    apart = (bins[later] - bins[earlier]) * BIN_SECONDS
    shared = Shared(pair, sort, named.astype(np.float64), apart, np.stack([theirs, mine], axis=1))
    return Pairs(both & 0xFFFFFFFF, both >> 32, shared)
