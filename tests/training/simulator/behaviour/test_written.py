"""Events beside a simulated history: the alerts stay what they were, and the loader reads the events back."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pyarrow.parquet as pq

from features.event import Outcome
from training.behaviour.loaders import events_of, simulated_events
from training.simulator import simulate


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_alerts_do_not_depend_on_events_and_both_on_the_seed_alone(tmp_path: Path) -> None:
    simulate(2, 5, 1, tmp_path / "plain")
    for name in ("a", "b"):
        simulate(2, 5, 1, tmp_path / name, behaviour=True)
    plain, made = _digests(tmp_path / "plain"), _digests(tmp_path / "a")
    assert made == _digests(tmp_path / "b")
    assert made.items() > plain.items()
    assert set(made) - set(plain) == {"events.parquet", "behaviour_truth.parquet"}


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
    assert any(event.by_program for event in loaded.events)
    damaged = table.slice(0, 3).set_column(table.schema.get_field_index("outcome"), "outcome", [["success", "what", "failure"]])
    assert [len(part) for part in events_of(damaged)] == [2, 1]
