"""The strangest event of a day so far, and what the days before say of it."""

from __future__ import annotations

from datetime import timedelta

from features.alert import EntityKind
from models.behaviour.day import FIRST
from models.behaviour.judgement import DayJudgement, EventJudgement
from models.strangest import Strangest
from tests.models.behaviour.events import START


def event(score: float, day: int = 0, who: str = "ann") -> EventJudgement:
    """Return a judged event of that day."""
    return EventJudgement(
        uid=f"{who}/{day}/{score}", tenant="t", kind=EntityKind.USER, entity=who, time=START + timedelta(days=day, hours=9),
        anomaly_score=score, deviations=(), cold=False,
    )  # fmt: skip


def ended(day: int, who: str = "ann") -> DayJudgement:
    """Return the judgement of that day."""
    return DayJudgement(
        tenant="t", kind=EntityKind.USER, entity=who, day=(START + timedelta(days=day)).date(), anomaly_score=0.0, p_value=1.0,
        flagged=False, cold=False, events=1, deviations=(),
    )  # fmt: skip


def ordinal(day: int) -> int:
    """Return the day, counted since 1970."""
    return (START - FIRST).days + day


def test_only_what_is_stranger_than_all_before_on_its_day_is_told() -> None:
    strangest = Strangest()
    told = strangest.take([event(1.0), event(0.5), event(3.0), event(float("nan")), event(2.0, day=1), event(2.0, who="bob")])
    assert [one.judged.uid for one in told] == ["ann/0/1.0", "ann/0/3.0", "ann/1/2.0", "bob/0/2.0"]
    assert strangest.take([event(2.5)]) == []
    peaks = strangest.close([ended(0), ended(0, "cem")], ordinal(1))
    assert [peak and peak.anomaly_score for peak in peaks] == [3.0, None]
    assert [one.judged.uid for one in strangest.take([event(0.1), event(0.1, day=1)])] == ["ann/0/0.1"]


def test_how_often_the_past_was_as_strange_is_told_once_enough_is_known() -> None:
    strangest, p_values = Strangest(), []
    for day in range(60):
        [told] = strangest.take([event(1.0 + (day % 7) / 10, day)])
        p_values.append(told.p_value)
        strangest.close([ended(day)], ordinal(day + 1))
    assert set(p_values[:20]) == {1.0}
    [strange] = strangest.take([event(9.0, 60)])
    assert strange.p_value < min(p_values)
