"""Loaders of behaviour: what is read, what is never read, what is rejected."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.event import Facet
from features.event_table import write_events
from tests.models.behaviour.events import event
from training.behaviour.loaders import git_activity, is_of_events, masquerade, read_events
from training.errors import DataError

COMMIT: dict[str, Any] = {
    "repo": "p",
    "time": datetime(2026, 3, 2, 23, 30, tzinfo=UTC).replace(tzinfo=None),
    "tz_min": 60,
    "user": "ann",
    "committer": "ann",
    "is_bot": False,
    "merge": False,
    "n_files": 3,
    "dirs": "src/a|docs",
    "exts": ".py",
    "commit_lag_h": 0.0,
}
SCHEMA = pa.schema(
    [
        ("repo", pa.string()),
        ("time", pa.timestamp("us")),
        ("tz_min", pa.int64()),
        *((name, pa.string()) for name in ("user", "committer")),
        *((name, pa.bool_()) for name in ("is_bot", "merge")),
        ("n_files", pa.int64()),
        *((name, pa.string()) for name in ("dirs", "exts")),
        ("commit_lag_h", pa.float64()),
    ]
)


def commits(path: Path, *changes: dict[str, Any]) -> Path:
    """Write commits that differ from ``COMMIT`` by ``changes``."""
    pq.write_table(pa.Table.from_pylist([{**COMMIT, **change} for change in changes], SCHEMA), path / "events.parquet")
    return path


def test_a_commit_is_told_by_its_author_s_clock(tmp_path: Path) -> None:
    [event] = git_activity(commits(tmp_path, {})).events
    assert (event.actor.uid, event.action, event.time.isoformat()) == ("ann", "commit", "2026-03-02T23:30:00+00:00")
    assert {Facet("hour", "0"), Facet("weekday", "1"), Facet("committer", "self"), Facet("directory", "p:src/a")} <= set(
        event.facets
    )


def test_rows_that_are_no_events_are_rejected_with_their_place(tmp_path: Path) -> None:
    bad = [{"user": None}, {"user": ""}, {"time": None}, {"tz_min": 10**12}, {"user": "x" * 2000}]
    loaded = git_activity(commits(tmp_path, {}, *bad, {"is_bot": True}))
    assert [event.by_program for event in loaded.events] == [False, True]
    assert [error.row for error in loaded.rejected] == [1, 2, 3, 4, 5]
    assert loaded.rejected[0].field == "user"


def test_a_thousand_directories_are_bounded(tmp_path: Path) -> None:
    [event] = git_activity(commits(tmp_path, {"dirs": "|".join(map(str, range(1000)))})).events
    assert len(event.facets) == 64


def test_segments_are_read_in_their_order_and_without_labels(tmp_path: Path) -> None:
    rows = {"user": ["b", "a", "a"], "segment": [0, 1, 0], "commands": ["ls", None, "cat  vi"]}
    pq.write_table(pa.table(rows), tmp_path / "segments.parquet")
    typed = masquerade(tmp_path)
    assert [(one.segment, one.commands) for one in typed["a"]] == [(0, ("cat", "vi")), (1, ())]
    assert list(typed) == ["a", "b"]


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "events.parquet").write_text("no")
    for load in (git_activity, masquerade):
        with pytest.raises(DataError):
            load(tmp_path)


def test_native_events_are_read_in_order_of_time_and_rejected_rows_are_kept(tmp_path: Path) -> None:
    events = [event("bob", 1), event("ann", 0), event("bob", 1)]
    lines = [msgspec.json.encode(one) for one in events]
    (tmp_path / "e.jsonl").write_bytes(b"\n".join([*lines, b'{"uid": "x"}']))
    for fmt in ("events", "native"):
        loaded = read_events(tmp_path / "e.jsonl", fmt)
        assert loaded.events == [events[1], events[0]]
        assert [error.row for error in loaded.rejected] == [3]
    write_events(tmp_path / "events.parquet", events[:2])
    assert read_events(tmp_path / "events.parquet", "events").events == [events[1], events[0]]


def test_formats_of_alerts_are_not_of_events() -> None:
    assert all(is_of_events(fmt) for fmt in ("git-activity", "masquerade", "events", "native"))
    assert not any(is_of_events(fmt) for fmt in ("ait-ads", "history", "ocsf", "cobol"))
