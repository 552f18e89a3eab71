"""The loader of simulated events: what was written is read back, as by the native format."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from features.event import Outcome
from features.event_reading import read_events
from training.behaviour.simulated import events_of, simulated_events
from training.simulator import simulate


def test_the_loader_reads_them_in_order_and_rejects_what_is_no_event(tmp_path: Path) -> None:
    simulate(2, 5, 1, tmp_path / "world", behaviour=True)
    loaded = simulated_events(tmp_path / "world")
    table = pq.read_table(tmp_path / "world" / "events.parquet")
    assert len(loaded.events) == table.num_rows > 1000
    assert not loaded.rejected
    assert all(a.time <= b.time for a, b in zip(loaded.events, loaded.events[1:], strict=False))
    assert len({event.uid for event in loaded.events}) == table.num_rows
    assert {event.tenant for event in loaded.events} == {"tenant-001", "tenant-002"}
    assert {event.outcome for event in loaded.events} == {Outcome.SUCCESS, Outcome.FAILURE}
    assert read_events(tmp_path / "world" / "events.parquet", "native").events == loaded.events
    assert any(event.by_program for event in loaded.events)
    damaged = table.slice(0, 3).set_column(table.schema.get_field_index("outcome"), "outcome", [["success", "what", "failure"]])
    assert [len(part) for part in events_of(damaged)] == [2, 1]
