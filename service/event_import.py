"""Events from files: sent to a running service, or, while none runs, put into its records."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import msgspec

from features.errors import RecordError
from features.event_reading import read_event_chunks
from features.event_records import Raw, event_records
from features.files import Reject, reject
from features.normalisers.base import Place
from features.normalisers.events import get_event_normaliser
from features.normalisers.events.base import refuse_large
from service.errors import StartError
from service.store.database import Database
from service.store.events import Taken, event_row, insert_events

_AT_ONCE = 1000
"""Records of one request, or of one transaction. A refusal names as many."""
_BYTES_AT_ONCE = 4 * 2**20
_WAITS = (1.0, 2.0, 4.0, 8.0)
"""Seconds before a busy service is asked again."""
_DECODER = msgspec.json.Decoder()


class Imported(msgspec.Struct):
    """What became of the records of an import."""

    stored: int = 0
    duplicates: int = 0
    rejects: list[Reject] = []


def store_events(database: Database, path: Path, fmt: str, tenant: str, received: datetime) -> Imported:
    """Put the events at ``path`` into the records. Raises ``SourceError``."""
    done, now = Imported(), time.time()
    for chunk in read_event_chunks(path, fmt, tenant=tenant, received=received, size=_AT_ONCE):
        taken = insert_events(database.writer, [event_row(event, now) for event in chunk.events])
        database.writer.commit()
        done.stored += taken.count(Taken.STORED)
        done.duplicates += taken.count(Taken.DUPLICATE) + chunk.duplicates
        conflict = RecordError("this uid came before with other content", field="uid")
        done.rejects += chunk.rejects
        done.rejects += [
            reject(conflict, event.uid.encode(), "", -1)
            for event, what in zip(chunk.events, taken, strict=True)
            if what is Taken.CONFLICT
        ]
    return done


def send_events(url: str, key: str, path: Path, fmt: str) -> Imported:
    """Send the records at ``path``, as they are, to a running service; its key's tenant owns them.

    Raises ``SourceError``, and ``StartError`` where the service does not answer as it should.
    """
    done, lines = Imported(), get_event_normaliser(fmt).shape.lines
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60.0) as client:
        for some in _batches(path, fmt, lines, done):
            body = b"\n".join(line for _, line in some)
            answer = _post(client, body, fmt)
            done.stored += answer.get("stored", 0)
            done.duplicates += len(answer.get("duplicates", ()))
            for told in answer["rejected"]:
                record, line = some[told["row"]]
                error = RecordError(told["reason"], field=told["field"])
                done.rejects.append(reject(error, line, record.source, record.row))
    return done


def _batches(path: Path, fmt: str, lines: bool, done: Imported) -> Iterator[list[tuple[Raw, bytes]]]:
    """Yield records, each as one line, until they are many or much; what cannot be a line is put aside."""
    records = event_records(path, fmt)
    while some := list(islice(records, _AT_ONCE)):
        batch: list[tuple[Raw, bytes]] = []
        size = 0
        for record in some:
            try:
                line = record.raw if lines else _line(record)
            except RecordError as error:
                done.rejects.append(reject(error, record.raw, record.source, record.row))
                continue
            if batch and size + len(line) > _BYTES_AT_ONCE:
                yield batch
                batch, size = [], 0
            batch.append((record, line))
            size += len(line) + 1
        if batch:
            yield batch


def _line(record: Raw) -> bytes:
    try:
        refuse_large(record.raw, Place())
        return bytes(msgspec.json.format(record.raw, indent=-1))
    except (msgspec.MsgspecError, RecursionError) as error:
        raise RecordError(str(error)) from error


def _post(client: httpx.Client, body: bytes, fmt: str) -> dict[str, Any]:
    """Send one batch, again while the service is busy. A batch of which nothing could be read is an answer, too."""
    for wait in (*_WAITS, None):
        try:
            answer = client.post(
                "/v1/events", params={"format": fmt}, content=body, headers={"Content-Type": "application/x-ndjson"}
            )
        except httpx.HTTPError as error:
            raise StartError(f"{client.base_url}: {error}") from error
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE or wait is None:
            break
        time.sleep(wait)
    told: dict[str, Any] = _DECODER.decode(answer.content) if "json" in answer.headers.get("content-type", "") else {}
    if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY and told.get("errors"):
        return {"rejected": told["errors"]}
    if answer.is_error:
        raise StartError(f"{client.base_url}: {answer.status_code} {told.get('detail', '')}")
    return told
