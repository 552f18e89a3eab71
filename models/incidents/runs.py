"""Runs: lines in the one order of lines, as flat as can be, since there may be a million of them."""

from __future__ import annotations

from array import array
from bisect import bisect_left

import msgspec

PART_BITS = 2
"""Bits of an entry that hold the part."""

Key = tuple[str, int, str]
"""Tenant, sort, uid of a token."""


class Run(msgspec.Struct, gc=False, eq=False):
    """Lines in the order of their places. ``entries`` hold their numbers, and below them the part that a token plays in each."""

    places: list[int]
    entries: array[int]

    def add(self, place: int, number: int, part: int) -> None:
        """Take a line."""
        places, entry = self.places, number << PART_BITS | part
        if not places or place > places[-1]:
            places.append(place)
            self.entries.append(entry)
        else:
            at = bisect_left(places, place)
            places.insert(at, place)
            self.entries.insert(at, entry)

    def drop(self, place: int) -> None:
        """Forget the line of that place, if it is there."""
        at = bisect_left(self.places, place)
        if self.places[at : at + 1] == [place]:
            del self.places[at], self.entries[at]

    def drop_before(self, place: int) -> None:
        """Forget the lines before a place."""
        cut = bisect_left(self.places, place)
        if cut:
            del self.places[:cut], self.entries[:cut]

    def before(self, place: int) -> int:
        """Return how many lines come before a place; most who ask do so of their last line, or of a time before all."""
        places = self.places
        if not places or place <= places[0]:
            return 0
        if place >= places[-1]:
            return len(places) - (place == places[-1])
        return bisect_left(places, place)


def run_of(place: int, number: int, part: int) -> Run:
    """Return a run of one line."""
    return Run([place], array("q", (number << PART_BITS | part,)))


NONE = Run([], array("q"))
"""The suspects of the many tokens that have none; nothing is ever added to it."""


class Posting(msgspec.Struct, gc=False, eq=False):
    """The lines that named a token: all of them, and the suspects among them."""

    key: Key
    all: Run
    suspects: Run
