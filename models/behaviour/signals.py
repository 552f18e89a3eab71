"""What one event says of its account: named surprises, each with the words of a reason.

Eight fields of an event are each held against three pasts: the account's own, its peers' and its tenant's. Eleven further signals count:
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
from features.event_view import DAY, HOUR, MONTH, WHAT, WHAT_VIEW, WHERE, WHERE_VIEW

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
    Signal("spray_success", "success from an address from which many accounts failed lately", "accounts"),
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

KNOWN_EVENTS, KNOWN_HOURS = 20.0, 5.0
"""With so many events (so many different hours of the week) of an account, half of a surprise counts."""
PEAK = 8.0
"""An hour at work holds so many times the events of the mean hour of a month."""
MOST_KMH = 900.0
AT_HOME = 0.8
"""From where so large a share of the account's events come, it is: what comes from there has not travelled."""
FAILING = 0.1
"""Of the accounts that had an address in the last day and did not fail from it, so many may fail within an hour: behind an office's many
people somebody always does. Names that only ever fail there make nothing look usual."""
LEAST_FAILURES = 3.0
"""So many failures lately make a success remarkable."""
_ROWS = 4096
_READ = {name: at for at, name in enumerate((*WHERE_VIEW.names, *WHAT_VIEW.names))}
_N = len(FIELDS)


def _rows(*names: str) -> NDArray[np.intp]:
    return np.array([_READ[name] for name in names], np.intp)


_TOTALS = {"action": "events", "hour": "events"}
_SEEN, _VALUES, _PEERS, _TENANT = (
    _rows(*(f"{field}{kind}_30d" for field in FIELDS)) for kind in ("", "_values", "_peers", "_tenant")
)
_TOTAL = _rows(*(f"{_TOTALS.get(field, f'{field}_events')}_30d" for field in FIELDS))
_EVENTS = WHAT_VIEW.names.index("events_30d")
_AT_ONCE = [WHERE_VIEW.names.index(f"{field}_values_1h") for field in ("device", "address")]
_NEW = [[view.names.index(f"{field}_30d") for field in fields if field not in ("hour", "sequence")]
        for view, fields in ((WHERE_VIEW, WHERE), (WHAT_VIEW, WHAT))]  # fmt: skip

_AT = {signal.name: at for at, signal in enumerate(COUNTED)}
_HOUR, _OF_DAY = PEAK * HOUR / MONTH, PEAK * HOUR / DAY
_COUNTS = (
    ("events_1h", "events_30d", _HOUR, 1.0),
    ("events_1d", "events_30d", DAY / MONTH, 2.0),
    ("failures_1h", "failures_30d", _HOUR, 2.0),
    ("failures_1h", "failures_30d", _HOUR, 2.0),
    ("address_failing_1h", "address_failing_1h", 0.0, 3.0),
    ("address_failing_1h", "address_failing_1h", 0.0, 3.0),
    ("country_values_1h", "country_gap", 0.0, 1.0),
    ("events_1h", "events_1h", 0.0, 1.0),
    ("target_fresh_1h", "target_fresh_1h", 0.0, 2.0),
    ("device_fresh_1h", "device_fresh_1h", 0.0, 2.0),
    ("address_fresh_1h", "address_fresh_1h", 0.0, 2.0),
)
"""Of each counted signal: what is observed, what with which factor is expected, and how much more is expected of everybody.
Travel, speed, sprays and what is fresh are written over."""
_OBSERVED, _EXPECTED = _rows(*(row[0] for row in _COUNTS)), _rows(*(row[1] for row in _COUNTS))
_FACTOR, _SMOOTH = (np.array([[row[at]] for row in _COUNTS]) for at in (2, 3))
_RATES = ("events", "target_fresh", "device_fresh", "address_fresh")
_LATELY, _EARLIER = _rows(*(f"{name}_1h" for name in _RATES)), _rows(*(f"{name}_1d" for name in _RATES))
_FRESH = [_AT[name] for name in ("target_burst", "devices_at_once", "addresses_at_once")]
_SPRAY = [_AT["spray"], _AT["spray_success"]]
_OF_KNOWN = [_AT[name] for name in ("volume_hour", "volume_day", "target_burst", "devices_at_once", "addresses_at_once")]
"""Signals that count in proportion to how much of the account is known."""


class Shares(NamedTuple):
    """Fields × events: the smoothed shares of the values, how many values the account usually has, and its events that tell the field.

    NaN where an event tells none, or the account has no peers.
    """

    own: Floats
    peers: Floats
    tenant: Floats
    values: Floats
    events: Floats

    @classmethod
    def of(cls, reads: Floats) -> Shares:
        """Return the shares from what was read (reads × events)."""
        tenant = np.minimum((reads[_TENANT] + 0.5) / (reads[_READ["tenant_30d"]] + 1.0), 1.0)
        peers = np.minimum((reads[_PEERS] + 2.0 * tenant) / (reads[_READ["peers_30d"]] + 2.0), 1.0)
        back_off = np.where(np.isnan(peers), tenant, peers)
        values, total = np.maximum(reads[_VALUES], 1.0), reads[_TOTAL]
        own = np.minimum((reads[_SEEN] + values * back_off) / (total + values), 1.0)
        return cls(own, peers, tenant, values, total)

    @property
    def surprise(self) -> Floats:
        """−log of the own share, beyond that of one of the account's usual values, weighed by how known the account is."""
        beyond: Floats = np.maximum(-np.log(self.own * self.values), 0.0) * (self.events / (self.events + KNOWN_EVENTS))
        return beyond


