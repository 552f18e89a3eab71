"""Which of a day's features speak of the same thing, and how much each thing adds to a day's strangeness.

One strange thing shows in many features: a new country is rare for the account, among its peers and in the tenant, by its highest and
by its mean. Summed, it would count as often as it was measured. So of one family only the strangest feature counts, paid for by how
many it was chosen from; of different families what is rare adds up.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from models.behaviour.day_vector import NAMES

Floats = NDArray[np.float64]
RARE = 3.5
"""Nats: what is less rare, after it was paid for, does not count. The sum of many a small surprise says nothing."""
_OF = {
    "address": ("address_", "addresses_"),
    "country": ("country_",),
    "device": ("device_", "devices_"),
    "application": ("application_",),
    "action": ("action_",),
    "hour": ("hour_", "hours"),
    "sequence": ("sequence_", "order"),
    "target": ("target_own", "target_peers", "target_tenant"),
    "burst": ("target_burst", "novelties", "targets_fresh"),
    "foreign": ("foreign",),
    "volume_own": ("volume_own", "volume_hour", "volume_day"),
    "volume_peers": ("volume_peers",),
    "failures": ("failures", "failed"),
    "spray": ("spray_max",),
    "opened": ("spray_success",),
    "travel": ("travel", "speed"),
}
ALONE = frozenset({"volume", "event_max"})
"""Features of no family: a sum of others, or the same for everybody who is always loud."""
FAMILIES: dict[str, tuple[int, ...]] = {
    family: tuple(at for at, name in enumerate(NAMES) if name.startswith(prefixes) and name not in ALONE)
    for family, prefixes in _OF.items()
}
"""The columns of each family."""


def excesses(surprises: Floats) -> Floats:
    """Return how much each family adds (n × families), from the surprises of a day's features (n × features)."""
    strangest = np.column_stack([surprises[:, columns].max(axis=1) for columns in FAMILIES.values()])
    price = np.array([math.log(len(columns)) for columns in FAMILIES.values()])
    found: Floats = np.maximum(strangest - price - RARE, 0.0)
    return found
