"""What all tests share: the folder of real data, and small builders of alerts and labels."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from features.alert import Alert, Entity, EntityKind, Role, Rule
from features.label import Label, Verdict

settings.load_profile("ci")  # the same examples every time, however slow the machine; --hypothesis-profile=default seeks others

START = datetime(2024, 3, 4, 8, 0, tzinfo=UTC)
"""When the builders' stories begin."""


@pytest.fixture
def data_dir() -> Path:
    """The folder named by ``TAMIS_DATA_DIR``. Without it the test is skipped; on CI it fails."""
    named = os.environ.get("TAMIS_DATA_DIR", "")
    if named and Path(named).is_dir():
        return Path(named)
    why = f"TAMIS_DATA_DIR {f'names no folder: {named}' if named else 'is not set'}; this test reads real data"
    if os.environ.get("CI") == "true":
        pytest.fail(why)
    pytest.skip(why)


def build_alert(number: int = 0, *, at: float = 0.0, rule: str = "r1", host: str = "h1", **fields: Any) -> Alert:
    """Return an alert ``at`` seconds after ``START``; ``number`` makes its uid."""
    time = START + timedelta(seconds=at)
    given: dict[str, Any] = {
        "uid": f"a{number}",
        "tenant": "acme",
        "time": time,
        "received_time": time,
        "product": "edr",
        "rule": Rule(rule, f"Rule {rule}"),
        "entities": (Entity(EntityKind.HOST, host, Role.DEVICE), Entity(EntityKind.ADDRESS, "10.0.0.7", Role.ACTOR)),
    }
    return Alert(**{**given, **fields})


def build_label(alert: Alert, verdict: Verdict = Verdict.TRUE_POSITIVE, *, after: float = 60.0, **fields: Any) -> Label:
    """Return a verdict on ``alert``, given and received ``after`` seconds after it happened."""
    time = alert.time + timedelta(seconds=after)
    given: dict[str, Any] = {
        "uid": f"{alert.uid}:{verdict}:{after}",
        "tenant": alert.tenant,
        "alert_uid": alert.uid,
        "verdict": verdict,
        "time": time,
        "received_time": time,
    }
    return Label(**{**given, **fields})
