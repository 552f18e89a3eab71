"""Corrections: what analysts said is kept until they take it back, or until the lines are gone."""

from __future__ import annotations

from models.incidents.corrections import Corrections


def test_a_merge_holds_both_ways_and_goes_with_either_line() -> None:
    said = Corrections()
    said.merge(1, 2)
    said.merge(1, 3)
    said.merge(4, 4)
    assert (said.are_joined(2, 1), said.are_joined(2, 3), said.are_joined(4, 4)) == (True, False, False)
    assert set(said.joined(1)) == {2, 3}
    said.drop(1)
    assert not list(said.joined(2))
    assert not said.are_joined(3, 1)


def test_a_split_is_kept_until_it_is_lifted() -> None:
    said = Corrections()
    said.split(7, [[1], [2, 3]])
    said.split(8, [[1, 2], [3]])
    assert said.sides == {1: {7: 0, 8: 0}, 2: {7: 1, 8: 0}, 3: {7: 1, 8: 1}}
    assert said.unite(7) == [1, 2, 3]
    assert said.sides == {1: {8: 0}, 2: {8: 0}, 3: {8: 1}}
    assert said.unite(7) == []


def test_sides_pass_on_to_what_is_left_of_an_incident() -> None:
    said = Corrections()
    said.split(7, [[1], [2]])
    said.pass_on([1], [3, 2])
    assert said.sides == {1: {7: 0}, 2: {7: 1}, 3: {7: 0}}
    said.drop(1)
    assert said.sides == {2: {7: 1}, 3: {7: 0}}
