"""What the audit says, in sums: nothing here tells a single draw apart."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from models.live_policy import LivePolicy
from service.audited import Audited, audited
from service.auth import Authorised
from service.host import Host

router = APIRouter()

_MOST_DAYS = 400


@router.get("/v1/audit", summary="What suppression misses, with intervals, and how the anytime tests of certificates stand")
async def get_audit(request: Request, key: Authorised, days: Annotated[int, Query(ge=1, le=_MOST_DAYS)] = 30) -> Response:
    """Of the key's tenant, over what was received in the last `days`. `misses`: the share of attacks among what would be
    suppressed, by inverse propensity, self-normalised, for `all` and for each group in which something was judged, with its 95 %
    interval. `tests`: the evidence against each certificate, over all tenants and in this one; at `threshold` it is withdrawn.
    """
    found = await asyncio.to_thread(_audited, request.app.state.host, key.tenant, days)
    return Response(msgspec.json.encode(found), media_type="application/json")


def _audited(host: Host, tenant: str, days: int) -> Audited:
    policy = host.scorer.live.store.last_good()[0] or LivePolicy()
    with host.database.engine.connect() as connection:
        return audited(connection, policy, tenant, days, time.time())
