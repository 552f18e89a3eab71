"""Walking an export gives the features that were live."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.counters import CounterState
from features.default_view import DEFAULT_VIEW
from features.encode import FactEncoder, FactKind
from features.event_reading import read_events
from features.history import read_alerts, read_decisions, read_labels, read_manifest
from features.timeline import history_facts
from models.engine import ScoringEngine
from service.errors import StartError
from service.export import export
from service.settings import ServiceSettings
from service.store.events import events_after
from tests.service.client import Service
from tests.service.test_events import event
from tests.service.test_host import step
from tests.service.test_scorer import features


def test_walking_the_export_gives_the_live_features(service: Service, tmp_path: Path) -> None:
    for i in range(30):
        step(service, i)
    live = features(service)
    assert export(service.settings, tmp_path / "out", None) == {
        "alerts": 30, "labels": 15, "decisions": 30, "events": 0, "corrections": 0, "placements": 0, "day_verdicts": 0,
    }  # fmt: skip
    encoder = FactEncoder(service.settings.secret.read_bytes())
    blocks = list(history_facts(tmp_path / "out", encoder))
    engine = ScoringEngine(None, encoder, CounterState(DEFAULT_VIEW.spec, encoder.secret))
    walked = np.vstack([engine.score(block).features for block in blocks])
    kinds = np.concatenate([block.kind for block in blocks])
    assert walked[kinds == FactKind.ALERT].tobytes() == live.tobytes()


def test_what_is_exported(service: Service, tmp_path: Path) -> None:
    step(service, 0)
    export(service.settings, tmp_path / "out", None)
    alerts = [item for batch in read_alerts(tmp_path / "out") for item in batch]
    labels = read_labels(tmp_path / "out")
    assert [seq for seq, _ in alerts] + [seq for seq, _ in labels] == [1, 2, 3]
    assert labels[1][1].supersedes == labels[0][1].uid
    assert read_decisions(tmp_path / "out")[0]["alert_uid"] == "a0"
    assert read_manifest(tmp_path / "out").rows("alerts") == 1


def test_events_are_exported_as_they_are_read(service: Service, tmp_path: Path) -> None:
    sent = [{**event(f"e{i}"), "time": f"2024-03-04T08:00:{i:02}Z", "facets": [{"name": "hour", "value": "8"}]} for i in range(3)]
    service.post(sent, "/v1/events")
    assert export(service.settings, tmp_path / "out", None)["events"] == 3
    with service.host.database.engine.connect() as connection:
        stored = [read.event for read in events_after(connection, 0, 9)]
    assert read_events(tmp_path / "out", "native").events == stored


def test_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="nothing to export"):
        export(ServiceSettings(var=tmp_path), tmp_path / "out", None)
    assert not (tmp_path / "out").exists()
