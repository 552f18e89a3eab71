"""Which lines make one incident: the strongest links first, never across what an analyst has split."""

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


def groves(
    lines: Iterable[int], edges: Iterable[Edge], order: Mapping[int, int], sides: Mapping[int, Mapping[int, int]]
) -> list[Grove]:
    """Return the trees of strongest links over ``lines`` (Kruskal 1956).

    ``order`` breaks ties, so that the result depends on the sets alone. ``sides`` gives for a line by split the side that an
    analyst put it on: two sides of one split are never joined.

    >>> edges = [Edge(1, 2, 0.9), Edge(2, 3, 0.8)]
    >>> order = {n: n for n in (1, 2, 3)}
    >>> [grove.lines for grove in groves([1, 2, 3], edges, order, {1: {7: 0}, 3: {7: 1}})]
    [(1, 2), (3,)]
    """
    parts = Parts(lines)
    root = parts.root
    under = {line: dict(sides[line]) for line in parts.above if line in sides}
    kept: list[Edge] = []
    for edge in sorted(edges, key=lambda e: (-e.probability, order[e.later], order[e.earlier])):
        a, b = root(edge.earlier), root(edge.later)
        if a == b:
            continue
        one, other = under.get(a, {}), under.get(b, {})
        if any(other.get(split, side) != side for split, side in one.items()):
            continue
        parts.above[b] = a
        if other:
            under[a] = one | other
        kept.append(edge)
    members: dict[int, list[int]] = {}
    for line in sorted(parts.above, key=order.__getitem__):
        members.setdefault(root(line), []).append(line)
    joined: dict[int, list[Edge]] = {first: [] for first in members}
    for edge in kept:
        joined[root(edge.later)].append(edge)
    return [Grove(tuple(some), tuple(joined[first])) for first, some in members.items()]


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
