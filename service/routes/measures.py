"""Measures of the work: how fast, how much, how often for nothing."""

from __future__ import annotations

import asyncio
import time
from typing import Annotated

import msgspec
from fastapi import APIRouter, Query, Request, Response

from service.auth import Authorised
from service.host import Host
from service.measures import Measured, measured

router = APIRouter()

_MOST_DAYS = 400


@router.get("/v1/measures", summary="Times to detect, acknowledge and respond, dwell time, workload, false positives by rule")
async def get_measures(request: Request, key: Authorised, days: Annotated[int, Query(ge=1, le=_MOST_DAYS)] = 30) -> Response:
    """Of what the key's tenant received in the last `days`. Times are seconds, with the number of cases beside; null where none.

    `rules`, `products`, `analysts`: what the numbers in `measures` stand for.
    """
    found = await asyncio.to_thread(_measured, request.app.state.host, key.tenant, days)
    return Response(msgspec.json.encode(found), media_type="application/json")


def _measured(host: Host, tenant: str, days: int) -> Measured:
    with host.database.engine.connect() as connection:
        return measured(connection, tenant, days, time.time())
