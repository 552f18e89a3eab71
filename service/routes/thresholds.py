"""Thresholds: what machines act on, and what other objectives would do."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Request, Response
from msgspec import Meta

from models.bundle import ModelBundle
from models.certificates.costs import Costs
from models.certificates.objective import parse_objectives
from models.errors import ObjectiveError
from models.measures import DAY_SECONDS
from models.whatif.whatif import WhatIf
from service.auth import Authorised
from service.body import json_body, read_body
from service.errors import ConflictError, InvalidError, OverloadedError
from service.host import Host
from service.settings import ServiceSettings
from service.thresholds import Published, published
from service.whatif import Question, asked

router = APIRouter()

MOST_BYTES = 65_536
"""Of a question."""
_ENCODER = msgspec.json.Encoder()
_EXAMPLE = "maximum suppression @ missed_incidents <= 0.01, confidence 0.95"


class _Asked(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A question as it is sent."""

    objectives: Annotated[tuple[Annotated[str, Meta(max_length=300)], ...], Meta(min_length=1, max_length=8)]
    days: Annotated[int, Meta(ge=1)] = 30
    costs: Costs | None = None


_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["objectives"],
    "additionalProperties": False,
    "properties": {
        "objectives": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 8, "example": [_EXAMPLE]},
        "days": {"type": "integer", "minimum": 1, "default": 30, "description": "of alerts received; at most TAMIS_WHATIF_DAYS"},
        "costs": {"type": "object", "description": "as in the file of `tamis train --costs`; the bundle's own if absent"},
    },
}
_BODY = json_body(_SCHEMA)


@router.get("/v1/thresholds", summary="The thresholds in force for the key's tenant, each with its certificate")
async def get_thresholds(request: Request, key: Authorised) -> Response:
    """All that a downstream system needs to act. The ETag follows from all that is said: the bundle, the live policy, and what of
    it holds now. A change is told by a message `thresholds.changed`, too.

    `thresholds`: one for each aim and group, with its certificate. An alert may be suppressed below the least threshold of all groups
    named here in which it lies, and responded to from the highest on, if all of these `stands`, no guardrail (the bundle's
    `guardrails`, the `live` ones) forbids it, and its mode is `automate`: the most careful of those `said` of a group in which it
    lies, else that of `all`. `in_force`: so it is for the group as such; else `because` says why not. Without a bundle nothing is.
    `audit`: the share `rate` of what would be suppressed, at least `daily` a day and tenant and `rule` a day of each rule, goes to a person
    all the same. Decisions name the certificate they rest on.
    """
    document = await asyncio.to_thread(_published, request.app.state.host, key.tenant)
    etag = f'"{document.version}"'
    if request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers={"ETag": etag})
    body = _ENCODER.encode({"version": document.version, **document.body})
    return Response(body, media_type="application/json", headers={"ETag": etag})


@router.post("/v1/thresholds/whatif", openapi_extra=_BODY, summary="What other objectives would prove, hide, save and lose")
async def post_whatif(request: Request, key: Authorised) -> Response:
    """Over the tenant's alerts of the last `days`; nothing is changed. For the present policy and the proposed one: certificates
    (granted, or refused with the missing units), alerts and groups hidden, hours of people saved, responses by tier, the true
    positives that would be hidden, by name, and the misses estimated from what was audited. `curve` has the same for each
    threshold. `objectives` are sentences; for what none speaks of the default holds. One question at a time.
    """
    host: Host = request.app.state.host
    given = _given(await read_body(request, MOST_BYTES), host.settings)
    bundle = host.scorer.engine.bundle
    if bundle is None:
        raise ConflictError("no bundle serves, so there is nothing to certify from")
    turn: asyncio.Lock = request.app.state.whatif
    if turn.locked():
        raise OverloadedError("another question is being answered")
    async with turn:
        found = await asyncio.to_thread(_answer, host, bundle, key.tenant, given)
    return Response(_ENCODER.encode(found), media_type="application/json")


def _published(host: Host, tenant: str) -> Published:
    policy, _ = host.scorer.live.store.last_good()
    return published(host.scorer.engine.bundle, policy, tenant, time.time())


def _given(body: bytes, settings: ServiceSettings) -> Question:
    try:
        given = msgspec.json.decode(body, type=_Asked)
        objectives = parse_objectives(given.objectives)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise InvalidError(f"not a question: {error}") from error
    except ObjectiveError as error:
        raise InvalidError(str(error), [{"field": "objectives", "sentence": error.text, "reason": error.reason}]) from error
    if given.days > settings.whatif_days:
        raise InvalidError(f"days: at most {settings.whatif_days}")
    return Question(objectives, given.costs, time.time() - given.days * DAY_SECONDS, settings.whatif_alerts)


def _answer(host: Host, bundle: ModelBundle, tenant: str, question: Question) -> WhatIf:
    with host.database.engine.connect() as connection:
        return asked(connection, bundle, host.encoder, tenant, question)
