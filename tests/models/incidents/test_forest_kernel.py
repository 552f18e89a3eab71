"""Compiled growing of trees: as by definition, and bounded."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.incidents import forest_kernel as kernel
from models.incidents.forest import AGREED_FROM, Edge, Grove, groves, said_of

Said = Mapping[int, Mapping[int, float]]
Sides = Mapping[int, Mapping[int, int]]

LINES = [7, 2, 13, 0, 5, 4, 11, 3, 9, 1]
"""Numbers of lines in the order of lines."""
CHANCES = st.sampled_from([0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.7, 0.9, 1.0])
PAIRS = st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(lambda pair: pair[0] < pair[1])
SAID = st.dictionaries(PAIRS, CHANCES, max_size=40)
HELD = st.lists(st.tuples(PAIRS, CHANCES), max_size=3, unique_by=lambda one: one[0])
SIDES = st.dictionaries(st.sampled_from(LINES), st.dictionaries(st.integers(0, 2), st.integers(0, 2)), max_size=6)


def by_definition(lines: Sequence[int], edges: Sequence[Edge], sides: Sides, said: Said, held: Sequence[Edge]) -> list[Grove]:
    """Return the trees as :func:`groves` does, all that is said between two trees added up anew each time it is asked about."""
    whole = {line: {line} for line in lines}
    grown = {line: {line} for line in lines}
    kept = []

    def strongest(some: Sequence[Edge]) -> list[Edge]:
        return sorted(some, key=lambda edge: (-edge.probability, lines.index(edge.later), lines.index(edge.earlier)))

    def unite(trees: dict[int, set[int]], edge: Edge) -> None:
        both = trees[edge.earlier] | trees[edge.later]
        trees.update(dict.fromkeys(both, both))

    def join(edge: Edge) -> None:
        under = [{item for line in whole[end] for item in sides.get(line, {}).items()} for end in edge[:2]]
        if edge.earlier in whole[edge.later] or any(a == b and one != other for a, one in under[0] for b, other in under[1]):
            return
        unite(whole, edge)
        kept.append(edge)

    for edge in strongest(held):
        join(edge)
    for edge in strongest(edges):
        one, other = grown[edge.earlier], grown[edge.later]
        told = [
            (of, b, a)
            for b, chances in said.items()
            for a, of in chances.items()
            if (a in one and b in other) or (a in other and b in one)
        ]
        if one is not other and sum(round((of - AGREED_FROM) * 1e9) for of, _, _ in told) >= 0:
            join(edge)
            if edge.earlier in whole[edge.later]:
                unite(grown, edge)
    found = list({id(tree): tree for tree in map(whole.__getitem__, lines)}.values())
    return [Grove(tuple(n for n in lines if n in tree), tuple(e for e in kept if e.later in tree)) for tree in found]


@settings(max_examples=500, deadline=None)
@given(SAID, SIDES, HELD)
def test_trees_are_what_they_are_by_definition(
    pairs: dict[tuple[int, int], float], sides: Sides, over: list[tuple[tuple[int, int], float]]
) -> None:
    said: dict[int, dict[int, float]] = {}
    for (earlier, later), chance in pairs.items():
        said.setdefault(LINES[later], {})[LINES[earlier]] = chance
    edges = [Edge(earlier, later, chance) for later, told in said.items() for earlier, chance in told.items() if chance >= 0.5]
    held = [Edge(LINES[earlier], LINES[later], chance) for (earlier, later), chance in over]
    told = [said_of(later, chances) for later, chances in said.items()]
    assert groves(LINES, edges, sides, said=told, held=held) == by_definition(LINES, edges, sides, said, held)
    some = LINES[::2]  # what is said of others is nothing to them
    among = [edge for edge in edges if {edge.earlier, edge.later} <= set(some)]
    assert groves(some, among, sides, said=told) == by_definition(some, among, sides, said, [])


def _looked_at(lines: int, grown: float, asked: float) -> int:
    """Return how many pairs are looked at to find that two trees of many lines have many links between them, all spoken against;
    the last quarter of their own links is as strong as ``grown``, of those between them as ``asked``."""
    said = {n: {m: 0.9 if (n - m) % 2 == 0 else 0.1 for m in range(max(0, n - 8), n)} for n in range(lines)}
    edges = [Edge(n - 2, n, 0.9 if n < 0.75 * lines else grown - n / 1e5) for n in range(2, lines)]
    edges += [Edge(n - 1, n, 0.6 if n < 0.75 * lines else asked - n / 1e5) for n in range(1, lines, 2)]
    counted = 0

    def count(frame: object, event: str, _argument: object) -> None:
        nonlocal counted
        counted += event == "call" and getattr(frame, "f_code", None) is kernel._root.__code__

    with pytest.MonkeyPatch.context() as patch:
        for name, function in vars(kernel).copy().items():
            if hasattr(function, "py_func"):
                patch.setattr(kernel, name, function.py_func)
        sys.setprofile(count)
        try:
            found = groves(range(lines), edges, {}, said=[said_of(later, chances) for later, chances in said.items()])
        finally:
            sys.setprofile(None)
    assert len(found) == 2
    return counted


@pytest.mark.parametrize(("grown", "asked"), [(0.9, 0.6), (0.55, 0.55), (0.8, 0.8)])
def test_asking_costs_no_more_however_large_what_disagrees(grown: float, asked: float) -> None:
    assert _looked_at(800, grown, asked) < 2.5 * _looked_at(400, grown, asked)


@pytest.mark.parametrize("room", [40_503, 121_509, 30_001])
def test_pairs_of_one_tree_with_many_stand_in_no_others_way(room: int) -> None:
    """Whatever room there is: else each would be looked for past all those before it."""
    pairs = np.full((room, 2), -1)
    assert len({kernel._pair(pairs, 7, other) for other in range(room // 2)}) == room // 2
