"""Runs: lines in the one order of lines, as flat as can be, since there may be a million of them."""

from __future__ import annotations

from array import array
from bisect import bisect_left

PART_BITS = 2
"""Bits of an entry that hold the part."""

Key = tuple[str, int, str]
"""Tenant, sort, uid of a token."""


class Run:
    """Lines in the order of their places. ``entries`` hold their numbers, and below them the part that a token plays in each."""

    __slots__ = ("entries", "places")

    def __init__(self) -> None:
        self.places: list[int] = []
        self.entries = array("q")

    def add(self, place: int, number: int, part: int) -> None:
        """Take a line."""
        places = self.places
        at = len(places) if not places or place > places[-1] else bisect_left(places, place)
        places.insert(at, place)
        self.entries.insert(at, number << PART_BITS | part)

    def drop(self, place: int) -> None:
        """Forget the line of that place, if it is there."""
        at = bisect_left(self.places, place)
        if self.places[at : at + 1] == [place]:
            del self.places[at], self.entries[at]

    def drop_before(self, place: int) -> None:
        """Forget the lines before a place."""
        cut = bisect_left(self.places, place)
        del self.places[:cut], self.entries[:cut]


class Posting:
    """The lines that named a token: all of them, and the suspects among them."""

    __slots__ = ("all", "key", "suspects")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.all = Run()
        self.suspects = NONE


NONE = Run()
"""The run of no lines that most tokens have for suspects: none is ever added to it."""
