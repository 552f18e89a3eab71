"""Reading events from files of every shape: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import gzip
import json
import lzma
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import SourceError, UnknownFormatError
from features.event import Event, Facet, user
from features.event_reading import read_event_chunks, read_event_table, read_events
from features.event_table import SCHEMA, table_of, write_events

GOLDEN = Path(__file__).parent / "golden" / "events"
RECEIVED = datetime(2024, 3, 4, 12, tzinfo=UTC)


def native(uid: str, second: int = 0, **more: Any) -> dict[str, Any]:
    return {
        "uid": uid,
        "time": f"2024-03-04T08:00:{second:02}Z",
        "actor": {"kind": "user", "uid": "ada"},
        "action": "logon",
        **more,
    }


def lines(records: list[Any]) -> bytes:
    return b"\n".join(record.encode() if isinstance(record, str) else json.dumps(record).encode() for record in records)


RECORDS = [native("a", 3), native("b", 1), native("a", 3), native("c", 1), native("a", 4), {"uid": "d"}]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("e.jsonl", lines(RECORDS)),
        ("e.json", b"\xef\xbb\xbf" + json.dumps(RECORDS).encode()),
        ("e.json", json.dumps(RECORDS, indent=2).encode()),
        ("e.json", b"[\n" + b",\n".join(lines([record]) for record in RECORDS) + b"\n]\n"),
        ("e.ndjson.gz", gzip.compress(lines(RECORDS))),
        ("e.jsonl.xz", lzma.compress(lines(RECORDS))),
    ],
)
@pytest.mark.parametrize("folder", [True, False])
def test_every_shape_gives_the_same(tmp_path: Path, name: str, body: bytes, folder: bool) -> None:
    (tmp_path / name).write_bytes(body)
    read = read_events(tmp_path if folder else tmp_path / name, "native", tenant="acme")
    assert [event.uid for event in read.events] == ["b", "c", "a"]
    assert {event.tenant for event in read.events} == {"acme"}
    assert read.duplicates == 1
    assert [(reject.source, reject.row, reject.field) for reject in read.rejects] == [(name, 4, "uid"), (name, 5, "time")]
    assert json.loads(read.rejects[1].raw) == {"uid": "d"}


def test_chunks_are_in_input_order_and_of_bounded_size(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines(RECORDS))
    chunks = list(read_event_chunks(tmp_path, "native", tenant="acme", size=2))
    assert [[event.uid for event in chunk.events] for chunk in chunks] == [["a", "b"], ["c"], []]
    assert [len(chunk.rejects) for chunk in chunks] == [0, 1, 1]


@pytest.mark.parametrize("fmt", sorted(path.stem for path in GOLDEN.glob("*.json")))
def test_golden_files(tmp_path: Path, fmt: str) -> None:
    """Every golden record in a file of its own product; the tenant is the file's where a record cannot name one."""
    golden = json.loads((GOLDEN / f"{fmt}.json").read_text())
    (tmp_path / "acme.log").write_bytes(lines([record["raw"] for record in golden]))
    tenant = "acme" if fmt in {"native", "ocsf"} else ""
    read = read_events(tmp_path, fmt, tenant=tenant, received=RECEIVED)
    assert not read.rejects
    assert {event.tenant for event in read.events} == {"acme"}
    assert sorted(event.action for event in read.events) == sorted(record["event"]["action"] for record in golden)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("packed", [True, False])
def test_a_trails_file_is_one_object_with_the_records_in_it(tmp_path: Path, indent: int | None, packed: bool) -> None:
    records = [record["raw"] for record in json.loads((GOLDEN / "cloudtrail.json").read_text())]
    body = json.dumps({"Records": [*records, {"eventName": "x"}]}, indent=indent).encode()
    path = tmp_path / ("trail.json.gz" if packed else "trail.json")
    path.write_bytes(gzip.compress(body) if packed else body)
    read = read_events(path, "cloudtrail", tenant="acme")
    assert len(read.events) == len(records)
    assert [reject.row for reject in read.rejects] == [len(records)]


