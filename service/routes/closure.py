"""Closure: outcomes of what automation did, reports, and what to do next about an incident."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta
from sqlalchemy import Connection

from models.closure.outcome import Outcome, Status
from models.closure.report_html import POLICY, html
from models.closure.report_markdown import markdown
from models.incidents.chain_picture import picture
from models.incidents.chain_text import text
from service.auth import Authorised
from service.body import json_body, read_body
from service.closure import records
from service.closure.blinding import report_for
from service.closure.gathering import gather
from service.errors import InvalidError
from service.host import Host
from service.incidents import records as incidents
from service.incidents.keeper import current
from service.keys import Key

router = APIRouter()

T = TypeVar("T")

MOST_BYTES = 262_144
"""Of an outcome."""
_AHEAD = timedelta(minutes=5)
"""So far another clock may be ahead of ours."""
_ENCODER = msgspec.json.Encoder()


class _Posted(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An outcome as it is sent."""

    uid: Annotated[str, Meta(min_length=1, max_length=200)]
    playbook: Annotated[str, Meta(min_length=1, max_length=200)]
    targets: tuple[str, ...] = ()
    status: Status
    time: datetime
    by: str = ""
    detail: str = ""
    evidence: tuple[str, ...] = ()


_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["uid", "playbook", "status", "time"],
    "properties": {
        "uid": {"type": "string", "description": "sent again with it, an outcome is taken once"},
        "playbook": {"type": "string", "description": "uid or slug of a playbook of the catalogue"},
        "targets": {"type": "array", "items": {"type": "string"}, "maxItems": 200, "description": "uids as recommended"},
        "status": {"type": "string", "enum": [status.value for status in Status]},
        "time": {"type": "string", "format": "date-time", "description": "when it ended"},
        "by": {"type": "string", "description": "what ran it; the key's name if absent"},
        "detail": {"type": "string", "description": "at most 2 KiB"},
        "evidence": {"type": "array", "items": {"type": "string"}, "maxItems": 20},
    },
}
_BODY = json_body(_SCHEMA)


@router.post(
    "/v1/incidents/{uid}/outcomes",
    openapi_extra=_BODY,
    status_code=201,
    responses={200: {"description": "It was sent before"}, 202: {"description": "The incident had been closed"}},
    summary="Report the outcome of a playbook",
)
async def post_outcome(request: Request, uid: str, key: Authorised) -> Response:
    """Store an outcome; then rules say whether the threat is mitigated: the incident closes, escalates, or waits. Both come with
    a full report, to be had from `GET /v1/incidents/{uid}/report` and sent by the outbox.

    An outcome for an incident that had been closed is kept, too (202); one that says anything but success reopens the incident:
    it escalates. The answer is the outcome as stored.
    """
    host: Host = request.app.state.host
    outcome = _outcome(host, uid, key, await read_body(request, MOST_BYTES))
    taken = await host.closer.take(key.tenant, outcome)
    code = 200 if not taken.fresh else 202 if taken.status is incidents.Status.CLOSED else 201
    return _json(taken.outcome, code)


@router.get("/v1/incidents/{uid}/report", summary="The full report of an incident")
async def get_report(
    request: Request,
    uid: str,
    key: Authorised,
    *,
    format: Literal["md", "html", "json"] = "json",  # noqa: A002
) -> Response:
    """What happened, when, to whom, the chain, the evidence, decisions with their certificates, actions, outcomes, similar
    cases and next steps: as JSON, as Markdown, or as a page to print. Of a closed incident as it closed, else as of now.
    An analyst sees no scores."""
    report = await asyncio.to_thread(_report, request.app.state.host, key, uid)
    if format == "json":
        return _json(report)
    if format == "md":
        return Response(markdown(report), media_type="text/markdown; charset=utf-8", headers=_HEADERS)
    headers = {**_HEADERS, "Content-Security-Policy": POLICY}
    return Response(html(report), media_type="text/html; charset=utf-8", headers=headers)


_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


@router.get("/v1/incidents/{uid}/recommendations", summary="What to do next about an incident")
async def get_recommendations(request: Request, uid: str, key: Authorised) -> Response:
    """Playbooks in order, each with its targets, tier, the most that it allows (`respond` or `approve`), and why."""

    def told(host: Host, connection: Connection) -> object:
        known = gather(connection, current(connection, key.tenant, uid, None))
        return {"recommendations": host.closer.counsel.recommendations(known, datetime.now(UTC))}

    return _json(await _asked(request, told))


