"""Verdicts: what an analyst says of an alert."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response

from features.alert import MAX_NAME, Name
from features.label import Label, Provenance, Verdict
from service.auth import Authorised
from service.blinding import label_for
from service.body import read_body, split
from service.errors import InvalidError, ServiceError, TooLargeError
from service.jobs import LabelsJob
from service.keys import Key, Role
from service.receipts import receipt

router = APIRouter()

_AHEAD = timedelta(minutes=5)
_Short = Annotated[str, msgspec.Meta(max_length=2048)]
_Uid = Annotated[str, msgspec.Meta(max_length=MAX_NAME)]


class _Given(msgspec.Struct, forbid_unknown_fields=True):
    alert_uid: Name
    verdict: Verdict
    uid: _Uid = ""
    time: datetime | None = None
    reason: _Short = ""
    incident_uid: _Short = ""
    supersedes: _Short = ""
    provenance: Provenance = Provenance.HUMAN


_OUR_WORDS = f"verdict: one of {', '.join(verdict.value for verdict in Verdict)}"
_DECODER = msgspec.json.Decoder(_Given)
_ENCODER = msgspec.json.Encoder()

_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["alert_uid", "verdict"],
                    "properties": {
                        "alert_uid": {"type": "string"},
                        "verdict": {"enum": [verdict.value for verdict in Verdict]},
                        "uid": {"type": "string", "description": "makes sending it again harmless; derived if absent"},
                        "time": {"type": "string", "format": "date-time", "description": "when it was given; now if absent"},
                        "reason": {"type": "string"},
                        "incident_uid": {"type": "string"},
                        "supersedes": {"type": "string", "description": "refused (409) unless it is the last verdict"},
                        "provenance": {"enum": [p.value for p in Provenance], "description": "other than human: admin only"},
                    },
                }
            }
        },
    }
}


@router.post("/v1/labels", openapi_extra=_BODY, summary="Record verdicts", status_code=201)
async def post_labels(request: Request, key: Authorised) -> Response:
    """One object, an array or NDJSON.

    A verdict on an alert that has one supersedes it; both are kept. If another analyst said otherwise and `supersedes` does
    not name that verdict, the new one contests it: neither counts, the alert returns to the queue, and only a verdict that
    names the last one in `supersedes` decides. `undetermined` takes a verdict back: the alert returns to the queue.
    """
    host = request.app.state.host
    body = await read_body(request, host.settings.max_body_bytes)
    records = split(body, request.headers.get("content-type", ""))
    if len(records.items) > host.settings.max_labels:
        raise TooLargeError(f"at most {host.settings.max_labels} verdicts in one request; nothing was taken")
    labels: list[tuple[int, Label]] = []
    rejected: list[dict[str, Any]] = []
    now = datetime.now(UTC)  # one request is one judgement
    for row, item in enumerate(records.items):
        try:
            labels.append((row, _label(item, key, now, row)))
        except InvalidError as error:
            rejected.append({"row": row, "reason": error.detail})
    if not labels:
        raise InvalidError("no verdict could be read", rejected[:1000])
    job = LabelsJob(key.tenant, [label for _, label in labels])
    host.scorer.submit(job)
    answers = await asyncio.wrap_future(job.future)
    taken = [label_for(key.role, answer) for answer in answers if isinstance(answer, Label)]
    for (row, _), answer in zip(labels, answers, strict=True):
        if isinstance(answer, ServiceError):
            if records.single:
                raise answer
            rejected.append({"row": row, "reason": answer.detail})
    if not taken:
        raise InvalidError("no verdict was taken", sorted(rejected, key=lambda r: int(r["row"]))[:1000])
    out: object = taken[0] if records.single else {"labels": taken, "rejected": rejected}
    return Response(_ENCODER.encode(out), 201, media_type="application/json")


@router.get("/v1/labels/{uid:path}/receipt", summary="What a label did")
async def get_receipt(request: Request, uid: str, key: Authorised) -> Response:
    """What became of a label: whether it is in force, what it adds to the counters, which models learned from it or why not,
    and which decisions on later alerts of the same rule and entity it changed (`before` is the same bundle's decision on the
    same alert with everything known but this label). An analyst is told nothing of alerts that still wait in the queue.
    """
    found = await asyncio.to_thread(receipt, request.app.state.host, key, uid)
    return Response(_ENCODER.encode(found), media_type="application/json")


def _label(raw: bytes, key: Key, now: datetime, row: int) -> Label:
    try:
        given = _DECODER.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidError(_OUR_WORDS if "`$.verdict`" in str(error) else str(error)) from error
    time = given.time or now
    if time.tzinfo is None:
        raise InvalidError("time: needs a zone")
    try:
        time = time.astimezone(UTC)
    except OverflowError as error:
        raise InvalidError("time: not in any year that can be") from error
    if time > now + _AHEAD:
        raise InvalidError("time: lies in the future")
    time = min(time, now)  # a sender's clock may run ahead; what is given is known from now on
    if given.provenance is not Provenance.HUMAN and key.role is not Role.ADMIN:
        raise InvalidError("provenance: only an admin's key may give one other than human")
    uid = given.uid or hashlib.blake2b(f"{key.uid}\x1f{now.isoformat()}\x1f{row}\x1f".encode() + raw, digest_size=16).hexdigest()
    return Label(
        uid=uid,
        tenant=key.tenant,
        alert_uid=given.alert_uid,
        verdict=given.verdict,
        time=time,
        received_time=now,
        provenance=given.provenance,
        analyst=key.analyst,
        reason=given.reason,
        incident_uid=given.incident_uid,
        supersedes=given.supersedes,
    )
