"""A day of an account or host as a vector of named numbers: what its events' signals come to. The input of the detectors.

The same numbers whether gathered live, event by event, or from a file: maxima and means of signals over the day's events, and a
few counts. All are finite and ≥ 0 (``volume_own``, ``volume_peers`` and ``order`` may be negative), 0 where a thing does not apply.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.alert import EntityKind
from features.event_encode import FIELDS
from models.behaviour.signals import COUNTED, SIGNALS


class DayFeature(msgspec.Struct, frozen=True):
    """One number of a day: its name, the words of a reason, and its unit."""

    name: str
    text: str
    unit: str = "nats"


_WORDS = {signal.name: signal.text for signal in SIGNALS}

OF_FIELDS = (
    *(DayFeature(f"{field}_own_max", _WORDS[f"{field}_own"]) for field in FIELDS),
    *(DayFeature(f"{field}_own_mean", f"all day: {_WORDS[f'{field}_own']}") for field in FIELDS),
    *(DayFeature(f"{field}_peers_max", _WORDS[f"{field}_peers"]) for field in FIELDS),
    *(DayFeature(f"{field}_tenant_max", _WORDS[f"{field}_tenant"]) for field in FIELDS),
)
OF_COUNTS = tuple(DayFeature(f"{signal.name}_max", signal.text) for signal in COUNTED)
OF_DAY = (
    DayFeature("volume", "events of the day", "log(1 + events)"),
    DayFeature("volume_own", "more events than on the account's usual day", "log ratio"),
    DayFeature("volume_peers", "more events than on a usual day of its peers", "log ratio"),
    DayFeature("failed", "failures of the day", "log(1 + events)"),
    DayFeature("failed_share", "share of failures among the day's events", "share"),
    DayFeature("novelties", "values of the day that are new for the account", "log(1 + values)"),
    DayFeature("hours", "hours of the day with activity", "hours"),
    DayFeature("event_max", "one event is very unlike the account's past"),
    DayFeature("order", "actions follow each other otherwise than by the account's habit"),
    DayFeature("foreign", "targets that others in the organisation use, and its peers do not", "log(1 + events)"),
    DayFeature("foreign_mean", "all day: targets that others in the organisation use, and its peers do not"),
    DayFeature("targets_fresh", "targets of the day that are unusual for the account", "log(1 + targets)"),
)
DAY_FEATURES = (*OF_FIELDS, *OF_COUNTS, *OF_DAY)
"""All features of a day in the order of their columns."""
NAMES = tuple(feature.name for feature in DAY_FEATURES)


class DayKey(NamedTuple):
    """Whose day it is. ``ordinal`` counts days since 1970; keys sort in the order of time."""

    ordinal: int
    tenant: str
    kind: EntityKind
    entity: str


class DayVectors(NamedTuple):
    """n days: ``values`` f8[n, F] by :data:`DAY_FEATURES`, the number of events, and the peer group (empty: none)."""

    keys: list[DayKey]
    groups: list[str]
    events: NDArray[np.int64]
    values: NDArray[np.float64]

    def part(self, rows: slice) -> DayVectors:
        """Return some of the days."""
        return DayVectors(self.keys[rows], self.groups[rows], self.events[rows], self.values[rows])

    def some(self, rows: NDArray[np.intp]) -> DayVectors:
        """Return the days of these rows, copied."""
        at = rows.tolist()
        return DayVectors([self.keys[row] for row in at], [self.groups[row] for row in at], self.events[rows], self.values[rows])
