"""Alerts and events as columns: no object for any single one of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

START = datetime(2026, 1, 5, tzinfo=UTC)
"""A Monday; all tenants live through the same days. Times are seconds since then."""
DAY = 86_400.0
HOUR = 3_600.0
NONE = -1
ORIGINS = ("noise", "habit", "scanner", "backup", "admin", "onboarding", "roll-out", "penetration-test", "attack")
ON_PURPOSE = ("scanner", "backup", "admin", "onboarding", "roll-out", "penetration-test")
"""Origins of what looks bad and was meant."""


class Rows(NamedTuple):
    """n alerts as columns, in any order.

    ``host`` and ``user`` index the world's, −1 for none. ``source``: ≥ 0 a host of the tenant, −1 none, below that an
    outside address. ``domain``: number of an outside domain or −1. ``origin``: index into ``ORIGINS``; ``incident`` and
    ``step`` are −1 unless an attacker did it.
    """

    time: NDArray[np.float64]
    rule: NDArray[np.int64]
    host: NDArray[np.int64]
    user: NDArray[np.int64]
    source: NDArray[np.int64]
    domain: NDArray[np.int64]
    origin: NDArray[np.int64]
    incident: NDArray[np.int64]
    step: NDArray[np.int64]

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
        """Return the rows at ``index`` (positions or a mask)."""
        return Rows(self.time[index], *(column[index] for column in self[1:]))


def rows(time: NDArray[np.float64], origin: str, **columns: object) -> Rows:
    """Return rows with the columns given (arrays or single numbers) and −1 in the others."""
    filled = {name: columns.get(name, NONE) for name in Rows._fields[1:]} | {"origin": ORIGINS.index(origin)}
    return Rows(time, *(np.broadcast_to(np.asarray(value, np.int64), time.shape).copy() for value in filled.values()))


def joined(parts: list[Rows]) -> Rows:
    """Return all rows, one part after the other."""
    parts = [rows(np.zeros(0), "noise"), *parts]
    time, *others = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Rows(time, *others)


class Events(NamedTuple):
    """n events as columns. ``actor`` and ``device`` index users and hosts; ``target`` the tenant's list of targets.

    ``source`` is as for alerts. The others index the lists in :mod:`training.simulator.activity`; ``incident`` is −1
    unless an attacker did it.
    """

    time: NDArray[np.float64]
    actor: NDArray[np.int32]
    action: NDArray[np.int32]
    target: NDArray[np.int32]
    source: NDArray[np.int32]
    country: NDArray[np.int32]
    device: NDArray[np.int32]
    application: NDArray[np.int32]
    outcome: NDArray[np.int32]
    incident: NDArray[np.int32]

    def take(self, index: NDArray[np.int64] | NDArray[np.bool_]) -> Events:
        """Return the events at ``index`` (positions or a mask)."""
        return Events(self.time[index], *(column[index] for column in self[1:]))


def mixed(*numbers: NDArray[np.int64] | int) -> NDArray[np.uint64]:
    """Return a hash of each row of ``numbers``: choices that must stay the same each time they are looked at."""
    state: NDArray[np.uint64] = np.full(1, 0x9E3779B97F4A7C15, np.uint64)
    with np.errstate(over="ignore"):
        for number in numbers:
            state = (state ^ np.asarray(number, np.int64).astype(np.uint64)) * np.uint64(0xBF58476D1CE4E5B9)
            state ^= state >> np.uint64(29)
            state = state * np.uint64(0x94D049BB133111EB)
            state ^= state >> np.uint64(32)
    return state