class Counts(NamedTuple):
    """Counted signals × events: what was observed and what was expected."""

    observed: Floats
    expected: Floats

    @classmethod
    def of(cls, reads: Floats, speed: Floats) -> Counts:
        """Return what counted signals rest on, from what was read (reads × events)."""
        observed, expected = reads[_OBSERVED], reads[_EXPECTED] * _FACTOR
        earlier = np.maximum(reads[_EARLIER] - reads[_LATELY], 0.0) * _OF_DAY
        expected[_AT["volume_hour"]] = np.maximum(expected[_AT["volume_hour"]], earlier[0])
        expected[_FRESH] = earlier[1:]
        at_work = np.maximum(reads[_READ["address_tenant_1d"]] - reads[_READ["address_failing_1d"]], 0.0)
        expected[_SPRAY] = FAILING * at_work
        here = np.exp2(-reads[_READ["country_gap"]] / HOUR)
        observed[_AT["travel"]] = np.maximum(observed[_AT["travel"]] - here, 0.0)
        expected[_AT["travel"]] = 0.0
        observed[_AT["speed"]], expected[_AT["speed"]] = speed, MOST_KMH
        return cls(observed, expected)


def reads_of(where: Floats, what: Floats) -> Floats:
    """Return what both views read as reads × events."""
    return np.ascontiguousarray(np.concatenate([where, what], axis=1).T)


def seen(reads: Floats, field: str) -> Floats:
    """Return how often each event's account was seen with its value of ``field``."""
    found: Floats = reads[_READ[f"{field}_30d"]]
    return found


def signals(where: Floats, what: Floats, outcome: NDArray[np.int8], speed: Floats) -> Floats:
    """Return the signals (n × S) of events from what the two views read of them."""
    out = np.empty((len(where), len(SIGNALS)))
    for start in range(0, len(where), _ROWS):
        part = slice(start, start + _ROWS)
        _write(reads_of(where[part], what[part]), outcome[part], speed[part], out[part].T)
    out[np.isnan(out)] = 0.0
    return out


def _write(reads: Floats, outcome: NDArray[np.int8], speed: Floats, out: Floats) -> None:
    shares, counts = Shares.of(reads), Counts.of(reads, speed)
    out[:_N] = shares.surprise
    np.negative(np.log(shares.peers), out=out[_N : 2 * _N])
    np.negative(np.log(shares.tenant), out=out[2 * _N : 3 * _N])
    excess = np.maximum(np.log((counts.observed + 1.0) / (counts.expected + _SMOOTH)), 0.0)
    hours = reads[_READ["hour_values_30d"]]
    excess[_OF_KNOWN] *= hours / (hours + KNOWN_HOURS)
    remarkable = (outcome > 0) & (counts.observed[_AT["failures"]] >= LEAST_FAILURES)
    excess[_AT["failures_then_success"]] *= remarkable
    excess[_AT["spray_success"]] *= outcome > 0
    at = FIELDS.index("country")
    events = shares.events[at]
    away = np.where(shares.own[at] < AT_HOME, -np.log(shares.own[at]), 0.0)
    excess[_AT["travel"]] = counts.observed[_AT["travel"]] * away * (events / (events + KNOWN_EVENTS))
    excess[_AT["speed"]] = np.log(np.maximum(speed / MOST_KMH, 1.0))
    excess[_AT["travel"]] *= outcome >= 0  # an attempt that failed was not the account's own way
    out[3 * _N :] = excess


def novelties(where: Floats, what: Floats) -> NDArray[np.int64]:
    """Return how many fields of each event hold a value that a known account never had (hour and sequence left aside)."""
    new = (where[:, _NEW[0]] == 0.0).sum(axis=1) + (what[:, _NEW[1]] == 0.0).sum(axis=1)
    found: NDArray[np.int64] = new * (what[:, _EVENTS] > 0.0)
    return found


def at_once(where: Floats) -> Floats:
    """Return how many different devices, or addresses, each event's account had in the hour before."""
    both = where[:, _AT_ONCE]
    both[np.isnan(both)] = 0.0
    found: Floats = both.max(axis=1)
    return found


_IN_WHAT = {name: at for at, name in enumerate(WHAT_VIEW.names)}
_FOREIGN = [NAMES.index(name) for name in ("target_peers", "target_tenant")]


def order(what: Floats) -> Floats:
    """Return by how much each event's action is less expected after the one before than by itself, of its account, in nats."""
    events = what[:, _IN_WHAT["events_30d"]]
    known = events / (events + KNOWN_EVENTS)
    less = np.log(_own_share(what, "action")) - np.log(_own_share(what, "sequence"))
    found: Floats = np.where(np.isnan(less), 0.0, less) * known
    return found


def _own_share(what: Floats, field: str) -> Floats:
    """Return the smoothed share of each event's value of one field of :data:`WHAT` among the account's own."""
    read = {name: what[:, _IN_WHAT[f"{name}_30d"]] for name in (field, f"{field}_values", f"{field}_tenant", "tenant")}
    values = np.maximum(read[f"{field}_values"], 1.0)
    tenant = np.minimum((read[f"{field}_tenant"] + 0.5) / (read["tenant"] + 1.0), 1.0)
    total = what[:, _IN_WHAT[f"{_TOTALS.get(field, f'{field}_events')}_30d"]]
    found: Floats = np.minimum((read[field] + values * tenant) / (total + values), 1.0)
    return found


def foreign(signals: Floats) -> Floats:
    """Return by how much each event's target is rarer among the account's peers than in its tenant, in nats."""
    peers, tenant = signals[:, _FOREIGN].T
    apart: Floats = np.maximum(peers - tenant, 0.0)
    return apart


def fresh_targets(what: Floats) -> Floats:
    """Return how many targets lately are unusual for each event's account, log(1 + targets)."""
    lately = what[:, _IN_WHAT["target_fresh_1d"]]
    fresh: Floats = np.log1p(np.where(np.isnan(lately), 0.0, lately))
    return fresh
