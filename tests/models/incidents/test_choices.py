"""Choices: a link holds that either end would choose, and what was chosen stays chosen when it is let go."""

from __future__ import annotations

from models.incidents.choices import Choices
from models.incidents.forest import Edge


def test_a_link_holds_that_either_end_would_choose() -> None:
    choices = Choices(int)
    choices.link(3, {1: 0.9, 2: 0.6})
    choices.link(4, {2: 0.8})
    assert set(choices.edges(3)) == {Edge(1, 3, 0.9)}  # 2 would rather have 4
    assert set(choices.edges(2)) == {Edge(2, 4, 0.8)}
    assert choices.link(4, {}) == {2, 4}
    assert set(choices.edges(2)) == {Edge(2, 3, 0.6)}
    assert choices.link(4, {}) == set()


def test_of_equals_the_later_is_chosen() -> None:
    choices = Choices(int)
    choices.link(5, {1: 0.7, 2: 0.7})
    choices.link(6, {1: 0.9})
    assert set(choices.edges(5)) == {Edge(2, 5, 0.7)}


def test_forgetting_what_was_chosen_chooses_nothing_else() -> None:
    choices = Choices(int)
    choices.link(3, {1: 0.9, 2: 0.6})
    choices.link(4, {2: 0.8})
    choices.drop(1)
    assert set(choices.edges(3)) == set()
    choices.drop(2)
    assert not list(choices.edges(3))
    assert not list(choices.edges(4))
    choices.link(3, {2: 0.6})
    assert set(choices.edges(3)) == {Edge(2, 3, 0.6)}


def test_what_is_not_likely_is_said_but_links_nothing() -> None:
    choices = Choices(int)
    assert choices.link(3, {1: 0.9, 2: 0.2}) == {1, 3}
    assert choices.link(4, {2: 0.3}) == {4}
    assert set(choices.edges(3)) == {Edge(1, 3, 0.9)}
    assert not list(choices.edges(2))
    assert not list(choices.edges(4))
    assert (choices.said(3), choices.said(4), choices.said(1)) == ({1: 0.9, 2: 0.2}, {2: 0.3}, {})
    choices.drop(1)
    choices.drop(2)
    assert (choices.said(3), choices.said(4)) == ({}, {})
