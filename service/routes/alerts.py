"""Alerts in, decisions out: the scoring path, one straight line."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Query, Request, Response

from features.alert import MAX_NAME, Alert
from features.errors import RecordError, UnknownFormatError
from features.normalisers import Place, get_normaliser, to_ocsf
from models.decision import Decision
from service.auth import DESCRIBED, Authorised, authorise
from service.blinding import decision_for
from service.body import read_body, split
from service.erasure import erase_alerts, erase_entity
from service.errors import InvalidError, NotFoundError, ServiceError
from service.host import Host
from service.incidents.records import incident_of
from service.jobs import AlertsJob
from service.metrics import REJECTS, REQUEST_SECONDS
from service.reading import explained
from service.store import database as db
from service.store.erasing import refuse_erased

router = APIRouter()
_ENCODER = msgspec.json.Encoder()

_INPUT: dict[str, Any] = {
    "security": DESCRIBED,
    "parameters": [
        {"name": "format", "in": "query", "schema": {"type": "string", "default": "ocsf"}},
        {"name": "include", "in": "query", "schema": {"type": "string", "enum": ["", "reasons"], "default": ""}},
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


@router.post("/v1/alerts", openapi_extra=_INPUT, summary="Score alerts", status_code=200)
async def post_alerts(request: Request) -> Response:
    """Store and decide. The answer comes when alert and decision are durable.

    One object: its decision (201 new, 200 sent before). Several: `decisions` in order of the accepted records, `rejected`
    with row, field and reason. `include=reasons` adds the reasons of what a person will see.
    """
    key, wanted, host = authorise(request), request.query_params, request.app.state.host
    body = await read_body(request, host.settings.max_body_bytes)
    started = time.perf_counter()
    records = split(body, request.headers.get("content-type", ""))
    alerts, rejected = _decode(records.items, wanted.get("format", "ocsf"), key.tenant)
    REJECTS.inc(len(rejected))
    if not alerts:
        raise InvalidError("no record could be read", rejected[:1000])
    job = AlertsJob(key.tenant, [alert for _, alert in alerts])
    host.scorer.submit(job)
    answers = await asyncio.wrap_future(job.future)
    if wanted.get("include") == "reasons":
        answers = [await explained(host, key.tenant, a) if isinstance(a, Decision) else a for a in answers]
    answers = [decision_for(key.role, a, judged=False) if isinstance(a, Decision) else a for a in answers]
    REQUEST_SECONDS.observe(time.perf_counter() - started)
    if records.single:
        answer = answers[0]
        if isinstance(answer, ServiceError):
            raise answer
        return _json(answer, 201 if job.created else 200)
    decisions = []
    for (row, _), answer in zip(alerts, answers, strict=True):
        if isinstance(answer, ServiceError):
            rejected.append({"row": row, "field": "uid", "reason": answer.detail})
        else:
            decisions.append(answer)
    if not decisions:
        raise InvalidError("no record was taken", rejected[:1000])
    return _json({"decisions": decisions, "rejected": sorted(rejected, key=lambda r: int(r["row"]))})


@router.get("/v1/alerts/{uid:path}", summary="An alert as stored, in the canonical form")
async def get_alert(request: Request, uid: str, key: Authorised) -> Response:
    """Return the alert as an OCSF Detection Finding, with `incident`, the uid of the incident it is in, or null."""
    found = await asyncio.to_thread(_with_incident, request.app.state.host, key.tenant, uid)
    if found is None:
        raise NotFoundError(f"no alert {uid}")
    return _json(found)


@router.delete("/v1/alerts", summary="Erase what is personal of all alerts that name an entity")
async def delete_alerts(
    request: Request, key: Authorised, *, entity: Annotated[str, Query(min_length=1, max_length=MAX_NAME)]
) -> Response:
    """Every alert of the tenant that names `entity` is erased as by its uid; `erased` says how many. 404 when none names it."""
    return _json(await erase_entity(request.app.state.host, key, entity))


@router.delete("/v1/alerts/{uid:path}", summary="Erase what is personal of an alert", status_code=204)
async def delete_alert(request: Request, uid: str, key: Authorised) -> Response:
    """Uid, entities, observables, message and raw record go, and the free text of its labels. What was decided stays, under a
    pseudonym. From then on the uid answers 410."""
    await erase_alerts(request.app.state.host, key, [uid])
    return Response(status_code=204)


def _with_incident(host: Host, tenant: str, uid: str) -> dict[str, Any] | None:
    with host.database.engine.connect() as connection:
        stored = db.find(connection, tenant, uid)
        if stored is None:
            refuse_erased(connection, host.database.log, tenant, uid)
        incident = incident_of(connection, stored.seq) if stored is not None else None
    return None if stored is None else {**msgspec.json.decode(to_ocsf(stored.alert)), "incident": incident}


def _decode(items: list[bytes], fmt: str, tenant: str) -> tuple[list[tuple[int, Alert]], list[dict[str, Any]]]:
    try:
        normaliser = get_normaliser(fmt)
    except UnknownFormatError as error:
        raise InvalidError(str(error)) from error
    alerts: list[tuple[int, Alert]] = []
    rejected: list[dict[str, Any]] = []
    place = Place(tenant=tenant, received_time=datetime.now(UTC))
    for row, item in enumerate(items):
        try:
            alerts.append((row, normaliser.decode(item, place)))
        except RecordError as error:
            rejected.append({"row": row, "field": error.field, "reason": error.reason})
    return alerts, rejected


def _json(body: object, status: int = 200) -> Response:
    return Response(_ENCODER.encode(body), status, media_type="application/json")
