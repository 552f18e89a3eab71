"""The strangest event of each account's day so far: what is said of an account before its day has ended."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from features.alert import EntityKind
from models.behaviour.day import FIRST, ordinal_of
from models.behaviour.judgement import DayJudgement, EventJudgement
from models.risk import Peaks


class Stranger(NamedTuple):
    """An event that is stranger than all before it on its account's day, and how often the past was as strange."""

    judged: EventJudgement
    p_value: float


class Strangest:
    """The days that are open, by account, and how strange those that ended had been."""

    def __init__(self) -> None:
        self._peaks = Peaks()
        self._open: dict[tuple[str, str, int], EventJudgement] = {}

    def take(self, judged: Iterable[EventJudgement]) -> list[Stranger]:
        """Take up judged events in their order; return each that is now the strangest of its day."""
        found = []
        for one in judged:
            key = one.tenant, one.entity, (one.time - FIRST).days
            before = self._open.get(key)
            if math.isfinite(one.anomaly_score) and (before is None or one.anomaly_score > before.anomaly_score):
                self._open[key] = one
                p_value = self._peaks.p_value(one.tenant, one.kind.value, one.entity, one.anomaly_score)
                found.append(Stranger(one, p_value))
        return found

    def close(self, days: Iterable[DayJudgement], before: int, tenant: str | None = None) -> list[EventJudgement | None]:
        """Take up how strange days were that ended before that one (since 1970); return the strangest event of each.

        ``tenant``: the one whose days ended, if not all tenants' did.
        """
        found = []
        for day in days:
            own = day.kind is not EntityKind.HOST  # an account may be called as a host is
            peak = self._open.pop((day.tenant, day.entity, ordinal_of(day.day)), None) if own else None
            if peak is not None:
                self._peaks.close(day.tenant, day.kind.value, day.entity, peak.anomaly_score)
            found.append(peak)
        self._open = {key: peak for key, peak in self._open.items() if key[2] >= before or tenant not in (None, key[0])}
        return found