def test_a_broken_envelope_is_put_aside(tmp_path: Path) -> None:
    good = json.loads((GOLDEN / "cloudtrail.json").read_text())[0]["raw"]
    (tmp_path / "a.json").write_bytes(b'{"Records": [{"eventName"')
    (tmp_path / "b.json").write_bytes(b'{"Records": 7}')
    (tmp_path / "c.json").write_bytes(lines([good]))
    read = read_events(tmp_path, "cloudtrail", tenant="acme")
    assert len(read.events) == 1
    assert [(reject.source, reject.row) for reject in read.rejects] == [("a.json", 0), ("b.json", 0)]


def test_an_export_to_csv_holds_the_record_in_a_column(tmp_path: Path) -> None:
    records = [record["raw"] for record in json.loads((GOLDEN / "m365.json").read_text())]
    cells = [json.dumps(record).replace('"', '""') for record in records]
    body = "RecordType,AuditData,UserIds\n" + "".join(f'1,"{cell}",x\n' for cell in cells) + '2,"",y\n3\n'
    (tmp_path / "audit.csv").write_text("\ufeff" + body)
    read = read_events(tmp_path, "m365")
    assert [event.tenant for event in read.events] == ["audit"] * len(records)
    assert [reject.row for reject in read.rejects] == [len(records), len(records) + 1]
    (tmp_path / "audit.csv").write_text("RecordType\n1\n")
    with pytest.raises(SourceError, match="no column 'AuditData'"):
        read_events(tmp_path, "m365")


def test_a_flattened_table_of_a_product(tmp_path: Path) -> None:
    rows = [
        {"t": datetime(2024, 3, 4, 8), "user": "Ada@example.org", "op": "UserLoggedIn", "ip": "203.0.113.5", "wl": "AzureActiveDirectory",  # noqa: DTZ001
         "res": "Success"},
        {"t": datetime(2024, 3, 4, 8), "user": None, "op": "UserLoggedIn", "ip": None, "wl": None, "res": None},  # noqa: DTZ001
        {"t": None, "user": "x", "op": "y", "ip": None, "wl": None, "res": None},
    ]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "o.parquet")
    read = read_events(tmp_path, "m365", tenant="acme")
    assert [(event.actor.uid, event.time, event.source.address) for event in read.events] == [
        ("ada@example.org", datetime(2024, 3, 4, 8, tzinfo=UTC), "203.0.113.5")
    ]
    assert [(reject.row, reject.field) for reject in read.rejects] == [(1, "UserId"), (2, "CreationTime")]


def test_lines_without_a_year_are_of_the_latest_before_their_file_was_changed(tmp_path: Path) -> None:
    file = tmp_path / "auth.log"
    told = "web-1 sshd[1]: Accepted password for ada from 203.0.113.5 port 4 ssh2\n"
    file.write_text(f"Dec 31 23:59:59 {told}Feb 29 08:00:00 {told}Mar  4 14:00:00 {told}")
    os.utime(file, (RECEIVED.timestamp(), RECEIVED.timestamp()))
    read = read_events(tmp_path, "linux-auth")
    assert [event.time.year for event in read.events] == [2023, 2024]
    assert [reject.reason for reject in read.rejects] == ["lies 2:00:00 ahead of its receipt"]
    later = read_events(tmp_path, "linux-auth", received=datetime(2025, 1, 1, tzinfo=UTC))
    assert sorted(event.time.year for event in later.events) == [2024, 2024, 2024]


