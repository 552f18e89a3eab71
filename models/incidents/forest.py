"""Which lines make one incident: the strongest links first, never across what an analyst has split."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Edge(NamedTuple):
    """A link between two lines, by their numbers."""

    earlier: int
    later: int
    probability: float


class Grove(NamedTuple):
    """Lines of one incident and the tree of links that joins them."""

    lines: tuple[int, ...]
    edges: tuple[Edge, ...]


def groves(
    lines: Iterable[int],
    edges: Iterable[Edge],
    order: Mapping[int, tuple[int, int]],
    sides: Mapping[int, Sequence[tuple[int, int]]],
) -> list[Grove]:
    """Return the trees of strongest links over ``lines`` (Kruskal 1956).

    ``order`` breaks ties, so that the result depends on the sets alone. ``sides`` gives for a line the (split, side) pairs that
    analysts put it under: two sides of one split are never joined.

    >>> edges = [Edge(1, 2, 0.9), Edge(2, 3, 0.8)]
    >>> order = {n: (n, 0) for n in (1, 2, 3)}
    >>> [grove.lines for grove in groves([1, 2, 3], edges, order, {1: [(7, 0)], 3: [(7, 1)]})]
    [(1, 2), (3,)]
    """
    above = {line: line for line in lines}
    under = {line: dict(sides.get(line, ())) for line in above}

    def root(line: int) -> int:
        while above[line] != line:
            above[line] = above[above[line]]
            line = above[line]
        return line

    kept: list[Edge] = []
    for edge in sorted(edges, key=lambda e: (-e.probability, order[e.later], order[e.earlier])):
        a, b = root(edge.earlier), root(edge.later)
        if a == b or any(under[b].get(split, side) != side for split, side in under[a].items()):
            continue
        above[b] = a
        under[a].update(under.pop(b))
        kept.append(edge)
    members: dict[int, list[int]] = {}
    for line in sorted(above, key=order.__getitem__):
        members.setdefault(root(line), []).append(line)
    joined: dict[int, list[Edge]] = {first: [] for first in members}
    for edge in kept:
        joined[root(edge.later)].append(edge)
    return [Grove(tuple(some), tuple(joined[first])) for first, some in members.items()]
