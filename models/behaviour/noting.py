"""What judgements of behaviour say to alerts: how unusual a user or host is from now on, in bits; 0 is "as usual".

The bits are ``−log₂ (p / USUAL)``, with p how often the past was as strange: so a bit means the same in every tenant, whatever judged.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, time, timedelta

from features.alert import EntityKind
from features.anomalies import EntityAnomalies
from models.behaviour.judgement import DayJudgement, EventJudgement

USUAL = 0.2
"""What is as strange as one in five happens to everybody within a week. An attacker's traces are often hardly stranger, but they are
there when the alert comes, so less that is lately known tells an alert more than much that is days old."""
_LEAST = 1e-12
USER, HOST = "user", "host"
"""Alerts name accounts of people and of programs alike, so both are noted as users."""


def note_day(table: EntityAnomalies, judged: DayJudgement) -> None:
    """Note a day: known from its end on. Of a cold account nothing is known."""
    if not judged.cold:
        known = datetime.combine(judged.day + timedelta(days=1), time(), UTC)
        table.note(judged.tenant, _kind(judged.kind), judged.entity, known, _bits(judged.p_value))


def note_event(table: EntityAnomalies, judged: EventJudgement, p_value: float, known: datetime) -> None:
    """Note the strangest event of a day so far, of which ``p_value`` is told, from when it was ``known`` on."""
    if not judged.cold:
        table.note(judged.tenant, _kind(judged.kind), judged.entity, known, _bits(p_value))


def _kind(kind: EntityKind) -> str:
    return HOST if kind is EntityKind.HOST else USER


def _bits(p_value: float) -> float:
    return max(0.0, -math.log2(max(p_value, _LEAST) / USUAL))
