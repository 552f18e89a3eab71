"""Anomalies of entities as of any moment: the highest of what was known by then, decayed, within bounds."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.anomalies import HALF_LIFE_DAYS, EntityAnomalies
from tests.conftest import START

_NOTES = st.lists(st.tuples(st.integers(0, 400), st.floats(0.0, 20.0)), max_size=30)


def _highest(notes: list[tuple[int, float]], hour: int) -> float:
    """Return what holds at that hour, by definition."""
    known = [value * 2.0 ** ((at - hour) / 24.0 / HALF_LIFE_DAYS) for at, value in notes if at <= hour]
    return max(known, default=math.nan)


@given(notes=_NOTES, hour=st.integers(0, 500))
def test_the_highest_known_by_then_holds_whatever_the_order_of_notes(notes: list[tuple[int, float]], hour: int) -> None:
    table = EntityAnomalies()
    for at, value in notes:
        table.note("acme", "user", "ann", START + timedelta(hours=at), value)
    found = table.at("acme", "user", "Ann ", START + timedelta(hours=hour))
    assert found == pytest.approx(_highest(notes, hour), nan_ok=True)


@given(notes=_NOTES, hour=st.integers(0, 400), later=st.floats(0.0, 20.0))
def test_what_becomes_known_later_changes_nothing_before(notes: list[tuple[int, float]], hour: int, later: float) -> None:
    table = EntityAnomalies()
    for at, value in notes:
        table.note("acme", "host", "h1", START + timedelta(hours=at), value)
    moment = START + timedelta(hours=hour)
    before = table.at("acme", "host", "h1", moment)
    table.note("acme", "host", "h1", moment + timedelta(seconds=1), later)
    assert table.at("acme", "host", "h1", moment) == pytest.approx(before, nan_ok=True, abs=0.0)


def test_entities_tenants_and_kinds_are_apart() -> None:
    table = EntityAnomalies()
    table.note("acme", "user", "ann", START, 5.0)
    for tenant, kind, uid in (("beta", "user", "ann"), ("acme", "host", "ann"), ("acme", "user", "bob"), ("acme", "user", "")):
        assert math.isnan(table.at(tenant, kind, uid, START))
    table.forget("acme", "user", "ANN")
    assert math.isnan(table.at("acme", "user", "ann", START))


def test_memory_is_bounded() -> None:
    table = EntityAnomalies(most_entities=3, most_values=2)
    for n in range(5):
        for hour in range(4):
            table.note("acme", "user", f"u{n}", START + timedelta(hours=hour), float(hour))
    assert len(table) == 3
    assert math.isnan(table.at("acme", "user", "u0", START + timedelta(hours=9)))
    assert math.isnan(table.at("acme", "user", "u4", START + timedelta(hours=1)))
    assert table.at("acme", "user", "u4", START + timedelta(hours=3)) == 3.0


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_what_is_no_anomaly_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite and not negative"):
        EntityAnomalies().note("acme", "user", "ann", START, value)
