"""What is counted of events, and what is read of the counts: two views of the one kernel, on *where from* and on *what and when*.

They are two so that two cores can walk a file; each holds whole fields, so they never need each other's counts. Of a field, its value
is counted for the account; peers and tenant count *accounts* that lately did the same, each at most once, so that nobody makes a
thing look usual by doing it often. A new feature is one more entry here.
"""

from __future__ import annotations

from features.counters import CounterSpec, CounterState, KeySpec, Op
from features.event_encode import EVENT_COLUMNS, EventKind
from features.view import Feature, FeatureView

HOUR, DAY, MONTH = 3600.0, 86400.0, 30 * 86400.0
HALF_LIVES = (HOUR, DAY, MONTH)
_SPAN = {HOUR: "1h", DAY: "1d", MONTH: "30d"}
_WORDS = {HOUR: "the last hour", DAY: "the last day", MONTH: "the last month"}

WHERE = ("address", "country", "device", "application")
WHAT = ("action", "target", "hour", "sequence")

WHERE_KEYS, WHAT_KEYS = 2_500_000, 10_000_000
"""Keys held at most by each state: 160 and 640 MiB, for fifty thousand accounts with some 230 habits each."""


def _fields(fields: tuple[str, ...]) -> list[KeySpec]:
    """Return, of each field: the account's sightings of the value, its different values, and who of peers and tenant has the value."""
    keys = []
    for field in fields:
        within = ("account", "previous") if field == "sequence" else ("account",)
        keys += [
            KeySpec(field, (*within, field)),
            KeySpec(f"{field}_values", within, distinct=field),
            KeySpec(f"{field}_peers", ("peers", f"{field}_shared"), distinct=field),
            KeySpec(f"{field}_tenant", (f"{field}_shared",), distinct=field),
        ]
    return keys


def _count(name: str, half_life: float, text: str) -> Feature:
    return Feature(
        name=f"{name}_{_SPAN[half_life]}", op=Op.COUNT, a=name, half_life=half_life, text=f"{text} in {_WORDS[half_life]}"
    )


def _of_fields(fields: tuple[str, ...]) -> list[Feature]:
    made = []
    for field in fields:
        made += [
            _count(field, MONTH, f"events of the account with this {field}"),
            _count(f"{field}_values", MONTH, f"different values of {field} of the account"),
            _count(f"{field}_peers", MONTH, f"peers with this {field}"),
            _count(f"{field}_tenant", MONTH, f"accounts of the tenant with this {field}"),
        ]
    return made


def _where() -> FeatureView:
    keys = _fields(WHERE)
    keys += [
        KeySpec("address_events", ("account", "addressed")),
        KeySpec("country_events", ("account", "placed")),
        KeySpec("device_events", ("account", "equipped")),
        KeySpec("application_events", ("account", "applied")),
        KeySpec("address_fresh", ("account",), fresh="address"),
        KeySpec("device_fresh", ("account",), fresh="device"),
        KeySpec("address_failed", ("account", "address_shared"), feeds=EventKind.FAILURE),
        KeySpec("address_failing", ("address_shared",), feeds=EventKind.FAILURE, distinct="address_failed"),
    ]
    features = _of_fields(WHERE)
    features += [_count(f"{field}_events", MONTH, f"events of the account that tell their {field}") for field in WHERE]
    features += [_count("address_fresh", span, "addresses unusual for the account") for span in (HOUR, DAY)]
    features += [_count("device_fresh", span, "devices unusual for the account") for span in (HOUR, DAY)]
    features += [
        _count("device_values", HOUR, "different devices of the account"),
        _count("address_values", HOUR, "different addresses of the account"),
        _count("country_values", HOUR, "different countries of the account"),
        *(_count("address_failing", span, "accounts that failed from this address") for span in (HOUR, DAY)),
        _count("address_tenant", DAY, "accounts that have this address"),
        Feature(
            name="country_gap", op=Op.GAP, a="country", unit="seconds", text="since the account's last event from this country"
        ),
    ]
    return FeatureView(CounterSpec(HALF_LIVES, tuple(keys), (), EVENT_COLUMNS), tuple(features))


def _what() -> FeatureView:
    keys = _fields(WHAT)
    keys += [
        KeySpec("events", ("account",)),
        KeySpec("target_events", ("account", "targeted")),
        KeySpec("sequence_events", ("account", "previous")),
        KeySpec("target_fresh", ("account",), fresh="target"),
        KeySpec("failures", ("account",), feeds=EventKind.FAILURE),
        KeySpec("peers", ("peers",), distinct="events"),
        KeySpec("tenant", (), distinct="events"),
    ]
    features = _of_fields(WHAT)
    features += [_count("events", span, "events of the account") for span in HALF_LIVES]
    features += [
        _count("target_events", MONTH, "events of the account that tell their target"),
        _count("sequence_events", MONTH, "events of the account after the same action"),
    ]
    features += [_count("target_fresh", span, "targets unusual for the account") for span in (HOUR, DAY)]
    features += [_count("failures", span, "failures of the account") for span in (HOUR, MONTH)]
    features += [_count("peers", MONTH, "peers of the account"), _count("tenant", MONTH, "accounts of the tenant")]
    return FeatureView(CounterSpec(HALF_LIVES, tuple(keys), (), EVENT_COLUMNS), tuple(features))


WHERE_VIEW, WHAT_VIEW = _where(), _what()


def where_state(secret: bytes) -> CounterState:
    """Return the empty state of :data:`WHERE_VIEW`."""
    return CounterState(WHERE_VIEW.spec, secret, WHERE_KEYS)


def what_state(secret: bytes) -> CounterState:
    """Return the empty state of :data:`WHAT_VIEW`."""
    return CounterState(WHAT_VIEW.spec, secret, WHAT_KEYS)
