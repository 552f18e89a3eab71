"""Choices: a link holds that either end would choose, and what was chosen stays chosen when it is let go."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from models.incidents.choices import LINKED_FROM, Choices
from models.incidents.forest import Edge, said_of

CHANCES = st.dictionaries(st.integers(0, 7), st.sampled_from([0.2, 0.5, 0.6, 0.6, 0.9]))


def test_a_link_holds_that_either_end_would_choose() -> None:
    choices = Choices(int)
    choices.link(3, {1: 0.9, 2: 0.6})
    choices.link(4, {2: 0.8})
    assert set(choices.beside(3).values()) == {Edge(1, 3, 0.9)}  # 2 would rather have 4
    assert set(choices.beside(2).values()) == {Edge(2, 4, 0.8)}
    assert choices.link(4, {}) == {2, 4}
    assert set(choices.beside(2).values()) == {Edge(2, 3, 0.6)}
    assert choices.link(4, {}) == set()


def test_of_equals_the_later_is_chosen() -> None:
    choices = Choices(int)
    choices.link(5, {1: 0.7, 2: 0.7})
    choices.link(6, {1: 0.9})
    assert set(choices.beside(5).values()) == {Edge(2, 5, 0.7)}


def test_forgetting_what_was_chosen_chooses_nothing_else() -> None:
    choices = Choices(int)
    choices.link(3, {1: 0.9, 2: 0.6})
    choices.link(4, {2: 0.8})
    choices.drop({1})
    assert set(choices.beside(3).values()) == set()
    choices.drop({2})
    assert not choices.beside(3)
    assert not choices.beside(4)
    choices.link(3, {2: 0.6})
    assert set(choices.beside(3).values()) == {Edge(2, 3, 0.6)}


def test_what_is_not_likely_is_said_but_links_nothing() -> None:
    choices = Choices(int)
    assert choices.link(3, {1: 0.9, 2: 0.2}) == {1, 3}
    assert choices.link(4, {2: 0.3}) == {4}
    assert set(choices.beside(3).values()) == {Edge(1, 3, 0.9)}
    assert not choices.beside(2)
    assert not choices.beside(4)
    assert (choices.said(3), choices.said(4), choices.said(1)) == ({1: 0.9, 2: 0.2}, {2: 0.3}, {})
    choices.drop({1})
    choices.drop({2})
    assert (choices.said(3), choices.said(4)) == ({}, {})


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 8), CHANCES), max_size=30), st.integers(0, 40), st.integers(0, 8))
def test_links_are_what_they_are_by_definition(told: list[tuple[int, dict[int, float]]], dropped: int, first: int) -> None:
    """Some lines are let go in between. Those that had chosen one of them choose nothing until something else is said of them."""
    choices, said = Choices(int), dict[int, dict[int, float]]()
    mine: dict[int, int] = {}
    gone: set[int] = set()

    def best(chances: dict[int, float]) -> int:
        return max(((chance, number) for number, chance in chances.items() if chance >= LINKED_FROM), default=(0.0, -1))[1]

    for n, (later, chances) in enumerate(told):
        if n == dropped:
            gone = set(range(first))
            choices.drop(gone)
            kept = {
                number: {e: of for e, of in was.items() if e not in gone} for number, was in said.items() if number not in gone
            }
            said = {number: left for number, left in kept.items() if left}
        fresh = {earlier: chance for earlier, chance in chances.items() if earlier < later and earlier not in gone}
        if later not in gone and said.get(later, {}) != fresh:
            said[later], mine[later] = fresh, best(fresh)
            choices.link(later, fresh)
        its = {e: best({other: of[e] for other, of in said.items() if e in of}) for e in range(8)}
        links = {
            (e, number)
            for number, of in said.items()
            for e in of
            if of[e] >= LINKED_FROM and (mine[number] == e or its[e] == number)
        }
        for number in set(range(9)) - gone:
            expected = {e + other - number: Edge(e, other, said[other][e]) for e, other in links if number in {e, other}}
            assert choices.beside(number) == expected
        found = [row.tolist() for row in choices.told(range(9))]
        assert found == [said_of(number, said[number]).tolist() for number in range(9) if said.get(number)]
