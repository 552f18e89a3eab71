"""The native form in Parquet."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.alert import Entity, EntityKind, Role
from features.errors import SourceError
from features.event import Event, Facet, Outcome, Source, service_account
from features.event_table import NEEDED, SCHEMA, event_batches, events_table, table_of, write_events
from features.history import SCHEMAS, HistoryWriter

EVENT = Event(
    uid="e", tenant="acme", time=datetime(2024, 3, 4, 8, 0, 0, 123456, tzinfo=UTC), actor=service_account("backup"), action="copy",
    target=Entity(EntityKind.FILE, "plans", Role.TARGET), source=Source("192.0.2.1", "DE", "ws-1", "share", 52.5, 13.4), outcome=Outcome.SUCCESS,
    facets=(Facet("hour", "8"), Facet("hour", "9")),
)  # fmt: skip


def test_every_column_has_its_place(tmp_path: Path) -> None:
    write_events(tmp_path / "e.parquet", [EVENT])
    assert events_table(tmp_path / "e.parquet").to_pylist() == [
        {
            "uid": "e", "tenant": "acme", "time": EVENT.time, "actor_kind": "application", "actor_uid": "backup", "action": "copy",
            "target_kind": "file", "target_uid": "plans", "address": "192.0.2.1", "country": "DE", "device": "ws-1",
            "application": "share", "outcome": "success", "latitude": 52.5, "longitude": 13.4,
            "facets": [{"name": "hour", "value": "8"}, {"name": "hour", "value": "9"}],
        }
    ]  # fmt: skip


def test_a_folder_and_a_history_are_read_whole_and_by_column(tmp_path: Path) -> None:
    write_events(tmp_path / "folder" / "a.parquet", [EVENT] * 3)
    write_events(tmp_path / "folder" / "b.parquet", [EVENT] * 2)
    assert events_table(tmp_path / "folder", ["uid", "time"]).column_names == ["uid", "time"]
    assert [len(batch) for batch in event_batches(tmp_path / "folder", 2)] == [2, 1, 2]
    with HistoryWriter(tmp_path / "history") as history:
        rows = [
            row | {"seq": i, "received_time": EVENT.time, "product": "x"}
            for i, row in enumerate(table_of([EVENT] * 4).to_pylist())
        ]
        history.table("events", pa.Table.from_pylist(rows, SCHEMAS["events"]))
    assert events_table(tmp_path / "history").equals(table_of([EVENT] * 4))
    assert set(SCHEMA.names) <= set(SCHEMAS["events"].names)


def test_columns_that_lack_are_empty_but_some_are_needed(tmp_path: Path) -> None:
    table = table_of([EVENT])
    pq.write_table(table.select(list(NEEDED)), tmp_path / "e.parquet")
    row = events_table(tmp_path / "e.parquet").to_pylist()[0]
    assert (row["actor_uid"], row["uid"], row["country"], row["facets"]) == ("backup", "", "", None)
    pq.write_table(table.drop_columns("action"), tmp_path / "e.parquet")
    with pytest.raises(SourceError, match="no column 'action'"):
        events_table(tmp_path / "e.parquet")


def test_nothing_appears_unless_it_is_whole(tmp_path: Path) -> None:
    def broken() -> None:
        def some() -> object:
            yield EVENT
            raise KeyError

        write_events(tmp_path / "e.parquet", some())  # type: ignore[arg-type]

    with pytest.raises(KeyError):
        broken()
    assert not (tmp_path / "e.parquet").exists()


def test_what_is_no_table_of_events_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no Parquet file"):
        events_table(tmp_path)
    pq.write_table(pa.table({"time": ["x"], "actor_uid": ["a"], "action": ["b"]}), tmp_path / "e.parquet")
    with pytest.raises(SourceError, match="not a Parquet file of events"):
        events_table(tmp_path / "e.parquet")
