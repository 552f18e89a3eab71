"""The native form of events in Parquet: one row an event, the same columns from the simulator, a history and the service.

Columns: ``uid, tenant, time`` (microseconds UTC), ``actor_kind, actor_uid, action, target_kind, target_uid, address, country, device,
application, outcome``, ``latitude, longitude`` (degrees) and ``facets`` (a list of name and value). What an event lacks is an empty
text, or null. A history has ``seq``, ``received_time`` and ``product`` besides; further columns are ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.alert import EntityKind
from features.errors import SourceError
from features.event import Event, Outcome

ROWS = 100_000
"""Rows of a part, and of a batch."""
_TEXT, _LONG = pa.string(), pa.large_string()
_NAMES = (
    "actor_kind", "actor_uid", "action", "target_kind", "target_uid", "address", "country", "device", "application", "outcome",
)  # fmt: skip
FACETS = pa.list_(pa.struct([("name", _TEXT), ("value", _TEXT)]))
SCHEMA = pa.schema(
    [("uid", _TEXT), ("tenant", _TEXT), ("time", pa.timestamp("us", "UTC"))]
    + [(name, _TEXT) for name in _NAMES] + [("latitude", pa.float64()), ("longitude", pa.float64()), ("facets", FACETS)]
)  # fmt: skip
NEEDED = ("time", "actor_uid", "action")
"""What a file must have; of other columns that it lacks every value is empty."""

_FIRST, _LAST = (
    (moment - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)
    for moment in (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
)
_SOURCE = ("address", "country", "device", "application", "latitude", "longitude")
_ENCODER = msgspec.json.Encoder()


def event_files(path: Path) -> list[Path]:
    """Return the Parquet files of events at ``path``: a file, a folder of them, or a history. Raises ``SourceError``."""
    if path.is_file():
        return [path]
    pattern = "events-*.parquet" if (path / "manifest.json").exists() else "*.parquet"
    files = sorted(path.glob(pattern)) if path.is_dir() else []
    if not files:
        raise SourceError(str(path), "holds no Parquet file of events")
    return files


def event_batches(path: Path, size: int = ROWS, columns: Sequence[str] = tuple(SCHEMA.names)) -> Iterator[pa.RecordBatch]:
    """Yield those ``columns`` of all events at ``path``, ``size`` rows at a time, in the order of the files. Raises ``SourceError``."""
    schema = pa.schema([SCHEMA.field(name) for name in columns])
    for file in event_files(path):
        try:
            with pq.ParquetFile(file) as parquet:
                there = parquet.schema_arrow.names
                for name in NEEDED:
                    if name not in there:
                        raise SourceError(str(file), f"no column {name!r}")
                for batch in parquet.iter_batches(size, columns=[name for name in columns if name in there]):
                    whole = _completed(batch, schema)
                    whole.validate(full=True)  # texts may be no text
                    yield whole
        except (OSError, pa.ArrowException) as error:
            raise SourceError(str(file), f"not a Parquet file of events: {error}") from error


def events_table(path: Path, columns: Sequence[str] = tuple(SCHEMA.names)) -> pa.Table:
    """Return those ``columns`` of all events at ``path``. Raises ``SourceError``."""
    return pa.Table.from_batches(event_batches(path, columns=columns), pa.schema([SCHEMA.field(name) for name in columns]))


def coded(table: pa.Table) -> pa.Table:
    """Return the table with its texts as dictionaries, but uids and facets as what may be longer together than 2 GiB."""
    long = {"uid": _LONG, "facets": pa.large_list(pa.struct([("name", _LONG), ("value", _LONG)]))}
    columns = [table[name].cast(long.get(name, table[name].type)) for name in table.column_names]
    columns = [one.dictionary_encode() if one.type == _TEXT else one for one in columns]
    return pa.Table.from_arrays(columns, names=table.column_names)


def _completed(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = []
    for field in schema:
        at = batch.schema.get_field_index(field.name)
        if at >= 0:
            columns.append(batch.column(at).cast(field.type))
        else:
            columns.append(pa.nulls(len(batch), field.type) if field.type != _TEXT else pa.array([""] * len(batch), _TEXT))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def json_rows(batch: pa.RecordBatch) -> Iterator[bytes]:
    """Yield the rows of a whole batch as records of the native format; a time of no calendar is its first or last moment."""
    time = pc.min_element_wise(
        pc.max_element_wise(batch["time"].cast(pa.int64()), _FIRST, skip_nulls=False), _LAST, skip_nulls=False
    )
    batch = batch.set_column(batch.schema.get_field_index("time"), "time", time.cast(SCHEMA.field("time").type))
    for row in batch.to_pylist():
        target = {"kind": row["target_kind"], "uid": row["target_uid"]} if row["target_uid"] else None
        actor = {"kind": row["actor_kind"] or EntityKind.USER, "uid": row["actor_uid"]} if row["actor_uid"] else None
        record = {
            "uid": row["uid"] or "", "tenant": row["tenant"] or "", "time": row["time"], "actor": actor, "action": row["action"],
            "target": target, "source": {name: row[name] for name in _SOURCE if row[name] is not None},
            "outcome": row["outcome"] or Outcome.UNKNOWN, "facets": row["facets"] or (),
        }  # fmt: skip
        yield _ENCODER.encode(record)


def table_of(events: Iterable[Event]) -> pa.Table:
    """Return events as a table of this form."""
    told = list(events)
    facets = [facet for event in told for facet in event.facets]
    ends = np.cumsum([0, *(len(event.facets) for event in told)], dtype=np.int32)
    named = pa.StructArray.from_arrays(
        [pa.array([facet.name for facet in facets], _TEXT), pa.array([facet.value for facet in facets], _TEXT)], ["name", "value"]
    )
    columns: dict[str, list[Any]] = {
        "uid": [event.uid for event in told],
        "tenant": [event.tenant for event in told],
        "time": [event.time for event in told],
        "actor_kind": [event.actor.kind.value for event in told],
        "actor_uid": [event.actor.uid for event in told],
        "action": [event.action for event in told],
        "target_kind": [event.target.kind.value if event.target else "" for event in told],
        "target_uid": [event.target.uid if event.target else "" for event in told],
        "outcome": [event.outcome.value for event in told],
        **{name: [getattr(event.source, name) for event in told] for name in _SOURCE},
    }
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.ListArray.from_arrays(pa.array(ends), named)
        for field in SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def write_events(path: Path, events: Iterable[Event]) -> int:
    """Write events in their order to the Parquet file ``path``, which appears when it is whole; return their number."""
    draft, count, left = path.with_name(path.name + ".part"), 0, iter(events)
    path.parent.mkdir(parents=True, exist_ok=True)
    with pq.ParquetWriter(draft, SCHEMA, compression="zstd") as writer:
        while some := list(islice(left, ROWS)):
            writer.write_table(table_of(some))
            count += len(some)
    draft.replace(path)
    return count
