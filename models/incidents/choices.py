"""Choices: what is said of pairs of lines, and for each line the earlier and the later one that it most likely shares an incident
with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from models.incidents.forest import Edge

LINKED_FROM = 0.5
"""Two lines are linked that are likelier of one incident than not."""
_NONE: Mapping[int, float] = {}
_NOBODY, _GONE = -2, -1
"""The choice of a line that nothing is likely enough for, and of one that chose what was let go: its choice is over."""


class Choices:
    """What is said of lines, and which links hold: the likely ones that either end would choose.

    ``place`` gives a line's place in the order of lines, the later of two equals is chosen. A line that was let go stays chosen,
    so that forgetting joins nothing.
    """

    def __init__(self, place: Callable[[int], int]) -> None:
        self._place = place
        self._earlier: dict[int, Mapping[int, float]] = {}
        self._later: dict[int, dict[int, float]] = {}
        self._best_earlier: dict[int, int] = {}
        self._best_later: dict[int, int] = {}

    def link(self, later: int, chances: Mapping[int, float]) -> set[int]:
        """Say of a line how likely it is of one incident with earlier ones, in place of what was said; return the lines affected."""
        before = self._earlier.get(later, _NONE)
        if before == chances:
            return set()
        for earlier in before:
            self._unlink(earlier, later)
        for earlier, chance in chances.items():
            self._later.setdefault(earlier, {})[later] = chance
            self._best_later.pop(earlier, None)
        self._best_earlier.pop(later, None)
        if chances:
            self._earlier[later] = chances
        else:
            del self._earlier[later]
        return {later, *_likely(before), *_likely(chances)}

    def said(self, later: int) -> Mapping[int, float]:
        """Return how likely a line is of one incident with earlier ones, as far as anything was said."""
        return self._earlier.get(later, _NONE)

    def _unlink(self, earlier: int, later: int) -> None:
        links = self._later[earlier]
        del links[later]
        self._best_later.pop(earlier, None)
        if not links:
            del self._later[earlier]

    def edges(self, number: int) -> Iterator[Edge]:
        """Return the links of a line that hold."""
        if number in self._earlier:
            chosen = self._chosen_earlier(number)
            for earlier, chance in self._earlier[number].items():
                if chance >= LINKED_FROM and (earlier == chosen or self._chosen_later(earlier) == number):
                    yield Edge(earlier, number, chance)
        if number in self._later:
            chosen = self._chosen_later(number)
            for later, chance in self._later[number].items():
                if chance >= LINKED_FROM and (later == chosen or self._chosen_earlier(later) == number):
                    yield Edge(number, later, chance)

    def _chosen_earlier(self, later: int) -> int:
        best = self._best_earlier.get(later)
        if best is None:
            best = self._best_earlier[later] = self._best(self._earlier[later])
        return best

    def _chosen_later(self, earlier: int) -> int:
        best = self._best_later.get(earlier)
        if best is None:
            best = self._best_later[earlier] = self._best(self._later[earlier])
        return best

    def _best(self, chances: Mapping[int, float]) -> int:
        highest = max(chances.values())
        if highest < LINKED_FROM:
            return _NOBODY
        return max((number for number, chance in chances.items() if chance == highest), key=self._place)

    def drop(self, number: int) -> None:
        """Let a line go. Those before it must be gone already."""
        for later in self._later.pop(number, {}):
            chosen = self._chosen_earlier(later)
            left = {earlier: chance for earlier, chance in self._earlier[later].items() if earlier != number}
            if left:
                self._earlier[later] = left
                self._best_earlier[later] = _GONE if chosen == number else chosen
            else:
                del self._earlier[later], self._best_earlier[later]
        for earlier in self._earlier.pop(number, {}):
            self._unlink(earlier, number)
        self._best_earlier.pop(number, None)
        self._best_later.pop(number, None)


def _likely(chances: Mapping[int, float]) -> Iterator[int]:
    return (number for number, chance in chances.items() if chance >= LINKED_FROM)
