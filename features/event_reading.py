"""Reading files of events: any format, a chunk at a time, and one broken record never stops the run.

A file may be JSON lines, a JSON array, a product's envelope around one, lines of text, CSV with the record in a column, each of
them packed with gzip or xz, or Parquet; a folder is read file by file, a history by its manifest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
import pyarrow as pa

from features.errors import RecordError, SourceError
from features.event import Event
from features.event_records import Raw, event_records, native_rows
from features.event_table import table_of
from features.files import Reject, reject
from features.normalisers.base import Place
from features.normalisers.events import EventNormaliser, get_event_normaliser

CHUNK = 20_000
_ENCODER = msgspec.json.Encoder()


@dataclass
class EventChunk:
    """Some events in input order, what was put aside, and how many came twice."""

    events: list[Event] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    duplicates: int = 0


class ReadEvents(NamedTuple):
    """All events of an input in order of time, what was put aside, and how many came twice."""

    events: list[Event]
    rejects: list[Reject]
    duplicates: int


class ReadTable(NamedTuple):
    """The same as :class:`ReadEvents`, the events as a table in the native columns."""

    table: pa.Table
    rejects: list[Reject]
    duplicates: int


def read_events(path: Path, fmt: str, *, tenant: str = "", received: datetime | None = None) -> ReadEvents:
    """Return the events at ``path`` in order of time, those of the same time in the order of the input.

    ``tenant`` is that of records that name none; where it is empty, the file's name. ``received`` is when the input was: lines of text
    may have no year; where it is not given, it is when their file was last changed. Raises
    ``SourceError`` when a file cannot be read, and when there is no event at all.
    """
    whole = EventChunk()
    for chunk in read_event_chunks(path, fmt, tenant=tenant, received=received):
        whole.events += chunk.events
        whole.rejects += chunk.rejects
        whole.duplicates += chunk.duplicates
    if not whole.events:
        raise _nothing(path, whole.rejects)
    whole.events.sort(key=lambda event: event.time)
    return ReadEvents(whole.events, whole.rejects, whole.duplicates)


def read_event_table(path: Path, fmt: str, *, tenant: str = "") -> ReadTable:
    """Return what :func:`read_events` does, as a table; native Parquet is read by columns, as far as its rows are whole events."""
    raw = native_rows(path, tenant) if fmt == "native" else None
    if raw is None:
        found = read_events(path, fmt, tenant=tenant)
        return ReadTable(table_of(found.events), found.rejects, found.duplicates)
    said, seen, places = EventChunk(), dict[bytes, bytes](), list[int]()
    for place, record in raw.others():
        if _take(record, get_event_normaliser(fmt), Place(tenant), seen, said):
            places.append(place)
    if not places and not raw.whole.any():
        raise _nothing(path, said.rejects)
    return ReadTable(raw.completed(tenant, said.events, places), said.rejects, said.duplicates)


def _nothing(path: Path, rejects: list[Reject]) -> SourceError:
    why = f": {rejects[0].reason} ({rejects[0].source}, row {rejects[0].row})" if rejects else ""
    return SourceError(str(path), f"holds no event that could be read{why}")


def read_event_chunks(
    path: Path, fmt: str, *, tenant: str = "", received: datetime | None = None, size: int = CHUNK
) -> Iterator[EventChunk]:
    """Read the events at ``path`` in input order, ``size`` a chunk, be there none; else as :func:`read_events`.

    A record seen again with the same content is counted and dropped, with other content it is put aside.
    """
    seen: dict[bytes, bytes] = {}
    normaliser = get_event_normaliser(fmt)
    chunk = EventChunk()
    for record in event_records(path, fmt):
        _take(record, normaliser, Place(tenant, received), seen, chunk)
        if len(chunk.events) + len(chunk.rejects) >= size:
            yield chunk
            chunk = EventChunk()
    if chunk.events or chunk.rejects or chunk.duplicates:
        yield chunk


def _take(record: Raw, normaliser: EventNormaliser, place: Place, seen: dict[bytes, bytes], chunk: EventChunk) -> bool:
    """Add a record's event to the chunk, or why it is none; return whether there is a new event."""
    tenant = place.tenant
    if not tenant and not normaliser.shape.names_tenant:
        tenant = record.source.split(".")[0]
    try:
        event = normaliser.decode(record.raw, Place(tenant, place.received_time or record.changed, record.source, record.row))
    except RecordError as error:
        chunk.rejects.append(reject(error, record.raw, record.source, record.row))
        return False
    if not _is_new(event, seen, chunk, record):
        return False
    chunk.events.append(event)
    return True


def _is_new(event: Event, seen: dict[bytes, bytes], chunk: EventChunk, record: Raw) -> bool:
    name = f"{event.tenant}\x1f{event.uid}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(_ENCODER.encode(event), digest_size=8).digest()
    before = seen.setdefault(hashlib.blake2b(name, digest_size=8).digest(), digest)
    if before is digest:
        return True
    if before == digest:
        chunk.duplicates += 1
    else:
        error = RecordError("this uid came before with other content", field="uid")
        chunk.rejects.append(reject(error, event.uid.encode("utf-8", "replace"), record.source, record.row))
    return False
