"""Postings: which lines named a token, so that those with something in common are found without looking at all others."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.incidents.lines import PLACE_BITS, Kept
from models.incidents.links import BIN_SECONDS, SUSPECT_FROM, WINDOW_SECONDS, Shared
from models.incidents.runs import NONE, PART_BITS, Key, Posting, Run, run_of
from models.incidents.tokens import Token

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
    """Tokens and the lines that named them."""

    def __init__(self) -> None:
        self._of: dict[Key, Posting] = {}

    def __len__(self) -> int:
        return len(self._of)

    def add(self, line: Kept) -> None:
        """Take a new line."""
        tenant = line.alert.tenant
        found = []
        for token in line.tokens:
            key = (tenant, token.sort, token.uid)
            posting = self._of.get(key)
            if posting is None:
                self._of[key] = posting = Posting(key, run_of(line.place, line.number, token.part), NONE)
            else:
                posting.all.add(line.place, line.number, token.part)
            found.append(posting)
        line.postings = tuple(found)

    def suspect(self, line: Kept) -> None:
        """Take note that a line is suspect."""
        for posting, token in zip(line.postings, line.tokens, strict=True):
            if posting.suspects is NONE:
                posting.suspects = run_of(line.place, line.number, token.part)
            else:
                posting.suspects.add(line.place, line.number, token.part)

    def drop(self, line: Kept) -> None:
        """Forget a line."""
        for posting in line.postings:
            posting.all.drop(line.place)
            posting.suspects.drop(line.place)
            self._drop_empty(posting)
        line.postings = ()

    def drop_before(self, bin_: int, lines: Iterable[Kept]) -> None:
        """Forget ``lines``, all that are from before ``bin_``."""
        place = bin_ << PLACE_BITS
        for posting in {id(posting): posting for line in lines for posting in line.postings}.values():
            if posting.all.places[-1] < place:
                del self._of[posting.key]
            else:
                posting.all.drop_before(place)
                posting.suspects.drop_before(place)

    def _drop_empty(self, posting: Posting) -> None:
        if not posting.all.places:
            del self._of[posting.key]

    def named(self, line: Kept, token: Token) -> int:
        """Return how many lines named a token of ``line`` in the window up to it, itself among them."""
        run = self._of[line.alert.tenant, token.sort, token.uid].all
        return run.before(line.place) + 1 - run.before((line.bin - WINDOW_BINS) << PLACE_BITS)

    def later(self, line: Kept) -> set[int]:
        """Return the lines for which something changes when ``line`` comes or its score rises: itself, and those after it that
        share a token which is no hub for them. At most ``HUB_LINES`` a token, since each of them counts all before it."""
        found = {line.number}
        end = (line.bin + WINDOW_BINS + 1) << PLACE_BITS
        for posting in line.postings:
            places = posting.all.places
            if places[-1] == line.place:
                continue
            at = bisect_left(places, line.place) + 1
            until = bisect_left(places, end, at, min(at + HUB_LINES, len(places)))
            found.update([entry >> PART_BITS for entry in posting.all.entries[at:until]])
        return found

    def pairs(self, wanted: Iterable[Kept], bins: NDArray[np.int64]) -> Pairs:
        """Return each of the ``wanted`` lines paired with the earlier ones in the window before it that share a token.

        Of two lines that are not suspect nothing is asked. ``bins`` i8: the bin of each line by number.
        """
        theirs, about = array("q"), array("q")
        for line in wanted:
            suspected = line.margin >= SUSPECT_FROM
            for posting, token in zip(line.postings, line.tokens, strict=True):
                run = posting.all if suspected else posting.suspects
                if not run.places or run.places[0] >= line.place:
                    continue
                first, until, named = _nearest(posting, line, run)
                if until > first and named <= HUB_LINES:
                    theirs.extend(run.entries[first:until])
                    about.extend((line.number, token.sort, named, token.part, until - first))
        return _paired(np.frombuffer(theirs, np.int64), np.frombuffer(about, np.int64).reshape(-1, 5), bins)


def _nearest(posting: Posting, line: Kept, run: Run) -> tuple[int, int, int]:
    """Return between which indices of a ``run`` of its lines the nearest before ``line`` stand, and how many named the token up to
    it."""
    start = (line.bin - WINDOW_BINS) << PLACE_BITS
    until, first = run.before(line.place), run.before(start)
    if until == first:
        return first, until, 0
    named = until - first + 1 if run is posting.all else posting.all.before(line.place) - posting.all.before(start) + 1
    return max(first, until - NEAREST), until, named


def _paired(theirs: NDArray[np.int64], about: NDArray[np.int64], bins: NDArray[np.int64]) -> Pairs:
    """Gather tokens by pair. ``about`` i8[k, 5]: a line, a token's sort, its count and part, and how many of ``theirs`` follow."""
    earlier, part = theirs >> PART_BITS, theirs & ((1 << PART_BITS) - 1)
    later, sort, named, mine = (np.repeat(about[:, k], about[:, 4]) for k in range(4))
    both, pair = np.unique((later << 32) | earlier, return_inverse=True)
    apart = (bins[later] - bins[earlier]) * BIN_SECONDS
    shared = Shared(pair, sort, named.astype(np.float64), apart, np.stack([part, mine], axis=1))
    return Pairs(both & 0xFFFFFFFF, both >> 32, shared)
