"""Learning behaviour from files: what it was learned from is known, and nothing is learned from nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.event_columns import read_columns
from features.event_table import table_of
from features.history import SCHEMAS, HistoryWriter
from features.label import DayVerdict, Verdict
from models.behaviour.day import date_of
from models.behaviour.evidence import Weights
from models.behaviour.model import BehaviourModel
from tests.models.behaviour.events import HABITS, event
from tests.training.behaviour.test_combining import events as made
from tests.training.behaviour.test_loaders import commits
from training.behaviour.combining import told_days
from training.behaviour.fitting import Source, learn, learn_events
from training.errors import DataError


def test_what_was_learned_from_is_told() -> None:
    learned = learn_events(table_of(event(who, day) for day in range(60) for who in HABITS), Path("here"))
    assert learned.metrics["accounts"] == 3
    assert learned.metrics["days"] == learned.metrics["events"] == 180
    assert 0.3 < learned.metrics["share_cold"] < 0.4
    assert learned.metrics["impostor_auc"] == 1.0
    assert learned.window == ("2026-01-05", "2026-03-05")
    assert learned.model.weights == {"project": Weights.plain(learned.model.fields)}
    assert BehaviourModel.from_files(learned.model.to_files(), "").to_files() == learned.model.to_files()
    assert any("no label was read" in line for line in learned.card)


def test_what_people_said_of_days_weighs_the_judges_and_the_card_says_so(tmp_path: Path) -> None:
    history = made(70)
    told = [one.key for one in told_days(read_columns(table_of(history)), BehaviourModel())]
    verdicts = [
        DayVerdict(
            tenant=key.tenant, kind=key.kind, uid=key.entity, day=date_of(key.ordinal), time=history[-1].time + timedelta(days=2),
            verdict=Verdict.TRUE_POSITIVE if at % 4 == 0 else Verdict.BENIGN_POSITIVE, analyst="kim" if at % 3 else "lee",
        )
        for at, key in enumerate(told)
    ]  # fmt: skip
    with HistoryWriter(tmp_path / "h") as writer:
        table = table_of(history).append_column("seq", pa.array(range(len(history)), pa.int64()))
        table = table.append_column("received_time", table["time"]).append_column("product", pa.array([""] * len(history)))
        writer.table("events", table.select(SCHEMAS["events"].names).cast(SCHEMAS["events"]))
        writer.day_verdicts(verdicts)
    learned = learn(Source(tmp_path / "h", "history"))
    assert learned.model.combination is not None
    assert learned.model.combination.attacks == learned.metrics["days_called_attacks"] == len(told[::4])
    assert any(f"{len(told[::4]):,} attacks" in line for line in learned.card)
    without = learn(Source(tmp_path / "h", "history"), {"kim", "lee"})
    assert without.model.combination is None
    assert without.digest != learned.digest
    assert any("nothing weighs them" in line for line in without.card)


def test_the_same_events_have_the_same_digest_and_others_another() -> None:
    events = table_of(event("ann", day) for day in range(3))
    first = learn_events(events, Path())
    assert learn_events(events, Path()).digest == first.digest != learn_events(events.slice(1), Path()).digest
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
