"""Days: what is gathered, what is bounded, what is not believed."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from features.alert import Entity, EntityKind, Role
from features.event import Event, Facet
from features.event_columns import read_columns
from features.event_encode import EventEncoder
from features.event_table import table_of
from models.behaviour.day import MAX_FIELDS, MAX_VALUES, OTHER, Gatherer, days
from tests.models.behaviour.events import START, event


def test_a_day_is_one_account_s_whatever_the_order_of_events() -> None:
    events = [event("ann", 0), event("bob", 0), event("ann", 1), event("ann", 0, number=1)]
    gathered = days(events)
    assert gathered == days(events[::-1])
    assert [(day.entity, day.date, day.events) for day in gathered] == [
        ("ann", START.date(), 2),
        ("bob", START.date(), 1),
        ("ann", gathered[2].date, 1),
    ]
    assert gathered[0].group == "project"
    assert gathered[0].values["hour"] == {"9": 1.0}


def test_the_weights_of_a_field_sum_to_one_and_repeats_say_less_and_less() -> None:
    [day] = days([event("ann", 0, number=n) for n in range(9)] + [event("ann", 0, "bob", number=9)])
    assert day.values["directory"] == pytest.approx({"docs": 0.75, "core": 0.25})


def test_a_million_distinct_values_are_bounded() -> None:
    base = event("ann", 0)
    [day] = days(msgspec.structs.replace(base, facets=(Facet("directory", str(n)),)) for n in range(100_000))
    assert len(day.values["directory"]) == MAX_VALUES + 1
    assert OTHER in day.values["directory"]
    assert day.events == 100_000


@pytest.mark.parametrize("year", [1969, 2100, 9999])
def test_times_that_cannot_be_are_left_out(year: int) -> None:
    strange = msgspec.structs.replace(event("ann", 0), time=datetime(year, 1, 1, tzinfo=UTC))
    assert [day.date for day in days([event("ann", 0), strange])] == [START.date()]


def _busy(seed: int) -> list[Event]:
    """Return events that tell one field several times, more values and more fields than are kept, and no target; of some names that are
    a person's and a program's.
    """
    random, out = np.random.default_rng(seed), []
    for number in range(3000):
        many = [Facet("directory", f"d{at}") for at in random.integers(0, 600, random.integers(0, 4)).tolist()]
        odd = [Facet(*[("action", "open"), ("hour", "3"), ("volume", "x"), ("outcome", "success")][random.integers(0, 4)])]
        fields = [Facet(f"field-{at}", "x") for at in random.integers(0, 300, random.integers(0, 3)).tolist()]
        who, program = "ann" if random.random() < 0.8 else "bob", bool(random.random() < 0.1)
        made = event(who, int(number // 1000), program=program, number=number % 9)
        target = Entity(EntityKind.FILE, f"f{random.integers(0, 400)}", Role.TARGET) if random.random() < 0.7 else None
        out.append(msgspec.structs.replace(made, facets=(*many, *odd[: random.integers(0, 2)], *fields), target=target))
    return out


@pytest.mark.parametrize(("size", "seed"), [(1, 3), (70, 3), (3000, 3), (700, 4), (1300, 5)])
def test_many_events_at_once_make_the_same_days_to_the_bit(size: int, seed: int) -> None:
    events, gathered = _busy(seed)[: 200 if size == 1 else None], Gatherer()
    for part, block in EventEncoder(bytes(32)).columns(read_columns(table_of(events)), size):
        gathered.add_block(part, block, np.ones(len(block.who), bool))
    one_by_one = days(events)
    found = gathered.take(10**6)
    assert [(day, list(map(list, day.values.values()))) for day in found] == [
        (day, list(map(list, day.values.values()))) for day in one_by_one
    ]
    assert size == 1 or any(OTHER in day.values["directory"] for day in found)
    assert size == 1 or max(len(day.values) for day in found) == MAX_FIELDS


def test_only_events_that_fit_are_added() -> None:
    events, gathered = [event("ann", 0), event("ann", 1), event("bob", 1)], Gatherer()
    for part, block in EventEncoder(bytes(32)).columns(read_columns(table_of(events))):
        gathered.add_block(part, block, np.array([True, False, True]))
        gathered.add_block(part, block, np.zeros(3, bool))
    assert gathered.take(10**6) == days(events[::2])
