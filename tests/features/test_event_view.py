"""What is read of events: by definition, in any order, and nobody's own past by anybody else's doing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.alert import Entity, EntityKind, Role
from features.counters import CounterSpec, CounterState
from features.default_view import DEFAULT_VIEW
from features.encode import FactBlock
from features.event import Event, Outcome, Source, user
from features.event_encode import EventEncoder
from features.event_view import WHAT_KEYS, WHAT_VIEW, WHERE_VIEW, what_state, where_state
from tests.features.blocks import seeds
from tests.models.behaviour.office import SECRET, START, accounts, office

VIEWS = (WHERE_VIEW, WHAT_VIEW)
BY_RECEIPT = ("sequence",)
"""What goes by the order of receipt, by definition."""
SHARED = ("_peers_", "_tenant_", "peers_", "tenant_", "address_failing")
"""Reads that others have a part in."""


def read(events: Sequence[Event], chunk: int = 10_000) -> NDArray[np.float64]:
    """Return what both views read of each event."""
    encoder, states = EventEncoder(SECRET, accounts()), (where_state(SECRET), what_state(SECRET))
    rows = []
    for start in range(0, len(events), chunk):
        block = encoder.events(events[start : start + chunk])
        parts = [view.read(state, block.facts)[block.at] for view, state in zip(VIEWS, states, strict=True)]
        rows.append(np.concatenate(parts, axis=1))
    return np.concatenate(rows)


NAMES = [*WHERE_VIEW.names, *WHAT_VIEW.names]


def one(events: Sequence[Event], name: str) -> float:
    """Return what is read of the last event."""
    return float(read(events)[-1, NAMES.index(name)])


def test_the_alerts_view_is_what_it_was() -> None:
    assert (
        DEFAULT_VIEW.spec.digest
        == CounterSpec(DEFAULT_VIEW.spec.half_lives, DEFAULT_VIEW.spec.keys, DEFAULT_VIEW.spec.values).digest
    )
    assert b"columns" not in msgspec.json.encode(msgspec.structs.replace(DEFAULT_VIEW.spec, keys=()))


@pytest.mark.parametrize("chunk", [1, 37])
def test_training_and_serving_read_the_same_bits(chunk: int) -> None:
    events = office(seed=2, count=600)
    assert read(events, chunk).tobytes() == read(events).tobytes()


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_the_order_of_receipt_does_not_matter_for_what_is_read_later(seed: int) -> None:
    random = np.random.default_rng(seed)
    past, later = office(seed=seed % 1000, count=120, days=3), office(seed=7, count=20, days=3)
    later = [msgspec.structs.replace(event, time=event.time + timedelta(days=3)) for event in later]
    shuffled = [past[at] for at in random.permutation(len(past)).tolist()]
    a, b = read([*past, *later])[len(past) :], read([*shuffled, *later])[len(past) :]
    for at, name in enumerate(NAMES):
        if not name.startswith(BY_RECEIPT):
            np.testing.assert_allclose(a[:, at], b[:, at], rtol=1e-9, atol=1e-9, err_msg=name)


@settings(max_examples=25, deadline=None)
@given(seed=seeds, much=st.integers(1, 300))
def test_nothing_that_one_account_does_changes_anothers_own_past(seed: int, much: int) -> None:
    random = np.random.default_rng(seed)
    others = [event for event in office(seed=5, count=200, days=3) if event.actor.uid != "user-0"]
    noise = [
        msgspec.structs.replace(event, uid=f"n{at}", tenant="acme", actor=user("mallory"))
        for at, event in enumerate(office(seed=seed % 1000, count=much, days=3))
    ]
    mixed = [(float(at), event) for at, event in enumerate(others)] + [
        (float(random.uniform(0, len(others))), event) for event in noise
    ]
    received = [event for _, event in sorted(mixed, key=lambda pair: pair[0])]
    mine = [at for at, event in enumerate(received) if event.actor.uid != "mallory"]
    a, b = read(others), read(received)[mine]
    for at, name in enumerate(NAMES):
        if not any(part in name for part in SHARED):
            assert a[:, at].tobytes() == b[:, at].tobytes(), name


@settings(max_examples=25, deadline=None)
@given(much=st.integers(1, 200))
def test_in_what_is_shared_one_account_counts_at_most_once(much: int) -> None:
    quiet = [event("ada", 0), event("bob", 1)]
    loud = [event("mallory", 2 + at) for at in range(much)]
    for name in ("action_tenant_30d", "tenant_30d", "target_tenant_30d"):
        before, after = one([*quiet, event("ada", 1000)], name), one([*quiet, *loud, event("ada", 1000)], name)
        assert before <= after <= before + 1.0 + 1e-9


def event(who: str, seconds: float, **more: object) -> Event:
    target = Entity(EntityKind.FILE, "plan", Role.TARGET)
    made = Event(uid="1", tenant="acme", time=START + timedelta(seconds=seconds), actor=user(who), action="open", target=target)
    return msgspec.structs.replace(made, **more)


def test_values_are_counted_for_the_account_and_people_for_the_others() -> None:
    events = [event("ada", 0), event("ada", 1), event("bob", 2), event("ada", 3, action="close"), event("ada", 4)]
    assert one(events, "action_30d") == pytest.approx(2.0, rel=1e-4)
    assert one(events, "action_values_30d") == pytest.approx(2.0, rel=1e-4)
    assert one(events, "action_tenant_30d") == pytest.approx(2.0, rel=1e-4)
    assert one(events, "events_30d") == pytest.approx(3.0, rel=1e-4)
    assert one(events, "tenant_30d") == pytest.approx(2.0, rel=1e-4)
    assert np.isnan(one(events, "address_30d"))


def test_failures_and_those_who_fail_from_an_address_are_counted_for_successes_too() -> None:
    def at(who: str, seconds: float, outcome: Outcome) -> Event:
        return event(who, seconds, outcome=outcome, source=Source(address="10.9.9.9"))

    tries = [at(f"user-{number}", number, Outcome.FAILURE) for number in range(10)]
    events = [*tries, at("user-1", 11, Outcome.FAILURE), at("user-1", 12, Outcome.SUCCESS)]
    assert one(events, "failures_1h") == pytest.approx(2.0, rel=1e-2)
    assert one(events, "address_failing_1h") == pytest.approx(10.0, rel=1e-2)


def test_a_flood_of_values_takes_a_bounded_number_of_keys_and_leaves_the_others() -> None:
    encoder, what = EventEncoder(SECRET), what_state(SECRET)
    habit = [event("ada", at) for at in range(50)]
    WHAT_VIEW.read(what, encoder.events(habit).facts)
    held = []
    for start in range(0, 60_000, 20_000):
        targets = [Entity(EntityKind.FILE, f"f{start + at}", Role.TARGET) for at in range(20_000)]
        flood = [event("mallory", 100 + at, target=target) for at, target in enumerate(targets)]
        WHAT_VIEW.read(what, encoder.events(flood).facts)
        held.append(what.keys)
    assert held[-1] < 4096 + 2**14 + 200
    assert held[-1] - held[1] < held[0] / 4
    block = encoder.events([event("ada", 101)])
    assert WHAT_VIEW.read(what, block.facts)[0, WHAT_VIEW.index("target_30d")] == pytest.approx(50, rel=1e-3)


def test_states_are_bounded_and_their_keys_are_what_an_account_needs() -> None:
    assert what_state(SECRET).max_keys == WHAT_KEYS
    assert isinstance(where_state(SECRET), CounterState)
    assert all(feature.text for view in VIEWS for feature in view.features)
    assert FactBlock.empty().columns.shape[1] == len(DEFAULT_VIEW.spec.columns)
