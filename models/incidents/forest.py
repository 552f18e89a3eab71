"""Which lines make one incident: the strongest links first, where the rest agrees, never across what an analyst has split."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar


class Edge(NamedTuple):
    """A link between two lines, by their numbers."""

    earlier: int
    later: int
    probability: float


class Grove(NamedTuple):
    """Lines of one incident and the tree of links that joins them."""

    lines: tuple[int, ...]
    edges: tuple[Edge, ...]


T = TypeVar("T", bound=Hashable)


class Parts(Generic[T]):
    """Disjoint sets (Tarjan 1975, path halving)."""

    def __init__(self, things: Iterable[T]) -> None:
        self.above = {thing: thing for thing in things}

    def root(self, thing: T) -> T:
        """Return what stands for the set that a thing is in."""
        above = self.above
        while above[thing] != thing:
            above[thing] = above[above[thing]]
            thing = above[thing]
        return thing

    def join(self, one: T, other: T) -> bool:
        """Put the sets of two things under the root of ``one``; return whether they were apart."""
        first, second = self.root(one), self.root(other)
        self.above[second] = first
        return first != second


AGREED_FROM = 0.4
"""Two trees become one where what is said of the pairs of lines between them is at least this likely on average."""
_UNITS = 1e9

Said = Mapping[int, Mapping[int, float]]
"""For a later line, by earlier one: how likely both are of one incident, as far as anything worth a word is said of the two."""


class _Growing:
    """Trees as they grow together: ``parts`` by all that joins them, and ``_grown`` by what was asked about alone, since what holds
    whatever is said is no reason to say less."""

    def __init__(self, lines: Iterable[int], sides: Mapping[int, Mapping[int, int]], said: Said) -> None:
        self.parts, self._grown = Parts(lines), Parts(lines)
        self._under = {line: dict(sides[line]) for line in lines if line in sides}
        self._between: dict[int, dict[int, int]] = {line: {} for line in lines}
        """By how much all that is said between two trees exceeds what has to be, in whole units: exact in any order."""
        for later, chances in said.items():
            for earlier, chance in chances.items():
                if earlier in self._between:
                    self._between[later][earlier] = self._between[earlier][later] = round((chance - AGREED_FROM) * _UNITS)

    def join(self, edge: Edge) -> bool:
        """Join the trees that an edge leads between, unless they are on two sides; return whether that made one of two."""
        one, other = self.parts.root(edge.earlier), self.parts.root(edge.later)
        first, second = self._under.get(one, {}), self._under.get(other, {})
        if one == other or any(second.get(split, side) != side for split, side in first.items()):
            return False
        self.parts.join(one, other)
        if first or second:
            self._under[one] = first | second
        return True

    def ask(self, edge: Edge) -> bool:
        """Join the trees that an edge leads between, if what is said between them agrees; return whether that made one of two."""
        one, other = self._grown.root(edge.earlier), self._grown.root(edge.later)
        if one == other or self._between[one].get(other, 0) < 0:
            return False
        made = self.join(edge)
        if made or self.parts.root(one) == self.parts.root(other):
            self._grow(one, other)
        return made

    def _grow(self, one: int, other: int) -> None:
        if len(self._between[one]) < len(self._between[other]):
            one, other = other, one
        self._grown.join(one, other)
        mine, theirs = self._between[one], self._between.pop(other)
        mine.pop(other, None)
        theirs.pop(one, None)
        for third, more in theirs.items():
            around = self._between[third]
            del around[other]
            mine[third] = around[one] = mine.get(third, 0) + more


def groves(
    lines: Iterable[int],
    edges: Iterable[Edge],
    order: Mapping[int, int],
    sides: Mapping[int, Mapping[int, int]],
    *,
    said: Said | None = None,
    held: Iterable[Edge] = (),
) -> list[Grove]:
    """Return the trees of strongest links over ``lines`` (Kruskal 1956).

    ``order`` breaks ties, so that the result depends on the sets alone. ``sides`` gives for a line by split the side that an
    analyst put it on: two sides of one split are never joined. Where ``said`` is given, an edge joins two trees only if all that is
    said between them agrees on average (average linkage as a veto, Sokal and Michener 1958), so that one mistaken link does not make
    one of two incidents. Edges that are ``held`` come first and are not asked about; what they join is asked about as if they did
    not, so that they part nothing.

    >>> edges = [Edge(1, 2, 0.9), Edge(2, 3, 0.8)]
    >>> order = {n: n for n in (1, 2, 3)}
    >>> [grove.lines for grove in groves([1, 2, 3], edges, order, {1: {7: 0}, 3: {7: 1}})]
    [(1, 2), (3,)]
    >>> [grove.lines for grove in groves([1, 2, 3], edges, order, {}, said={2: {1: 0.9}, 3: {1: 0.1, 2: 0.4}})]
    [(1, 2), (3,)]
    """
    some = sorted(lines, key=order.__getitem__)
    growing = _Growing(some, sides, said or {})
    kept = [edge for edge in _strongest_first(held, order) if growing.join(edge)]
    kept += [edge for edge in _strongest_first(edges, order) if growing.ask(edge)]
    root = growing.parts.root
    members: dict[int, list[int]] = {}
    for line in some:
        members.setdefault(root(line), []).append(line)
    joined: dict[int, list[Edge]] = {first: [] for first in members}
    for edge in kept:
        joined[root(edge.later)].append(edge)
    return [Grove(tuple(mine), tuple(joined[first])) for first, mine in members.items()]


def _strongest_first(edges: Iterable[Edge], order: Mapping[int, int]) -> list[Edge]:
    return sorted(edges, key=lambda e: (-e.probability, order[e.later], order[e.earlier]))


def bridges(gone: Collection[int], edges: Iterable[Edge], order: Mapping[int, int]) -> list[Edge]:
    """Return edges that hold together the lines which ``edges`` held together by way of lines that are ``gone``.

    Each is as strong as the weaker of the two edges that it stands for.

    >>> bridges({1, 2}, [Edge(1, 2, 0.9), Edge(1, 3, 0.8), Edge(2, 4, 0.7)], {n: n for n in (1, 2, 3, 4)})
    [Edge(earlier=3, later=4, probability=0.7)]
    """
    parts = Parts(gone)
    ends = [(e, e.earlier in parts.above, e.later in parts.above) for e in edges]
    for edge, old, also in ends:
        if old and also:
            parts.join(edge.earlier, edge.later)
    beside: dict[int, dict[int, float]] = {}
    for edge, old, also in ends:
        if old != also:
            line, past = (edge.later, edge.earlier) if old else (edge.earlier, edge.later)
            held = beside.setdefault(parts.root(past), {})
            held[line] = max(edge.probability, held.get(line, 0.0))
    return [
        Edge(one, other, min(held[one], held[other]))
        for held in beside.values()
        for one, other in pairwise(sorted(held, key=order.__getitem__))
    ]
