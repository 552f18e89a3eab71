"""Entities as of any moment of a history: what comes later never reaches an alert before it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from features.alert import Alert
from features.encode import VALUES, FactEncoder
from features.event import Event, user
from features.event_table import table_of
from tests.conftest import build_alert
from tests.models.behaviour.events import HABITS, START, event
from training.behaviour.entities import entity_anomalies
from training.behaviour.fitting import learn_events

DAYS, TAKEN = 60, 50


def events(taken_on: int = -1) -> list[Event]:
    """Return days of everyone's habits; on the day ``taken_on`` ann does as bob does."""
    return [event(who, day, "bob" if (who, day) == ("ann", taken_on) else "") for day in range(DAYS) for who in HABITS]


def hourly() -> list[Alert]:
    """Return an alert on ann in every hour."""
    times = [START + timedelta(hours=hour) for hour in range(DAYS * 24)]
    return [build_alert(n, tenant="t", time=time, entities=(user("ANN "),)) for n, time in enumerate(times)]


def known(story: list[Event]) -> NDArray[np.float64]:
    """Return how unusual ann was known to be at each of the alerts."""
    table = entity_anomalies(learn_events(table_of(events()), Path()).model, table_of(story))
    return FactEncoder(bytes(32), anomalies=table).alerts(hourly()).values[:, VALUES.index("user_anomaly")]


def test_a_later_anomaly_never_reaches_an_earlier_alert() -> None:
    usual, taken = known(events()), known(events(TAKEN))
    at = TAKEN * 24
    assert usual[:at].tobytes() == taken[:at].tobytes()
    assert taken[at + 24] > usual[at + 24]
    assert taken[at + 48] > 0.0  # her next day is doubted, too
    assert taken[at + 24] > taken[at + 7 * 24]


def test_of_a_cold_account_nothing_is_known() -> None:
    assert np.isnan(known(events()[:6])).all()
    assert known(events()[: 3 * TAKEN])[-1] == pytest.approx(0.0, abs=1e-6)
