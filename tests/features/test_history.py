"""The history: what is written comes back, and what is damaged is refused."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.alert import Alert
from features.errors import HistoryError
from features.grouping import Correction, Judgement, Placement
from features.history import (
    SCHEMAS,
    HistoryWriter,
    read_alerts,
    read_corrections,
    read_decisions,
    read_labels,
    read_manifest,
    read_placements,
)
from features.label import Provenance, Verdict
from tests.conftest import START, build_alert, build_label
from tests.features.normalisers.test_products import alerts as any_alert

ALERTS = [build_alert(i, at=float(i)) for i in range(5)]
LABELS = [
    build_label(alert, verdict, reason="why", provenance=Provenance.IMPORT)
    for alert, verdict in zip(ALERTS, Verdict, strict=True)
]
DECISION: dict[str, Any] = {
    "uid": "d1", "alert_uid": "a0", "tenant": "acme", "time": START, "revision": 1, "action": "queue", "priority": 50, "score": 0.5,
    "anomaly_score": None, "reason_codes": ["no_model"], "bundle": "", "shown": 1.0, "supersedes": "", "features": [1.0, None],
    "published_action": "queue", "tier": "", "policy": "", "certificate": "",
}  # fmt: skip
CORRECTIONS = [
    Correction(
        uid=f"c{i}",
        tenant="acme",
        judgement=judgement,
        time=START,
        analyst="ann",
        reason="one lure",
        parts=(("a0", "a1"), ("a2",)),
    )
    for i, judgement in enumerate(Judgement)
]
PLACEMENTS = [Placement(tenant="acme", alert_uid=f"a{i}", incident_uid="i1") for i in range(2)]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """A small history."""
    with HistoryWriter(tmp_path / "h") as history:
        history.alerts(ALERTS)
        history.labels(LABELS)
        history.decisions([DECISION])
    return tmp_path / "h"


def test_what_is_written_comes_back_in_order(written: Path) -> None:
    assert [pair for batch in read_alerts(written, size=2) for pair in batch] == list(enumerate(ALERTS))
    assert read_labels(written) == list(enumerate(LABELS, 5))
    assert read_decisions(written) == [DECISION]
    manifest = read_manifest(written)
    assert [manifest.rows(kind) for kind in ("alerts", "labels", "decisions")] == [5, 5, 1]


@settings(max_examples=15, deadline=None)
@given(st.lists(any_alert, max_size=5))
def test_any_alert_comes_back(tmp_path_factory: pytest.TempPathFactory, given_alerts: list[Alert]) -> None:
    path = tmp_path_factory.mktemp("h") / "h"
    with HistoryWriter(path) as history:
        history.alerts(given_alerts, list(range(7, 7 + len(given_alerts))))
    assert [pair for batch in read_alerts(path) for pair in batch] == list(enumerate(given_alerts, 7))


def test_numbers_given_are_kept_and_counted_on_from(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "h") as history:
        history.alerts(ALERTS[:2], [10, 20])
        history.labels(LABELS[:1])
    assert [seq for batch in read_alerts(tmp_path / "h") for seq, _ in batch] == [10, 20]
    assert read_labels(tmp_path / "h")[0][0] == 21


def test_what_is_known_of_incidents_comes_back_in_order(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "h") as history:
        history.corrections(CORRECTIONS)
        history.placements(PLACEMENTS)
    assert read_corrections(tmp_path / "h") == CORRECTIONS
    assert read_placements(tmp_path / "h") == PLACEMENTS


def test_a_history_that_says_nothing_of_incidents_is_one(written: Path) -> None:
    assert (read_corrections(written), read_placements(written)) == ([], [])


def test_context_versions_are_taken_along(tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "000001-assets.json").write_text("{}")
    with HistoryWriter(tmp_path / "h") as history:
        history.context(tmp_path / "context")
    assert read_manifest(tmp_path / "h").context == "context"
    assert (tmp_path / "h" / "context" / "000001-assets.json").read_text() == "{}"


def test_nothing_is_left_when_writing_fails(tmp_path: Path) -> None:
    def fail() -> None:
        with HistoryWriter(tmp_path / "h") as history:
            history.alerts(ALERTS)
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_history_stays_as_it_was_when_its_successor_fails(written: Path) -> None:
    def fail() -> None:
        with HistoryWriter(written) as history:
            history.alerts(ALERTS[:1])
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        fail()
    assert read_manifest(written).rows("alerts") == 5
    assert [path.name for path in written.parent.iterdir()] == ["h"]


def test_a_successor_takes_its_place(written: Path) -> None:
    with HistoryWriter(written) as history:
        history.alerts(ALERTS[:1])
    assert read_manifest(written).rows("alerts") == 1
    assert read_labels(written) == []


def test_a_folder_of_other_things_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(HistoryError, match="not a history"):
        HistoryWriter(tmp_path)
    with pytest.raises(HistoryError, match="not a history"):
        HistoryWriter(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("kind", ["alerts", "labels", "decisions"])
@pytest.mark.parametrize(
    "damage", [lambda data: data[:-1], lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:], lambda data: b""]
)
def test_a_damaged_part_is_refused(written: Path, kind: str, damage: Any) -> None:
    file = written / f"{kind}-00000.parquet"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(HistoryError, match=f"{kind}-00000.parquet: does not have the digest"):
        _read_all(written)


def test_a_missing_part_is_refused(written: Path) -> None:
    (written / "labels-00000.parquet").unlink()
    with pytest.raises(HistoryError, match="unreadable"):
        _read_all(written)


def test_another_schema_version_is_refused(written: Path) -> None:
    manifest = json.loads((written / "manifest.json").read_text())
    (written / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 2}))
    with pytest.raises(HistoryError, match="schema version 2, this version reads 1"):
        _read_all(written)


@pytest.mark.parametrize("text", ["", "{}", "[]", "{", "null", '{"schema_version": "1", "parts": []}'])
def test_a_damaged_manifest_is_refused(written: Path, text: str) -> None:
    (written / "manifest.json").write_text(text)
    with pytest.raises(HistoryError, match="manifest"):
        _read_all(written)


@pytest.mark.parametrize("read", [read_corrections, read_placements])
def test_a_part_with_a_column_that_nobody_knows_is_refused(tmp_path: Path, read: Any) -> None:
    with HistoryWriter(tmp_path / "h") as history:
        history.corrections(CORRECTIONS)
        history.placements(PLACEMENTS)
    for kind in ("corrections", "placements"):
        file = tmp_path / "h" / f"{kind}-00000.parquet"
        table = pq.read_table(file)
        pq.write_table(table.append_column("sure", pa.array([0.5] * len(table))), file)
    _sealed_again(tmp_path / "h")
    with pytest.raises(HistoryError, match="sure"):
        read(tmp_path / "h")


SPOILS = (
    lambda table: table.drop_columns(["seq"]),
    lambda table: table.set_column(1, "time", [pa.nulls(len(table), pa.int8())]),
    lambda table: table.select(["seq", "tenant"]),
)


@pytest.mark.parametrize("kind", ["alerts", "labels"])
@pytest.mark.parametrize("spoil", SPOILS)
def test_a_part_of_another_shape_is_refused_though_its_digest_holds(written: Path, kind: str, spoil: Any) -> None:
    file = written / f"{kind}-00000.parquet"
    pq.write_table(spoil(pq.read_table(file)), file)
    _sealed_again(written)
    with pytest.raises(HistoryError, match=kind):
        _read_all(written)


def _sealed_again(path: Path) -> None:
    """Let the manifest name the digests of the parts as they are now."""
    manifest = json.loads((path / "manifest.json").read_text())
    for part in manifest["parts"]:
        part["sha256"] = hashlib.sha256((path / part["file"]).read_bytes()).hexdigest()
    (path / "manifest.json").write_text(json.dumps(manifest))


def _read_all(path: Path) -> None:
    list(read_alerts(path))
    read_labels(path)
    read_decisions(path)


EVENT: dict[str, Any] = {
    "seq": 12, "uid": "e1", "tenant": "acme", "time": START, "received_time": START, "product": "edr", "actor_kind": "user",
    "actor_uid": "ada", "action": "logon", "target_kind": "host", "target_uid": "ws-1", "address": "10.0.0.1", "country": "DE",
    "device": "ws-1", "application": "directory", "outcome": "success",
}  # fmt: skip


def test_a_table_is_written_as_it_is_and_numbers_go_on_from_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("features.history.PART_ROWS", 2)
    table = pa.Table.from_pylist([EVENT | {"seq": seq} for seq in (12, 13, 14)], schema=SCHEMAS["events"])
    with HistoryWriter(tmp_path / "h") as history:
        history.table("events", table)
        history.table("events", table.slice(0, 0))
        history.labels(LABELS[:1])
    manifest = read_manifest(tmp_path / "h")
    assert [(part.kind, part.rows) for part in manifest.parts] == [("events", 2), ("events", 1), ("labels", 1)]
    read = pa.concat_tables([pq.read_table(tmp_path / "h" / part.file) for part in manifest.parts if part.kind == "events"])
    assert read.equals(table)
    assert read_labels(tmp_path / "h")[0][0] == 15


def test_a_table_of_another_schema_is_refused(tmp_path: Path) -> None:
    with HistoryWriter(tmp_path / "h") as history, pytest.raises(HistoryError, match="another schema"):
        history.table("alerts", pa.table({"seq": [1]}))