@router.get("/v1/incidents/{uid}/chain", summary="The attack chain of an incident")
async def get_chain(request: Request, uid: str, key: Authorised) -> Response:
    """Where it most likely got in and how it went on: as data, as `text`, and as an inline SVG `picture`."""

    def told(host: Host, connection: Connection) -> object:
        found = host.closer.counsel.chain(current(connection, key.tenant, uid, None).incident)
        return {"chain": found, "text": text(found), "picture": picture(found)}

    return _json(await _asked(request, told))


@router.get("/v1/incidents/{uid}/similar", summary="Past incidents like this one")
async def get_similar(request: Request, uid: str, key: Authorised) -> Response:
    """Closed incidents of the last 180 days, the most alike first, with verdicts and what was done."""

    def told(host: Host, connection: Connection) -> object:
        incident = current(connection, key.tenant, uid, None).incident
        return {
            "similar": [
                {
                    "uid": one.past.uid, "likeness": one.likeness, "closed": one.past.closed, "verdicts": one.past.verdicts,
                    "responses": one.past.responses,
                }
                for one in host.closer.counsel.similar(incident, datetime.now(UTC))
            ]
        }  # fmt: skip

    return _json(await _asked(request, told))


@router.get("/v1/playbooks", summary="The catalogue of playbooks")
async def get_playbooks(request: Request, key: Authorised) -> Response:
    """What is shipped and what the own folder adds; `refused` says which files were left out, and why."""
    catalogue = request.app.state.host.closer.counsel.catalogue
    playbooks = [
        {
            "uid": one.uid, "slug": one.slug, "name": one.name, "description": one.description, "modified": one.modified,
            "purposes": one.purposes, "tier": one.tier, "action": one.most, "reversible": one.own.reversible,
            "expiry_seconds": one.own.expiry_seconds, "reverted_by": one.own.reverted_by, "requires": one.own.requires,
            "revoked": one.revoked,
        }
        for one in sorted(catalogue.playbooks.values(), key=lambda one: one.slug)
    ]  # fmt: skip
    refused = [
        {"file": error.path.rpartition("/")[2], "field": error.field, "reason": error.reason} for error in catalogue.refused
    ]
    return _json({"playbooks": playbooks, "refused": refused})


def _outcome(host: Host, incident: str, key: Key, body: bytes) -> Outcome:
    """Return what was sent as an outcome. Raises ``InvalidError``."""
    try:
        posted = msgspec.json.decode(body, type=_Posted)
        catalogue = host.closer.counsel.catalogue
        playbook = catalogue.playbooks.get(posted.playbook) or catalogue.by_slug(posted.playbook)
        if playbook is None:
            raise InvalidError(f"playbook: {posted.playbook} is not in the catalogue")
        given = {**msgspec.to_builtins(posted), "playbook": playbook.uid, "slug": playbook.slug, "incident": incident}
        outcome = msgspec.convert({**given, "by": posted.by or key.name or key.uid}, Outcome)
    except (msgspec.MsgspecError, RecursionError, UnicodeError) as error:
        raise InvalidError(str(error)) from error
    if outcome.time > datetime.now(UTC) + _AHEAD:
        raise InvalidError("time: lies in the future")
    return outcome


def _report(host: Host, key: Key, uid: str) -> Any:
    with host.database.engine.connect() as connection:
        known = gather(connection, current(connection, key.tenant, uid, None))
        ending = records.last_ending(connection, known.record.uid) if known.record.status is incidents.Status.CLOSED else None
        if ending is not None and ending.status is incidents.Status.CLOSED:
            return report_for(key.role, ending.report, known.judged)
        now, counsel = datetime.now(UTC), host.closer.counsel
        resolution = counsel.resolution(known, now)
        return report_for(key.role, counsel.report(connection, known, resolution, known.record.status.value, now), known.judged)


async def _asked(request: Request, ask: Callable[[Host, Connection], T]) -> T:
    host: Host = request.app.state.host

    def read() -> T:
        with host.database.engine.connect() as connection:
            return ask(host, connection)

    return await asyncio.to_thread(read)


def _json(body: object, code: int = 200) -> Response:
    return Response(_ENCODER.encode(body), code, media_type="application/json", headers=_HEADERS)
