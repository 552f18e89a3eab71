"""Vectors of a history: those of the live path, and who is known long enough to learn from."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from features.event_columns import read_columns
from features.event_table import table_of
from models.behaviour.day import days
from models.behaviour.day_vector import NAMES
from tests.models.behaviour.test_day_engine import STAFF, event
from training.behaviour.vectors import SETTLED_DAYS, gathered, settled


def test_each_account_has_a_vector_for_each_day_and_is_learned_from_when_it_is_settled() -> None:
    count = SETTLED_DAYS + 3
    events = sorted(
        (event(who, day, at) for day in range(count) for who in range(STAFF) for at in range(3)), key=lambda one: one.time
    )
    strange = msgspec.structs.replace(events[0], uid="strange", time=datetime(2150, 1, 1, tzinfo=UTC))
    those, vectors = gathered(read_columns(table_of([*events, strange])))
    assert those == days(events)
    assert vectors.values.shape == (count * STAFF, len(NAMES))
    fit = settled(vectors)
    assert fit.sum() == 3 * STAFF
    assert {key.ordinal for key, yes in zip(vectors.keys, fit.tolist(), strict=True) if yes} == {
        vectors.keys[0].ordinal + day for day in range(SETTLED_DAYS, count)
    }
