"""Incidents: what belongs together, and what analysts merge and split."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import Connection

from features.alert import MAX_NAME
from service.auth import Authorised
from service.body import json_body, read_body
from service.errors import InvalidError
from service.host import Host
from service.incidents import answers, records
from service.incidents.keeper import Edit, current
from service.incidents.records import Status
from service.keys import Key

router = APIRouter()
_ENCODER = msgspec.json.Encoder()
_EVENTS = 200
"""So many of the last things that happened are told of an incident."""

_Uid = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_NAME)]
_Reason = Annotated[str, msgspec.Meta(max_length=2048)]
_Revision = Annotated[int, msgspec.Meta(ge=1)]


class _Merge(msgspec.Struct, forbid_unknown_fields=True):
    others: Annotated[list[_Uid], msgspec.Meta(min_length=1, max_length=50)] = msgspec.field(name="with")
    reason: _Reason = ""
    revision: _Revision | None = None


class _Split(msgspec.Struct, forbid_unknown_fields=True):
    lines: Annotated[list[_Uid], msgspec.Meta(min_length=1, max_length=10_000)]
    reason: _Reason = ""
    revision: _Revision | None = None


def _described(field: str, of: str) -> dict[str, Any]:
    properties = {
        field: {"type": "array", "items": {"type": "string"}, "minItems": 1, "description": of},
        "reason": {"type": "string"},
        "revision": {"type": "integer", "description": "refused (409) unless the incident is at it; so is `If-Match`"},
    }
    schema = {"type": "object", "required": [field], "properties": properties}
    return {
        **json_body(schema),
        "parameters": [{"name": "If-Match", "in": "header", "schema": {"type": "string"}}],
    }


@router.get("/v1/incidents", summary="Incidents, the one raised last first")
async def get_incidents(
    request: Request,
    key: Authorised,
    *,
    status: Status | None = None,
    since: datetime | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str = "",
) -> Response:
    """`status`: open, escalated, closed or merged; all but merged ones if absent. `since`: changed at that time or later.
    `next` is the cursor of the following page, if there is one; an incident raised meanwhile moves none from page to page.
    Which to look at first is what `GET /v1/queue?budget=N` says."""
    host: Host = request.app.state.host
    if since is not None and since.tzinfo is None:
        raise InvalidError("since: needs a zone")
    after = since.timestamp() if since else None
    before = _position(cursor)

    def page(connection: Connection) -> list[tuple[int, records.Record]]:
        return records.listed(connection, key.tenant, status, since=after, limit=limit, before=before)

    found = await asyncio.to_thread(_read, host, page)
    items = [answers.summary(record, key.role) for _, record in found]
    return _json({"incidents": items, "next": str(found[-1][0]) if len(found) == limit else None})


@router.get("/v1/incidents/{uid}", summary="An incident: its lines, why they are linked, and what happened to it")
async def get_incident(request: Request, uid: str, key: Authorised) -> Response:
    """The uid of an incident that was merged is answered with the one that it has become (`uid`); `merged` lists such uids.
    The ETag is the revision. An analyst sees `priority` but no scores."""
    return await asyncio.to_thread(_told, request.app.state.host, key, uid)


@router.post("/v1/incidents/{uid}/merge", openapi_extra=_described("with", "uids of incidents"), summary="Merge incidents")
async def post_merge(request: Request, uid: str, key: Authorised) -> Response:
    """Make this incident and those in `with` one, for good: later alerts respect it. The uid of the one with most lines stays,
    the others lead to it. The answer is the incident as it is now."""
    host: Host = request.app.state.host
    given = await _given(request, _Merge)
    record = await host.incidents.merge(key.tenant, [uid, *given.others], _edit(request, key, given))
    return await asyncio.to_thread(_told, host, key, record.uid)


@router.post("/v1/incidents/{uid}/split", openapi_extra=_described("lines", "uids of lines"), summary="Split an incident")
async def post_split(request: Request, uid: str, key: Authorised) -> Response:
    """Take lines out of this incident and make them one of their own, for good: later alerts join one of the two, and never
    both together. The answer is the new incident."""
    host: Host = request.app.state.host
    given = await _given(request, _Split)
    record = await host.incidents.split(key.tenant, uid, given.lines, _edit(request, key, given))
    return await asyncio.to_thread(_told, host, key, record.uid)


def _told(host: Host, key: Key, uid: str) -> Response:
    with host.database.engine.connect() as connection:
        record = current(connection, key.tenant, uid, None)
        merged = records.merged_uids(connection, record.uid)
        happened = records.events(connection, record.uid, _EVENTS)
    answer = _json(answers.detail(record, merged, happened, key.role))
    answer.headers["ETag"] = f'"{record.revision}"'
    return answer


def _read(host: Host, ask: Any) -> Any:
    with host.database.engine.connect() as connection:
        return ask(connection)


async def _given(request: Request, cls: type[Any]) -> Any:
    body = await read_body(request, request.app.state.host.settings.max_body_bytes)
    try:
        return msgspec.json.decode(body, type=cls)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidError(str(error)) from error


def _edit(request: Request, key: Key, given: _Merge | _Split) -> Edit:
    """Return who asks for a change, why, and of which revision."""
    named = request.headers.get("if-match", "").strip()
    bare = named.removeprefix('"').removesuffix('"')
    if named not in {"", "*"} and not (bare.isascii() and bare.isdigit() and len(bare) <= 18):
        raise InvalidError("If-Match: not a revision")
    revision = int(bare) if bare.isdigit() else given.revision
    return Edit(key.name or key.uid, given.reason, revision)


def _position(cursor: str) -> int | None:
    if not cursor:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) <= 18):
        raise InvalidError("cursor is not one that this service gave")
    return int(cursor)


def _json(body: object) -> Response:
    return Response(_ENCODER.encode(body), media_type="application/json")
