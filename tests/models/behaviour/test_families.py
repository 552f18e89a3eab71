"""Families of features: each feature is in one at most, one strange thing counts once, different ones add up."""

from __future__ import annotations

from collections import Counter

import numpy as np

from models.behaviour.day_vector import NAMES
from models.behaviour.families import ALONE, FAMILIES, RARE, excesses


def _surprised(**nats: float) -> np.ndarray:
    row = np.zeros((1, len(NAMES)))
    for name, value in nats.items():
        row[0, NAMES.index(name)] = value
    return row


def test_every_feature_is_in_one_family_or_told_apart() -> None:
    times = Counter(at for columns in FAMILIES.values() for at in columns)
    assert set(times.values()) == {1}
    assert {name for at, name in enumerate(NAMES) if at not in times} <= ALONE
    assert all(FAMILIES.values())


def test_one_strange_thing_counts_once_and_two_add_up() -> None:
    one = excesses(_surprised(country_own_max=9.0)).sum()
    assert one > 0
    assert excesses(_surprised(country_own_max=9.0, country_peers_max=9.0)).sum() == one
    assert excesses(_surprised(country_own_max=9.0, hour_own_max=9.0)).sum() > one


def test_many_small_surprises_say_nothing() -> None:
    assert (excesses(np.full((1, len(NAMES)), RARE)) == 0.0).all()


def test_who_was_opened_is_stranger_than_who_was_tried_in_vain() -> None:
    tried = excesses(_surprised(spray_max=9.0)).sum()
    assert excesses(_surprised(spray_max=9.0, spray_success_max=9.0)).sum() > 1.5 * tried > 0.0
