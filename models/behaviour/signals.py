"""What one event says of its account: named surprises, each with the words of a reason.

Eight fields of an event are each held against three pasts: the account's own, its peers' and its tenant's. The surprise is
−log of the smoothed share, in nats. Ten further signals count: volume, failures, places, targets. Zero is nothing unusual,
higher more so; a signal that does not apply (no peers, no address) is zero.
"""

from __future__ import annotations

import msgspec

FIELDS = ("address", "country", "device", "application", "action", "target", "hour", "sequence")
"""``hour`` is the hour of the week; ``sequence`` the action after the account's previous one."""
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
    Signal("travel", "other countries within the hour", "countries"),
    Signal("speed", "further from the place before than one can travel", "km/h"),
    Signal("target_burst", "many targets lately that are unusual for the account", "targets"),
    Signal("devices_at_once", "several devices at once", "devices"),
    Signal("addresses_at_once", "several addresses at once", "addresses"),
)
"""Signals that count, in log units of how far beyond the expected."""

SIGNALS = (
    *(Signal(f"{field}_{past}", f"{_FIELD_WORDS[field]} is rare {_PAST_WORDS[past]}") for past in PASTS for field in FIELDS),
    *COUNTED,
)
"""All signals in the order of their columns."""
NAMES = tuple(signal.name for signal in SIGNALS)
