"""OCSF: what deviates, observed against expected."""

from __future__ import annotations

from datetime import UTC, date, datetime

from features.alert import EntityKind
from models.behaviour.judgement import DayJudgement, Deviation, EventJudgement
from service.behaviour.ocsf import anomaly_analyses, deviations, finding
from service.behaviour.records import Anomaly

VOLUME = Deviation(name="volume", text="sent far more", surprise=4.0, observed=900.0, expected=12.5)
COUNTRY = Deviation(name="country", text="never came from there", surprise=6.0, value="XX")
DAY = DayJudgement(
    tenant="t", kind=EntityKind.USER, entity="anna", day=date(2026, 1, 2), anomaly_score=3.0, p_value=0.001, flagged=True, cold=False,
    events=9, deviations=(VOLUME,),
)  # fmt: skip
PEAK = EventJudgement(
    uid="e", tenant="t", kind=EntityKind.USER, entity="anna", time=datetime(2026, 1, 2, 3, tzinfo=UTC), anomaly_score=7.0,
    deviations=(COUNTRY, VOLUME),
)  # fmt: skip


def test_anomalies_and_baselines() -> None:
    anomaly = Anomaly(day=20455, judgement=DAY, peak=PEAK)
    assert [one.name for one in deviations(anomaly)] == ["volume", "country"]
    (told,) = anomaly_analyses(EntityKind.USER, "anna", anomaly)
    assert told["analysis_targets"] == [{"name": "anna", "type": "User"}]
    assert [one["observation_parameter"] for one in told["anomalies"]] == ["volume", "country"]
    assert [one["observations"][0]["value"] for one in told["anomalies"]] == ["900", "XX"]
    assert [(one["observation_parameter"], one["observations"][0]["value"]) for one in told["baselines"]] == [("volume", "12.5")]


def test_where_nothing_deviates_nothing_is_said() -> None:
    assert anomaly_analyses(EntityKind.USER, "anna", None) == anomaly_analyses(EntityKind.USER, "anna", Anomaly(day=1)) == []


def test_a_finding_names_its_level() -> None:
    levels = [finding(EntityKind.HOST, "h", risk, 1.8e9, None)["risk_level_id"] for risk in (0.0, 20.0, 40.0, 61.0, 99.0)]
    assert levels == [0, 1, 2, 3, 4]
