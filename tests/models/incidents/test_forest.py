"""Forests: the strongest links first, split sides apart, and what is let go leaves a bridge."""

from __future__ import annotations

import doctest
import random
from collections.abc import Mapping

from hypothesis import given, settings
from hypothesis import strategies as st

from models.incidents import forest
from models.incidents.forest import Edge, Grove, Said, bridges, groves, said_of

EDGES = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 11), st.sampled_from([0.5, 0.7, 0.7, 0.9])).filter(lambda e: e[0] < e[1]),
    max_size=25,
    unique_by=lambda e: e[:2],
).map(lambda some: [Edge(*one) for one in some])
LINES = list(range(12))
ORDER = {n: n for n in LINES}


def rows(said: Mapping[int, Mapping[int, float]]) -> list[Said]:
    """Return what is said of later lines and earlier ones as forests want it."""
    return [said_of(later, chances) for later, chances in said.items()]


def test_examples() -> None:
    assert doctest.testmod(forest).failed == 0


@settings(deadline=None)
@given(EDGES, st.dictionaries(st.integers(0, 11), st.dictionaries(st.integers(0, 1), st.integers(0, 2))), st.integers())
def test_groves_are_trees_that_respect_splits_in_any_order(
    edges: list[Edge], sides: dict[int, dict[int, int]], seed: int
) -> None:
    found = groves(LINES, edges, sides)
    shuffled = random.Random(seed).sample(edges, len(edges))
    assert groves(LINES, shuffled, sides) == found
    assert sorted(line for grove in found for line in grove.lines) == LINES
    for grove in found:
        assert len(grove.edges) == len(grove.lines) - 1
        assert {line for edge in grove.edges for line in edge[:2]} <= set(grove.lines)
        assert list(grove.lines) == sorted(grove.lines)
        for split in (0, 1):
            assert len({sides[line][split] for line in grove.lines if split in sides.get(line, {})}) <= 1


@settings(deadline=None)
@given(EDGES, st.sets(st.integers(0, 11)))
def test_bridges_hold_together_what_was(edges: list[Edge], gone: set[int]) -> None:
    left = [n for n in ORDER if n not in gone]
    remaining = [edge for edge in edges if not {edge.earlier, edge.later} & gone]
    beside = [edge for edge in edges if {edge.earlier, edge.later} & gone]
    after = groves(left, remaining + bridges(gone, beside, ORDER), {})
    before = [tuple(n for n in grove.lines if n not in gone) for grove in groves(LINES, edges, {})]
    assert {grove.lines for grove in after} == {lines for lines in before if lines}


def test_of_two_trees_the_stronger_is_taken() -> None:
    (grove,) = groves([1, 2, 3], [Edge(1, 2, 0.6), Edge(1, 3, 0.9), Edge(2, 3, 0.8)], {})
    assert set(grove.edges) == {Edge(1, 3, 0.9), Edge(2, 3, 0.8)}


def test_a_link_that_the_rest_speaks_against_joins_nothing() -> None:
    edges = [Edge(1, 2, 0.9), Edge(3, 4, 0.8), Edge(2, 3, 0.6)]
    said = {2: {1: 0.9}, 3: {2: 0.6, 1: 0.1}, 4: {3: 0.8, 1: 0.1, 2: 0.2}}
    assert [grove.lines for grove in groves([1, 2, 3, 4], edges, {}, said=rows(said))] == [(1, 2), (3, 4)]
    assert [grove.lines for grove in groves([1, 2, 3, 4], edges, {})] == [(1, 2, 3, 4)]
    held = groves([1, 2, 3, 4], edges, {}, said=rows(said), held=[Edge(1, 4, 0.05)])
    assert [grove.lines for grove in held] == [(1, 2, 3, 4)]
    assert Edge(1, 4, 0.05) in held[0].edges
    fewer = {later: {earlier: chance for earlier, chance in of.items() if chance > 0.1} for later, of in said.items()}
    assert [grove.lines for grove in groves([1, 2, 3, 4], edges, {}, said=rows(fewer))] == [(1, 2, 3, 4)]


@settings(deadline=None)
@given(EDGES, st.dictionaries(st.integers(1, 11), st.dictionaries(st.integers(0, 10), st.floats(0.05, 1.0))), st.integers())
def test_what_is_said_counts_the_same_in_any_order(edges: list[Edge], said: dict[int, dict[int, float]], seed: int) -> None:
    told = {later: {earlier: chance for earlier, chance in of.items() if earlier < later} for later, of in said.items()}
    found = groves(LINES, edges, {}, said=rows(told))
    shuffled = {later: dict(random.Random(seed).sample(list(of.items()), len(of))) for later, of in reversed(told.items())}
    assert groves(LINES, edges[::-1], {}, said=rows(shuffled)) == found
    whole = {line: grove.lines for grove in groves(LINES, edges, {}) for line in grove.lines}
    assert all(set(grove.lines) <= set(whole[grove.lines[0]]) for grove in found)


def test_what_is_held_takes_no_line_out_of_what_it_holds() -> None:
    """Two are held together that disagree: each keeps the lines that it had before."""
    edges = [Edge(1, 2, 0.6), Edge(3, 4, 0.9)]
    said = {2: {1: 0.6}, 3: {1: 0.1, 2: 0.1}, 4: {1: 0.1, 2: 0.1, 3: 0.9}}
    assert [grove.lines for grove in groves([1, 2, 3, 4], edges, {}, said=rows(said))] == [(1, 2), (3, 4)]
    (whole,) = groves([1, 2, 3, 4], edges, {}, said=rows(said), held=[Edge(2, 4, 1.0)])
    assert set(whole.edges) == {*edges, Edge(2, 4, 1.0)}


def test_no_room_is_made_for_the_numbers_of_lines() -> None:
    """However many lines are kept beside them; a table up to the highest number would be of 16 GiB here."""
    one, other = 3, 2**31 - 1
    joined = [Grove((one, other), (Edge(one, other, 0.9),))]
    assert groves([one, other], [Edge(one, other, 0.9)], {}, said=rows({other: {one: 0.9, 5: 0.1}})) == joined
    assert groves([one, other], (), {}, held=[Edge(one, other, 0.9)]) == joined
