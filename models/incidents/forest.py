"""Which lines make one incident: the strongest links first, where the rest agrees, never across what an analyst has split."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.incidents import forest_kernel as kernel


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

Said = NDArray[np.int32]
"""Rows of two lines, and by how much it exceeds what has to be said how likely both are of one incident: in whole units, exact in
any order. Of a pair that is in no row nothing worth a word is said."""


def said_of(later: int, chances: Mapping[int, float]) -> Said:
    """Return what is said of a line and earlier ones: how likely it is of one incident with each."""
    rows = np.empty((len(chances), 3), np.int32)
    rows[:, 0] = np.fromiter(chances, np.int32, len(chances))
    rows[:, 1] = later
    rows[:, 2] = np.rint((np.fromiter(chances.values(), np.float64, len(chances)) - AGREED_FROM) * _UNITS)
    return rows


def groves(
    lines: Sequence[int],
    edges: Iterable[Edge],
    sides: Mapping[int, Mapping[int, int]],
    *,
    said: Iterable[Said] = (),
    held: Iterable[Edge] = (),
) -> list[Grove]:
    """Return the trees of strongest links over ``lines`` (Kruskal 1956).

    The order of ``lines`` breaks ties, so that the result depends on the sets alone. ``sides`` gives for a line by split the side
    that an analyst put it on: two sides of one split are never joined. An edge joins two trees only if all that is ``said`` between
    them agrees on average (average linkage as a veto, Sokal and Michener 1958), so that one mistaken link does not make one of two
    incidents. Edges that are ``held`` come first and are not asked about; what they join is asked about as if they did not, so that
    they part nothing.

    >>> edges = [Edge(1, 2, 0.9), Edge(2, 3, 0.8)]
    >>> [grove.lines for grove in groves([1, 2, 3], edges, {1: {7: 0}, 3: {7: 1}})]
    [(1, 2), (3,)]
    >>> [grove.lines for grove in groves([1, 2, 3], edges, {}, said=[said_of(2, {1: 0.9}), said_of(3, {1: 0.1, 2: 0.4})])]
    [(1, 2), (3,)]
    """
    first = list(held)
    some = [*first, *edges]
    if not some:
        return [Grove((line,), ()) for line in lines]
    place = {line: at for at, line in enumerate(lines)}
    ends = np.array([[place[edge.earlier] for edge in some], [place[edge.later] for edge in some]]).T
    order = _strongest_first(some, ends, len(first))
    kept, root = kernel.grow(ends[order], len(first), *_placed(said, lines), _sides(sides, place))
    members: dict[int, list[int]] = {}
    for line, of in zip(lines, root.tolist(), strict=True):
        members.setdefault(of, []).append(line)
    joined: dict[int, list[Edge]] = {of: [] for of in members}
    for at in order[kept].tolist():
        joined[root[ends[at, 1]]].append(some[at])
    return [Grove(tuple(mine), tuple(joined[of])) for of, mine in members.items()]


def _strongest_first(edges: Sequence[Edge], ends: NDArray[np.int64], held: int) -> NDArray[np.int64]:
    """Return the order of edges: the first that are ``held``, then others, the strongest of each first."""
    weakness = np.array([-edge.probability for edge in edges])
    return np.lexsort((ends[:, 0], ends[:, 1], weakness, np.arange(len(edges)) >= held))


def _placed(said: Iterable[Said], lines: Sequence[int]) -> tuple[Said, NDArray[np.int64]]:
    """Return what is said in one piece, and for the numbers in it their places among ``lines``, -1 where they have none.

    Where nothing is said no number is looked up: what is left of trees is grown one by one when lines go, among however many.
    """
    rows = np.concatenate([np.empty((0, 3), np.int32), *said])
    if not len(rows):
        return rows, np.arange(len(lines))
    places = np.full(int(rows[:, :2].max(initial=max(lines))) + 1, -1)
    places[np.array(lines)] = np.arange(len(lines))
    return rows, places


def _sides(sides: Mapping[int, Mapping[int, int]], place: Mapping[int, int]) -> NDArray[np.int64]:
    """Return rows of a line, by its place, a split, and the side on which the line is."""
    splits: dict[int, int] = {}
    rows = [
        (place[line], splits.setdefault(split, len(splits)), side)
        for line in place.keys() & sides.keys()
        for split, side in sides[line].items()
    ]
    return np.array(rows, np.int64).reshape(-1, 3)


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
