"""What a judgement of behaviour says to alerts: how unusual a user is from now on, in one number that is 0 for the usual."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from features.anomalies import EntityAnomalies
from models.behaviour.judgement import DayJudgement

USER = "user"
"""Alerts name accounts of people and of programs alike, so both are noted as users."""


def note_day(table: EntityAnomalies, judged: DayJudgement) -> None:
    """Note an account's day: known from its end on. Of a cold account nothing is known."""
    if not judged.cold:
        known = datetime.combine(judged.day + timedelta(days=1), time(), UTC)
        table.note(judged.tenant, USER, judged.entity, known, max(judged.anomaly_score, 0.0))
