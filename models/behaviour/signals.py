"""What one event says of its account: named surprises, each with the words of a reason.

Eight fields of an event are each held against three pasts: the account's own, its peers' and its tenant's. Ten further signals count:
volume, failures, places, targets. All are in nats: zero is nothing unusual, higher more so; one that does not apply (no peers, no
address) is zero.

The account's own share of a value is smoothed towards what its peers do, the more so the more different values the account
itself has (Witten and Bell 1991): who does something new every day surprises nobody with something new. Its surprise is counted
beyond that of one of its usual values, and in proportion to how much of the account is known.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.event_encode import FIELDS
from features.event_view import DAY, HOUR, MONTH, WHAT_VIEW, WHERE, WHERE_VIEW

Floats = NDArray[np.float64]
PASTS = ("own", "peers", "tenant")


class Signal(msgspec.Struct, frozen=True):
    """One signal: its name, the words of a reason, and the unit in which ``observed`` and ``expected`` are told."""

    name: str
    text: str
    unit: str = "share"


_FIELD_WORDS = {
    "address": "source address",
    "country": "country",
    "device": "device",
    "application": "application",
    "action": "action",
    "target": "target",
    "hour": "hour of the week",
    "sequence": "action after the one before",
}
_PAST_WORDS = {"own": "for the account", "peers": "among its peers", "tenant": "in the organisation"}

COUNTED = (
    Signal("volume_hour", "many more events in the last hour than the account's habit", "events"),
    Signal("volume_day", "many more events in the last day than the account's habit", "events"),
    Signal("failures", "many failures lately", "events"),
    Signal("failures_then_success", "success after many failures", "events"),
    Signal("spray", "many accounts failed from this address lately", "accounts"),
    Signal("travel", "another country within the hour", "countries"),
    Signal("speed", "further from the place before than one can travel", "km/h"),
    Signal("target_burst", "many targets lately that are unusual for the account", "targets"),
    Signal("devices_at_once", "several devices at once that are unusual for the account", "devices"),
    Signal("addresses_at_once", "several addresses at once that are unusual for the account", "addresses"),
)
"""Signals that count, in log units of how far beyond the expected."""

SIGNALS = (
    *(Signal(f"{field}_{past}", f"{_FIELD_WORDS[field]} is rare {_PAST_WORDS[past]}") for past in PASTS for field in FIELDS),
    *COUNTED,
)
"""All signals in the order of their columns."""
NAMES = tuple(signal.name for signal in SIGNALS)

KNOWN_EVENTS, KNOWN_HOURS = 20.0, 10.0
"""With so many events (so many different hours of the week) of an account, half of a surprise counts."""
PEAK = 8.0
"""An hour at work holds so many times the events of the mean hour of a month."""
MOST_KMH = 900.0
_EVENTS = WHAT_VIEW.names.index("events_30d")
_AT_ONCE = [WHERE_VIEW.names.index(f"{field}_values_1h") for field in ("device", "address")]
_TOTALS = {"action": "events", "hour": "events"}
_ROWS = 8192


class Reads:
    """What the two views read of n events, by name."""

    def __init__(self, where: Floats, what: Floats) -> None:
        columns = np.ascontiguousarray(np.concatenate([where.T, what.T]))
        self._of = dict(zip((*WHERE_VIEW.names, *WHAT_VIEW.names), columns, strict=True))

    def __getitem__(self, name: str) -> Floats:
        found: Floats = self._of[name]
        return found


class Shares(NamedTuple):
    """Of one field: the smoothed shares of each event's value, how many values the account usually has, and how known it is."""

    own: Floats
    peers: Floats
    tenant: Floats
    values: Floats
    events: Floats

    @property
    def surprise(self) -> Floats:
        """−log of the own share, beyond that of one of the account's usual values, weighed by how known the account is."""
        beyond = np.maximum(-np.log(self.own) - np.log(self.values), 0.0)
        return np.asarray(beyond * self.events / (self.events + KNOWN_EVENTS))


def shares(reads: Reads, field: str) -> Shares:
    """Return how usual each event's value of ``field`` is; NaN where it tells none."""
    total = reads[f"{_TOTALS.get(field, f'{field}_events')}_30d"]
    tenant = np.minimum((reads[f"{field}_tenant_30d"] + 0.5) / (reads["tenant_30d"] + 1.0), 1.0)
    peers = np.minimum((reads[f"{field}_peers_30d"] + 2.0 * tenant) / (reads["peers_30d"] + 2.0), 1.0)
    back_off = np.where(np.isnan(peers), tenant, peers)
    values = np.maximum(reads[f"{field}_values_30d"], 1.0)
    own = (reads[f"{field}_30d"] + values * back_off) / (total + values)
    return Shares(np.minimum(own, 1.0), peers, tenant, values, total)


