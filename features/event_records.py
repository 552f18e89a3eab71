"""The records of files of events, each as the bytes that a normaliser takes, with where it stands."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, NamedTuple, cast

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from features.errors import SourceError
from features.event import Event
from features.event_table import ROWS, SCHEMA, coded, event_batches, event_files, json_rows, table_of
from features.event_whole import only_once, whole_rows
from features.files import json_items, opened
from features.normalisers.events import get_event_normaliser
from features.normalisers.events.base import MAX_RECORD, Shape, split_body

_KINDS = (".json", ".jsonl", ".ndjson", ".log", ".csv")
_SUFFIXES = (*(kind + packed for kind in _KINDS for packed in ("", ".gz", ".xz")), ".parquet")
_ENCODER = msgspec.json.Encoder()


class Raw(NamedTuple):
    """One record: its bytes, its file, its 0-based row there; of lines of text also when the file was last changed."""

    raw: bytes
    source: str
    row: int
    changed: datetime | None = None


class NativeRows(NamedTuple):
    """All rows of native Parquet as they stand, which of them are ``whole`` events, and of each file its name and number of rows."""

    table: pa.Table
    whole: NDArray[np.bool_]
    files: list[tuple[str, int]]

    def others(self) -> Iterator[tuple[int, Raw]]:
        """Yield the rows that are no whole events, as records, with their places in the table."""
        places = np.flatnonzero(~self.whole)
        ends = np.cumsum([rows for _, rows in self.files])
        file = np.searchsorted(ends, places, side="right")
        records = (raw for batch in self.table.take(places).to_batches() for raw in json_rows(batch))
        for place, at, raw in zip(places.tolist(), file.tolist(), records, strict=True):
            name, rows = self.files[at]
            yield place, Raw(raw, name, place - int(ends[at]) + rows)

    def completed(self, tenant: str, events: Sequence[Event], places: Sequence[int]) -> pa.Table:
        """Return the whole events, and those that others turned out to be, in the order of time and of their places."""
        whole = self.table if self.whole.all() else self.table.filter(pa.array(self.whole))
        if tenant:
            at = whole.schema.get_field_index("tenant")
            whole = whole.set_column(at, "tenant", pa.array([tenant] * len(whole), pa.string()).dictionary_encode())
        table = pa.concat_tables([whole, coded(table_of(events))]) if events else whole
        time = np.asarray(table["time"].cast(pa.int64()))
        order = np.lexsort((np.concatenate([np.flatnonzero(self.whole), np.array(places, np.int64)]), time))
        return table if (np.diff(order) == 1).all() else table.take(pa.array(order))


def native_rows(path: Path, tenant: str = "") -> NativeRows | None:
    """Read native events from Parquet; ``None`` where a file is of another kind. Raises ``SourceError``."""
    files = _files(path)
    if any(file.suffix != ".parquet" for file in files):
        return None
    parts, whole, numbers = list[pa.Table](), [np.zeros(0, bool)], list[int]()
    for file in files:
        numbers.append(0)
        for batch in event_batches(file):
            whole.append(whole_rows(batch, tenant))
            parts.append(coded(pa.Table.from_batches([batch])))
            numbers[-1] += len(batch)
    table = pa.concat_tables(parts or [coded(SCHEMA.empty_table())])
    names = [file.name for file in files]
    return NativeRows(table, np.concatenate(whole) & only_once(table["uid"]), list(zip(names, numbers, strict=True)))


def event_records(path: Path, fmt: str) -> Iterator[Raw]:
    """Yield the records of all files at ``path`` in order. Raises ``SourceError``, ``UnknownFormatError``."""
    shape = get_event_normaliser(fmt).shape
    for file in _files(path):
        changed = datetime.fromtimestamp(file.stat().st_mtime, UTC) if shape.lines else None
        for row, raw in enumerate(_records(file, fmt, shape)):
            yield Raw(raw, file.name, row, changed)


def _records(file: Path, fmt: str, shape: Shape) -> Iterator[bytes]:
    if file.suffix != ".parquet":
        return _packed(file, shape)
    return _native_rows(file) if fmt == "native" else _table_rows(file, shape)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise SourceError(str(path), "no such file or folder")
    if (path / "manifest.json").exists():
        return event_files(path)
    files = sorted(file for file in path.iterdir() if file.name.endswith(_SUFFIXES) and file.is_file())
    if not files:
        raise SourceError(str(path), f"no file of events here (*{', *'.join(_SUFFIXES)})")
    return files


def _packed(file: Path, shape: Shape) -> Iterator[bytes]:
    with opened(file) as stream:
        if shape.cell and ".csv" in file.suffixes:
            yield from _cells(stream, file, shape.cell)
        elif shape.lines:
            yield from (line.rstrip(b"\r\n") for line in stream if line.strip())
        elif shape.envelope:
            yield from _enveloped(stream, shape)
        else:
            yield from json_items(stream)


def _enveloped(stream: IO[bytes], shape: Shape) -> Iterator[bytes]:
    """Yield the records of an envelope, which is read whole, or of what has none."""
    key = f'"{shape.envelope}"'.encode()
    with io.BufferedReader(cast("io.RawIOBase", stream)) as buffered:
        if key not in buffered.peek():
            yield from json_items(buffered)
            return
        whole = buffered.read()
        records = split_body(whole, shape)
        yield from json_items(io.BytesIO(whole)) if records is None else records


def _cells(stream: IO[bytes], file: Path, column: str) -> Iterator[bytes]:
    """Yield what one column of a CSV file holds; a line that is broken is a record by itself, so that it is put aside."""
    before = csv.field_size_limit(2 * MAX_RECORD)
    try:
        with io.TextIOWrapper(stream, "utf-8-sig", errors="replace", newline="") as text:
            rows = csv.reader(text)
            header = next(rows, [])
            if column not in header:
                raise SourceError(str(file), f"header: no column {column!r}")
            at = header.index(column)
            for row in rows:
                yield row[at].encode() if at < len(row) else ",".join(row).encode()
    except csv.Error as error:
        raise SourceError(str(file), f"broken CSV: {error}") from error
    finally:
        csv.field_size_limit(before)


def _native_rows(file: Path) -> Iterator[bytes]:
    for batch in event_batches(file):
        yield from json_rows(batch)


def _table_rows(file: Path, shape: Shape) -> Iterator[bytes]:
    """Yield the rows of a table as JSON, what is empty left out; a time without a zone stays one."""
    try:
        with pq.ParquetFile(file) as parquet:
            for batch in parquet.iter_batches(ROWS):
                for row in batch.to_pylist():
                    yield _ENCODER.encode(
                        {shape.columns.get(name, name): _plain(value) for name, value in row.items() if value is not None}
                    )
    except (OSError, OverflowError, UnicodeDecodeError, pa.ArrowException) as error:
        raise SourceError(str(file), f"not a Parquet file: {error}") from error


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value
