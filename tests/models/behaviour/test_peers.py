"""Peer groups: nearest or none, no flapping, and damage that is refused."""

from __future__ import annotations

import io

import numpy as np
import pytest

from models.behaviour.day import Day
from models.behaviour.peers import LEAST_DAYS, Memberships, PeerGroups, word
from models.errors import BundleError

WORDS = np.array(sorted(word("target", value) for value in "abcd"), np.uint64)


def place(value: str) -> int:
    return int(np.searchsorted(WORDS, word("target", value)))


def groups() -> PeerGroups:
    """Group 0 works on a and b, group 1 on c and d."""
    centroids = np.zeros((2, 4))
    for number, value in ((0, "a"), (0, "b"), (1, "c"), (1, "d")):
        centroids[number, place(value)] = np.sqrt(0.5)
    return PeerGroups(fields=("target",), words=WORDS, weight=np.ones(4), centroids=centroids, least=np.full(2, 0.3))


def day(ordinal: int, *values: str, entity: str = "ann") -> Day:
    return Day("t", entity, False, ordinal, "", 1, {"target": {value: 1 / len(values) for value in values}})


def test_an_account_belongs_to_the_group_that_its_days_are_like_once_enough_are_known() -> None:
    members = Memberships(groups())
    assert members.group("t", "ann") is None
    for ordinal in range(int(LEAST_DAYS) + 1):
        assert members.group("t", "ann") is None
        members.learn(day(ordinal, "a", "b"))
    assert members.group("t", "ann") == 0
    assert members.group("u", "ann") is None


def test_what_nobody_else_does_makes_an_account_unlike_all() -> None:
    likeness = groups().likeness({"target": {"a": 0.1, "private": 0.9}}, groups().places())
    assert likeness is not None
    assert likeness[0] == pytest.approx(0.1 / np.hypot(0.1, 0.9) * np.sqrt(0.5))
    assert groups().likeness({"target": {"private": 1.0}}, groups().places()) is None
    assert groups().likeness({}, groups().places()) is None


def test_between_two_groups_an_account_stays_where_it_is() -> None:
    members = Memberships(groups())
    for ordinal in range(10):
        members.learn(day(ordinal, "a", "b"))
    for ordinal in range(10, 19):
        members.learn(day(ordinal, "c", "d"))
        assert members.group("t", "ann") == 0
    for ordinal in range(19, 60):
        members.learn(day(ordinal, "c", "d"))
    assert members.group("t", "ann") == 1


def test_membership_does_not_depend_on_the_order_of_days() -> None:
    forward, back = Memberships(groups()), Memberships(groups())
    those = [day(ordinal, "a" if ordinal % 3 else "c") for ordinal in range(30)]
    for one in those:
        forward.learn(one)
    for one in reversed(those):
        back.learn(one)
    a, b = forward._members["t", "ann"], back._members["t", "ann"]
    assert a.likeness == pytest.approx(b.likeness, rel=1e-5)
    assert a.days == pytest.approx(b.days)


def test_groups_are_read_as_they_were_written_and_damage_is_refused() -> None:
    data = groups().to_bytes()
    assert PeerGroups.from_bytes(data, "here").to_bytes() == data
    for name, wrong in {
        "words": WORDS[::-1].copy(), "weight": np.zeros(4), "centroids": np.zeros((2, 3)), "least": np.zeros(1),
        "fields": np.array([1.0]),
    }.items():  # fmt: skip
        with np.load(io.BytesIO(data)) as held:
            parts = {key: held[key] for key in held.files}
        file = io.BytesIO()
        np.savez(file, **{**parts, name: wrong})
        with pytest.raises(BundleError, match="here"):
            PeerGroups.from_bytes(file.getvalue(), "here")