def test_a_damaged_line_spoils_no_other(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(
        b"\n".join([lines([RECORDS[0]]), b"\xff\xfe{", b"[" * 100_000, b"\x00", lines([RECORDS[1]])])
    )
    read = read_events(tmp_path, "native", tenant="acme")
    assert [event.uid for event in read.events] == ["b", "a"]
    assert [reject.row for reject in read.rejects] == [1, 2, 3]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read_events(tmp_path / "none", "native")
    with pytest.raises(SourceError, match="no file of events"):
        read_events(tmp_path, "native")
    (tmp_path / "e.jsonl.gz").write_bytes(gzip.compress(lines(RECORDS))[:-9])
    with pytest.raises(SourceError, match="damaged"):
        read_events(tmp_path, "native", tenant="acme")
    (tmp_path / "e.jsonl.gz").write_bytes(gzip.compress(b'{"uid":"x"}'))
    with pytest.raises(SourceError, match="holds no event"):
        read_events(tmp_path, "native")
    (tmp_path / "e.jsonl.gz").unlink()
    (tmp_path / "e.parquet").write_bytes(b"PAR1")
    for fmt in ("native", "m365"):
        with pytest.raises(SourceError, match="not a Parquet file"):
            read_events(tmp_path, fmt)
    with pytest.raises(UnknownFormatError):
        read_events(tmp_path, "nonsense")


def test_a_million_names_of_one_user_have_bounded_length(tmp_path: Path) -> None:
    """A thousand stand for them: each event is small, and they stay distinct."""
    records = [
        native(f"{i}", target={"kind": "file", "uid": f"{i}"}, source={"device": "d" * 5000 + str(i)}) for i in range(1000)
    ]
    (tmp_path / "e.jsonl").write_bytes(lines(records))
    read = read_events(tmp_path, "native", tenant="acme")
    assert len({event.source.device for event in read.events}) == 1000
    assert max(len(event.source.device) for event in read.events) == 1024


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.builds(
            lambda uid, second, facets: Event(
                uid=uid,
                tenant="t",
                time=datetime(2024, 1, 1, 0, 0, second, tzinfo=UTC),
                actor=user("ü\x00"),
                action="x",
                facets=tuple(Facet("f", value) for value in facets),
            ),
            st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=3),
            st.integers(0, 59),
            st.lists(st.sampled_from(["a", "\n", '"']), max_size=3),
        ),
        min_size=1,
        unique_by=lambda event: event.uid,
    )
)
def test_what_is_written_is_read_back(tmp_path_factory: pytest.TempPathFactory, events: list[Event]) -> None:
    path = tmp_path_factory.mktemp("events") / "e.parquet"
    assert write_events(path, events) == len(events)
    read = read_events(path, "native")
    assert read.events == sorted(events, key=lambda event: event.time)
    assert (read.rejects, read.duplicates) == ([], 0)


WHOLE: dict[str, Any] = {
    "uid": "", "tenant": "acme", "time": RECEIVED, "actor_kind": "user", "actor_uid": "ada", "action": "open", "target_kind": "file",
    "target_uid": "plan", "address": "10.0.0.1", "country": "NL", "device": "ws-1", "application": "mail", "outcome": "success",
    "latitude": 52.0, "longitude": 4.0, "facets": [{"name": "room", "value": "1"}],
}  # fmt: skip
ODD: list[dict[str, Any]] = [
    {"actor_uid": ""}, {"actor_uid": None}, {"actor_kind": None}, {"actor_kind": "robot"}, {"action": "x" * 1025}, {"action": None},
    {"tenant": ""}, {"tenant": "other"}, {"time": None}, {"time": datetime(1989, 12, 31, tzinfo=UTC)}, {"uid": "same"}, {"uid": "same"},
    {"time": datetime(2100, 1, 1, tzinfo=UTC)}, {"target_kind": ""}, {"target_kind": "", "target_uid": ""}, {"target_kind": "moon"},
    {"outcome": ""}, {"outcome": "maybe"}, {"latitude": None}, {"latitude": 91.0}, {"latitude": float("nan")},
    {"latitude": None, "longitude": None}, {"facets": None}, {"facets": [{"name": "", "value": "1"}]},
    {"facets": [{"name": "a", "value": None}]}, {"facets": [{"name": "a", "value": "1"}] * 65}, {"device": None}, {"device": "é" * 1025},
    {"uid": ""}, {"uid": None}, {"uid": "same", "action": "other"}, {"time": datetime(2024, 3, 1, tzinfo=UTC)}, {},
]  # fmt: skip