class Count(NamedTuple):
    """Of one counted signal: what was observed and what was expected."""

    observed: Floats
    expected: Floats

    def excess(self, smooth: float = 1.0) -> Floats:
        """Return the log of how far the observed lies beyond the expected; ``smooth`` more is expected of everybody."""
        return np.maximum(np.log((self.observed + 1.0) / (self.expected + smooth)), 0.0)


def counts(reads: Reads, speed: Floats) -> dict[str, Count]:
    """Return what each counted signal rests on."""
    hour = PEAK * HOUR / MONTH
    presence = np.exp2(-reads["country_gap"] / HOUR)
    failures = Count(reads["failures_1h"], reads["failures_30d"] * hour)
    return {
        "volume_hour": Count(reads["events_1h"], np.maximum(reads["events_30d"] * hour, reads["events_1d"] * PEAK * HOUR / DAY)),
        "volume_day": Count(reads["events_1d"], reads["events_30d"] * DAY / MONTH),
        "failures": failures,
        "failures_then_success": failures,
        "spray": Count(reads["address_failing_1h"], np.zeros(len(speed))),
        "travel": Count(np.maximum(reads["country_values_1h"] - presence, 0.0), np.zeros(len(speed))),
        "speed": Count(speed, np.full(len(speed), MOST_KMH)),
        **{
            name: Count(reads[f"{field}_fresh_1h"], reads[f"{field}_fresh_1d"] * PEAK * HOUR / DAY)
            for name, field in (("target_burst", "target"), ("devices_at_once", "device"), ("addresses_at_once", "address"))
        },
    }


def signals(where: Floats, what: Floats, outcome: NDArray[np.int8], speed: Floats) -> Floats:
    """Return the signals (n × S) of events from what the two views read of them."""
    out = np.empty((len(where), len(SIGNALS)))
    for start in range(0, len(where), _ROWS):
        part = slice(start, start + _ROWS)
        _write(Reads(where[part], what[part]), outcome[part], speed[part], out[part].T)
    return np.nan_to_num(out, copy=False, nan=0.0)


def novelties(where: Floats, what: Floats) -> NDArray[np.int64]:
    """Return how many fields of each event hold a value that a known account never had (hour and sequence left aside)."""
    new = np.zeros(len(where), np.int64)
    for field in FIELDS:
        if field not in ("hour", "sequence"):
            view, read = (WHERE_VIEW, where) if field in WHERE else (WHAT_VIEW, what)
            new += read[:, view.names.index(f"{field}_30d")] == 0.0
    return np.where(what[:, _EVENTS] > 0.0, new, 0)


def at_once(where: Floats) -> Floats:
    """Return how many different devices, or addresses, each event's account had in the hour before."""
    both = np.nan_to_num(where[:, _AT_ONCE], nan=0.0)
    found: Floats = both.max(axis=1)
    return found


def _write(reads: Reads, outcome: NDArray[np.int8], speed: Floats, out: Floats) -> None:
    found_shares = {field: shares(reads, field) for field in FIELDS}
    for at, found in enumerate(found_shares.values()):
        out[at] = found.surprise
        out[at + len(FIELDS)] = -np.log(found.peers)
        out[at + 2 * len(FIELDS)] = -np.log(found.tenant)
    known = reads["hour_values_30d"] / (reads["hour_values_30d"] + KNOWN_HOURS)
    found_counts = counts(reads, speed)
    failures = found_counts["failures"].excess(2.0)
    country = found_shares["country"]
    travel = found_counts["travel"].observed * np.maximum(-np.log(country.own), 0.0)
    values = {
        "volume_hour": found_counts["volume_hour"].excess() * known,
        "volume_day": found_counts["volume_day"].excess() * known,
        "failures": failures,
        "failures_then_success": np.where((outcome > 0) & (found_counts["failures"].observed >= 3.0), failures, 0.0),
        "spray": found_counts["spray"].excess(3.0),
        "travel": travel * country.events / (country.events + KNOWN_EVENTS),
        "speed": np.log(np.maximum(speed / MOST_KMH, 1.0)),
        **{name: found_counts[name].excess(2.0) * known for name in ("target_burst", "devices_at_once", "addresses_at_once")},
    }
    for at, signal in enumerate(COUNTED, 3 * len(FIELDS)):
        out[at] = values[signal.name]
