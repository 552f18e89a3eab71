"""Surprises of a day's features: nothing while a tenant is hardly known, and the account's own habit counts beside the tenant's."""

from __future__ import annotations

import numpy as np

from features.alert import EntityKind
from models.behaviour.day_surprises import LEAST_DAYS, REFERENCE, Surprises, _Reference
from models.behaviour.day_vector import NAMES, DayKey, DayVectors

VOLUME = NAMES.index("volume_peers")


def _days(ordinal: int, volumes: dict[str, float]) -> DayVectors:
    values = np.zeros((len(volumes), len(NAMES)))
    values[:, VOLUME] = list(volumes.values())
    keys = [DayKey(ordinal, "acme", EntityKind.USER, name) for name in volumes]
    return DayVectors(keys, [""] * len(keys), np.ones(len(keys), np.int64), values)


def _settled() -> Surprises:
    surprises, rng = Surprises(), np.random.default_rng(2)
    for ordinal in range(40):
        usual = {f"user{n}": float(n + rng.normal(0.0, 0.2)) for n in range(10)}
        surprises.step(_days(ordinal, usual))
    return surprises


def test_nothing_is_said_while_the_tenant_is_hardly_known() -> None:
    assert Surprises().step(_days(0, {"ann": 1.0})) is None


def test_what_is_usual_for_another_surprises_of_a_quiet_account() -> None:
    found = _settled().step(_days(40, {"user1": 8.0, "user8": 8.0}))
    assert found is not None
    quiet, busy = found[0][:, VOLUME]
    assert quiet > busy + 1.0
    assert found[1].shape == (len(NAMES),)


def test_less_than_usual_surprises_nobody() -> None:
    found = _settled().step(_days(40, {"user8": -9.0}))
    assert found is not None
    assert found[0][0, VOLUME] < 0.5


def test_others_are_held_against_the_latest_days_only() -> None:
    reference, rng = _Reference(), np.random.default_rng(4)
    width, learned = 2 * len(NAMES), np.zeros((0, 2 * len(NAMES)))
    for many in (3, 96, 1, 0, 4000, 2500, 7, 2 * REFERENCE + 1, 4999, 2):
        values = rng.normal(size=(many, width))
        reference.learn(values)
        learned = np.concatenate([learned, values])[-REFERENCE:]
        rarity = reference.rarity()
        assert (rarity is None) is (len(learned) < LEAST_DAYS)
        np.testing.assert_array_equal(np.sort(reference._rows[: len(learned)], axis=0), np.sort(learned, axis=0))
