"""Learning behaviour from files: what it was learned from is known, and nothing is learned from nothing."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from models.behaviour.evidence import Weights
from models.behaviour.model import BehaviourModel
from tests.models.behaviour.events import HABITS, event
from tests.training.behaviour.test_loaders import commits
from training.behaviour.fitting import Source, learn, learn_events
from training.errors import DataError


def test_what_was_learned_from_is_told() -> None:
    learned = learn_events([event(who, day) for day in range(60) for who in HABITS], Path("here"))
    assert learned.metrics["accounts"] == 3
    assert learned.metrics["days"] == learned.metrics["events"] == 180
    assert 0.3 < learned.metrics["share_cold"] < 0.4
    assert learned.metrics["impostor_auc"] == 1.0
    assert learned.window == ("2026-01-05", "2026-03-05")
    assert learned.model.weights == {"project": Weights.plain(learned.model.fields)}
    assert BehaviourModel.from_files(learned.model.to_files(), "").to_files() == learned.model.to_files()
    assert any("no label was read" in line for line in learned.card)


def test_the_same_events_have_the_same_digest_and_others_another() -> None:
    events = [event("ann", day) for day in range(3)]
    first = learn_events(events, Path())
    assert learn_events(events, Path()).digest == first.digest != learn_events(events[1:], Path()).digest
    assert "impostor_auc" not in first.metrics


def test_rejected_rows_are_kept(tmp_path: Path) -> None:
    learned = learn(Source(commits(tmp_path, {}, {"user": None}), "git-activity"))
    assert len(learned.rejected) == learned.metrics["rejected"] == 1


def test_nothing_is_learned_from_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no event"):
        learn(Source(commits(tmp_path, {"user": None}), "git-activity"))
    rows = [{"user": "a", "segment": 99, "commands": "ls"}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "segments.parquet")
    with pytest.raises(DataError, match="no command"):
        learn(Source(tmp_path, "masquerade"))