@pytest.mark.parametrize("tenant", ["", "acme"])
def test_a_table_is_read_as_its_rows_would_be_whatever_is_wrong_with_them(tmp_path: Path, tenant: str) -> None:
    rows = [{**WHOLE, "uid": f"u{at}", **change} for at, change in enumerate(ODD)]
    for name, some in (("a", rows[:20]), ("b", rows[20:])):
        pq.write_table(pa.Table.from_pylist(some, SCHEMA), tmp_path / f"{name}.parquet")
    expected, found = read_events(tmp_path, "native", tenant=tenant), read_event_table(tmp_path, "native", tenant=tenant)
    assert 10 < len(found.rejects) < 20
    assert (found.rejects, found.duplicates) == (expected.rejects, expected.duplicates)
    pq.write_table(found.table, tmp_path / "found.parquet")
    assert read_events(tmp_path / "found.parquet", "native").events == expected.events


def test_a_table_of_other_files_is_that_of_their_events(tmp_path: Path) -> None:
    (tmp_path / "e.jsonl").write_bytes(lines(RECORDS))
    found = read_event_table(tmp_path, "native", tenant="acme")
    assert found.table == table_of(read_events(tmp_path, "native", tenant="acme").events)
    assert (len(found.rejects), found.duplicates) == (2, 1)


def test_a_table_without_an_event_is_refused_with_the_first_reason(tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([{**WHOLE, "actor_uid": ""}], SCHEMA), tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"actor|is missing"):
        read_event_table(tmp_path, "native")
    pq.write_table(SCHEMA.empty_table(), tmp_path / "a.parquet")
    with pytest.raises(SourceError, match="no event"):
        read_event_table(tmp_path, "native")


@pytest.mark.parametrize("read", [read_events, read_event_table])
def test_a_tenant_is_given_also_where_no_row_is_whole_by_itself(tmp_path: Path, read: Any) -> None:
    table = pa.Table.from_pylist([{**WHOLE, "uid": f"u{at}"} for at in range(3)], SCHEMA)
    for name in ("a", "b"):
        pq.write_table(table, tmp_path / f"{name}.parquet")
    found = read(tmp_path, "native", tenant="acme")
    assert (len(found[0]), found.rejects, found.duplicates) == (3, [], 3)


@pytest.mark.parametrize("read", [read_events, read_event_table])
def test_a_time_of_no_calendar_spoils_no_other_row(tmp_path: Path, read: Any) -> None:
    times = pa.array([2**62, 1_709_539_200_000_000, -(2**62)], pa.timestamp("us", "UTC"))
    table = pa.Table.from_pylist([{**WHOLE, "uid": f"u{at}"} for at in range(3)], SCHEMA)
    pq.write_table(table.set_column(2, "time", times), tmp_path / "a.parquet")
    found = read(tmp_path / "a.parquet", "native")
    assert len(found[0]) == 1
    assert [(reject.source, reject.row, reject.field) for reject in found.rejects] == [
        ("a.parquet", 0, "time"),
        ("a.parquet", 2, "time"),
    ]


@pytest.mark.parametrize("read", [read_events, read_event_table])
@pytest.mark.parametrize("name", ["uid", "device"])
def test_a_file_whose_texts_are_no_texts_is_refused_by_name(tmp_path: Path, read: Any, name: str) -> None:
    broken = pa.Array.from_buffers(pa.string(), 1, pa.array([b"ab\xff"]).buffers())
    table = pa.Table.from_pylist([WHOLE], SCHEMA)
    pq.write_table(table.set_column(SCHEMA.get_field_index(name), name, broken), tmp_path / "a.parquet")
    with pytest.raises(SourceError, match=r"a\.parquet.*UTF8"):
        read(tmp_path, "native")


@pytest.mark.parametrize(
    "broken", [pa.array([2**62], pa.timestamp("us")), pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())]
)
def test_a_products_table_that_no_row_can_be_read_of_is_refused_by_name(tmp_path: Path, broken: pa.Array) -> None:
    pq.write_table(pa.table({"t": broken}), tmp_path / "o.parquet")
    with pytest.raises(SourceError, match=r"o\.parquet"):
        read_events(tmp_path, "m365", tenant="acme")
