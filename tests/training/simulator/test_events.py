"""Events: ten to an alert, in the history's schema, with the attackers' own among them."""

from __future__ import annotations

import hashlib

import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.history import SCHEMAS, read_labels, read_manifest
from training.simulator import Simulated


@pytest.fixture(scope="module")
def events(simulated: Simulated) -> pd.DataFrame:
    """All events."""
    return pd.concat(pd.read_parquet(path) for path in sorted(simulated.history.glob("events-*.parquet")))


def test_events_have_their_schema_and_digests(simulated: Simulated) -> None:
    parts = [part for part in read_manifest(simulated.history).parts if part.kind == "events"]
    assert sum(part.rows for part in parts) == simulated.events
    for part in parts:
        file = simulated.history / part.file
        assert pq.read_schema(file) == SCHEMAS["events"]
        assert hashlib.sha256(file.read_bytes()).hexdigest() == part.sha256


def test_ten_events_to_an_alert(simulated: Simulated) -> None:
    assert 8.0 < simulated.events / simulated.alerts < 12.0


def test_events_are_whole(events: pd.DataFrame) -> None:
    assert not events.drop(columns=["latitude", "longitude"]).isna().any().any()
    assert events["uid"].is_unique
    assert set(events["action"]) == {"logon", "process", "file", "mail", "network", "cloud"}
    assert (events["actor_kind"] == "user").all()
    for column in ("actor_uid", "target_kind", "target_uid", "address", "country", "application", "outcome", "product"):
        assert (events[column] != "").all()
    assert (events["received_time"] >= events["time"]).all()
    assert events["address"].str.match(r"(10|198|203)\.\d+\.\d+\.\d+$").all()


def test_events_share_the_order_of_receipt(simulated: Simulated, events: pd.DataFrame) -> None:
    assert events["seq"].is_monotonic_increasing
    assert events["received_time"].is_monotonic_increasing
    alerts = pd.concat(pd.read_parquet(path, columns=["seq"]) for path in simulated.history.glob("alerts-*.parquet"))
    labels = [seq for seq, _ in read_labels(simulated.history)]
    assert sorted([*events["seq"], *alerts["seq"], *labels]) == list(range(len(events) + len(alerts) + len(labels)))


def test_attackers_events_are_named_in_the_truth(simulated: Simulated, events: pd.DataFrame) -> None:
    truth = pd.read_parquet(simulated.event_truth)
    assert list(truth.columns) == ["event_uid", "attack", "incident_uid"]
    assert truth["attack"].all()
    assert truth["event_uid"].is_unique
    assert 0.005 < len(truth) / len(events) < 0.1
    assert set(truth["event_uid"]) <= set(events["uid"])
    alerts = pd.read_parquet(simulated.truth)
    assert len(set(truth["incident_uid"]) & set(alerts["incident_uid"])) > 5


def test_people_work_in_their_hours(events: pd.DataFrame) -> None:
    weekend = events["time"].dt.day_of_week >= 5
    assert weekend.mean() < 0.15
    spread = events.groupby(["actor_uid"])["time"].agg(lambda time: time.dt.hour.std())
    assert spread.median() < 5.0
