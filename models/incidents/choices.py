"""Choices: what is said of pairs of lines, and for each line the earlier and the later one that it most likely shares an incident
with."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import TypeVar

from models.incidents.forest import Edge, Said, said_of

LINKED_FROM = 0.5
"""Two lines are linked that are likelier of one incident than not."""
_NONE: Mapping[int, float] = {}
_ALONE: Mapping[int, Edge] = {}
T = TypeVar("T")


class Choices:
    """What is said of lines, and which links hold: the likely ones that either end would choose.

    ``place`` gives a line's place in the order of lines, the later of two equals is chosen. A line that chose what was let go
    chooses nothing in its place, so that forgetting joins nothing.
    """

    def __init__(self, place: Callable[[int], int]) -> None:
        self._place = place
        self._earlier: dict[int, Mapping[int, float]] = {}
        self._later: dict[int, dict[int, float]] = {}
        self._best_earlier: dict[int, int] = {}
        self._best_later: dict[int, int] = {}
        self._edges: dict[int, dict[int, Edge]] = {}
        self._rows: dict[int, Said] = {}

    def link(self, later: int, chances: Mapping[int, float]) -> set[int]:
        """Say of a line how likely it is of one incident with earlier ones, in place of what was said; return the lines affected."""
        before = self._earlier.get(later, _NONE)
        if before == chances:
            return set()
        for earlier in before.keys() - chances.keys():
            del self._later[earlier][later]
            if not self._later[earlier]:
                del self._later[earlier]
        for earlier, chance in chances.items():
            if earlier in self._later:
                self._later[earlier][later] = chance
            else:
                self._later[earlier] = {later: chance}
        _put(self._earlier, later, chances or None)
        self._rows.pop(later, None)
        likely = _likely(before) | _likely(chances)
        chosen, best = self._best_earlier.get(later), self._best(chances)
        _put(self._best_earlier, later, best)
        for earlier in likely:
            rather = self._best_later.get(earlier, later)
            if rather == later or chances.get(earlier, 0.0) >= self._later[earlier][rather]:
                self._rechoose(earlier, later)
        for line in {chosen, best}:
            self._renew(line, later)
        return likely | {later}

    def _rechoose(self, earlier: int, later: int) -> None:
        """Let a line choose among later ones, now that something else is said of it and of one of them."""
        chosen, chances = self._best_later.get(earlier), self._later.get(earlier, _NONE)
        if chosen is not None and chosen != later:
            chances = {number: chances[number] for number in (chosen, later)}
        best = self._best(chances)
        _put(self._best_later, earlier, best)
        for number in {chosen, best, later}:
            self._renew(earlier, number)

    def _renew(self, earlier: int | None, later: int | None) -> None:
        """Let a link hold, or no more."""
        if earlier is None or later is None:
            return
        chance = self._earlier.get(later, _NONE).get(earlier, 0.0)
        chosen = self._best_earlier.get(later) == earlier or self._best_later.get(earlier) == later
        if chance >= LINKED_FROM and chosen:
            edge = Edge(earlier, later, chance)
            self._edges.setdefault(earlier, {})[later] = self._edges.setdefault(later, {})[earlier] = edge
        else:
            self._part(earlier, later)
            self._part(later, earlier)

    def _part(self, one: int, other: int) -> None:
        links = self._edges.get(one, {})
        if links.pop(other, None) is not None and not links:
            del self._edges[one]

    def said(self, later: int) -> Mapping[int, float]:
        """Return how likely a line is of one incident with earlier ones, as far as anything was said."""
        return self._earlier.get(later, _NONE)

    def told(self, lines: Iterable[int]) -> Iterator[Said]:
        """Return what is said of lines and those before each."""
        for later in lines:
            if later in self._earlier:
                if later not in self._rows:
                    self._rows[later] = said_of(later, self._earlier[later])
                yield self._rows[later]

    def beside(self, number: int) -> Mapping[int, Edge]:
        """Return the links of a line that hold, by their other ends."""
        return self._edges.get(number, _ALONE)

    def _best(self, chances: Mapping[int, float]) -> int | None:
        highest = max(chances.values(), default=0.0)
        if highest < LINKED_FROM:
            return None
        return max((number for number, chance in chances.items() if chance == highest), key=self._place)

    def drop(self, gone: Collection[int]) -> None:
        """Let lines go, and with them all before them."""
        for number in gone:
            for later in self._later.pop(number, _NONE).keys() - gone:
                self._rows.pop(later, None)
                left = {earlier: chance for earlier, chance in self._earlier[later].items() if earlier != number}
                _put(self._earlier, later, left or None)
                if self._best_earlier.get(later) == number:
                    del self._best_earlier[later]
            for other in self._edges.pop(number, ()):
                self._part(other, number)
            self._earlier.pop(number, None)
            self._best_earlier.pop(number, None)
            self._best_later.pop(number, None)
            self._rows.pop(number, None)


def _put(held: dict[int, T], number: int, value: T | None) -> None:
    """Hold something of a line, or nothing any more."""
    if value is None:
        held.pop(number, None)
    else:
        held[number] = value


def _likely(chances: Mapping[int, float]) -> set[int]:
    return {number for number, chance in chances.items() if chance >= LINKED_FROM}
