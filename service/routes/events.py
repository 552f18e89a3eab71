"""Events in: what users and hosts did, stored for behaviour analytics."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import APIRouter, Request, Response

from features.errors import RecordError, UnknownFormatError
from features.event import Event
from features.normalisers import Place
from features.normalisers.events import EVENT_NORMALISERS, EventNormaliser, get_event_normaliser
from features.normalisers.events.base import split_body
from service.auth import Authorised
from service.body import Records, read_body, split
from service.errors import ConflictError, InvalidError
from service.metrics import EVENTS
from service.store.events import Taken

router = APIRouter()
_ENCODER = msgspec.json.Encoder()
_FEW = 1000
"""Most records that a refusal names."""

_INPUT: dict[str, Any] = {
    "parameters": [
        {"name": "format", "in": "query", "schema": {"type": "string", "enum": sorted(EVENT_NORMALISERS), "default": "native"}},
    ],
    "requestBody": {
        "required": True,
        "description": "One record as a JSON object, several as an array or as NDJSON, in the format named by `format`.",
        "content": {
            "application/json": {"schema": {"oneOf": [{"type": "object"}, {"type": "array", "items": {"type": "object"}}]}},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    },
}


@router.post("/v1/events", openapi_extra=_INPUT, summary="Store events of users and hosts", status_code=200)
async def post_events(request: Request, key: Authorised) -> Response:
    """The answer comes when the events are durable.

    `stored` is the number of those that are new, `duplicates` the rows of those that were stored before, `rejected` the others,
    with row, field and reason. One object alone: 201 new, 200 sent before, 409 when its uid is taken by other content.
    """
    host = request.app.state.host
    normaliser = _normaliser(request.query_params.get("format", "native"))
    body = await read_body(request, host.settings.max_body_bytes)
    enclosed = await asyncio.to_thread(split_body, body, normaliser.shape)
    records = split(body, request.headers.get("content-type", "")) if enclosed is None else Records(enclosed, single=False)
    place = Place(tenant=key.tenant, received_time=datetime.now(UTC))
    events, rejected = await asyncio.to_thread(_decode, records, normaliser, place)
    EVENTS.labels("rejected").inc(len(rejected))
    if not events:
        raise InvalidError("no record could be read", rejected[:_FEW])
    taken = await host.events.take([event for _, event in events])
    conflict = "this uid came before with other content"
    rows = {what: [row for (row, _), answer in zip(events, taken, strict=True) if answer is what] for what in Taken}
    if records.single and rows[Taken.CONFLICT]:
        raise ConflictError(conflict)
    rejected += [{"row": row, "field": "uid", "reason": conflict} for row in rows[Taken.CONFLICT]]
    if len(rows[Taken.CONFLICT]) == len(events):
        raise InvalidError("no record was taken", rejected[:_FEW])
    answer = {
        "stored": len(rows[Taken.STORED]),
        "duplicates": rows[Taken.DUPLICATE],
        "rejected": sorted(rejected, key=lambda reject: int(reject["row"])),
    }
    created = records.single and bool(rows[Taken.STORED])
    return Response(_ENCODER.encode(answer), 201 if created else 200, media_type="application/json")


def _normaliser(name: str) -> EventNormaliser:
    try:
        return get_event_normaliser(name)
    except UnknownFormatError as error:
        raise InvalidError(str(error)) from error


def _decode(records: Records, normaliser: EventNormaliser, place: Place) -> tuple[list[tuple[int, Event]], list[dict[str, Any]]]:
    events: list[tuple[int, Event]] = []
    rejected: list[dict[str, Any]] = []
    for row, item in enumerate(records.items):
        try:
            events.append((row, normaliser.decode(item, place)))
        except RecordError as error:
            rejected.append({"row": row, "field": error.field, "reason": error.reason})
    return events, rejected
