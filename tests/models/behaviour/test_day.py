"""Days: what is gathered, what is bounded, what is not believed."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from features.event import Facet
from models.behaviour.day import MAX_VALUES, OTHER, days
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
