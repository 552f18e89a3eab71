"""What alerts may know of judgements: from when on, and that the usual is 0."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest

from features.alert import EntityKind
from features.anomalies import EntityAnomalies
from models.behaviour.judgement import DayJudgement, EventJudgement
from models.behaviour.noting import USUAL, note_day, note_event
from tests.models.behaviour.events import START

DAY = timedelta(days=1)


def judged(kind: EntityKind = EntityKind.USER, p_value: float = USUAL / 8, *, cold: bool = False) -> DayJudgement:
    """Return a day of ann's, or of the host ann."""
    return DayJudgement(
        tenant="t", kind=kind, entity="ann", day=START.date(), anomaly_score=9.0, p_value=p_value, flagged=True, cold=cold, events=1,
        deviations=(),
    )  # fmt: skip


def test_a_day_is_known_from_its_end_on() -> None:
    table = EntityAnomalies()
    note_day(table, judged())
    assert math.isnan(table.at("t", "user", "ann", START + DAY - timedelta(microseconds=1)))
    assert table.at("t", "user", "ann", START + DAY) == pytest.approx(3.0)


@pytest.mark.parametrize("p_value", [USUAL, 0.5, 1.0])
def test_what_is_usual_is_0(p_value: float) -> None:
    table = EntityAnomalies()
    note_day(table, judged(p_value=p_value))
    assert table.at("t", "user", "ann", START + DAY) == 0.0


def test_hosts_are_hosts_and_programs_are_users() -> None:
    table = EntityAnomalies()
    for kind in (EntityKind.HOST, EntityKind.APPLICATION):
        note_day(table, judged(kind))
    assert table.at("t", "host", "ann", START + DAY) == table.at("t", "user", "ann", START + DAY) == pytest.approx(3.0)


def test_an_event_is_known_when_it_was_received_and_nothing_of_a_cold_account() -> None:
    table = EntityAnomalies()
    event = EventJudgement(
        uid="e", tenant="t", kind=EntityKind.USER, entity="ann", time=START, anomaly_score=9.0, deviations=(), cold=False
    )
    note_event(table, event, USUAL / 4, START + DAY)
    note_day(table, judged(EntityKind.HOST, cold=True))
    assert math.isnan(table.at("t", "user", "ann", START))
    assert table.at("t", "user", "ann", START + DAY) == pytest.approx(2.0)
    assert math.isnan(table.at("t", "host", "ann", START + 2 * DAY))
