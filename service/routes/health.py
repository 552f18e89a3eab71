"""Probes and metrics."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from service.auth import Authorised
from service.metrics import CORRELATION_BEHIND, REGISTRY

router = APIRouter()


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Open to all; says nothing else."""
    return {"status": "alive"}


@router.get("/readyz", summary="Can it take alerts, and does it score them?")
async def readyz(request: Request) -> JSONResponse:
    """Open to all. 503 while nothing can be stored. `model` is false where every alert is queued for want of a bundle;
    `champion_refused` is true while the published bundle is damaged and an earlier one (or none) serves on, `policy_refused`
    while the newest version of the live policy is, and the last good one (or none: then nothing is automated) is in force."""
    host = request.app.state.host
    scorer = host.scorer
    ready = not scorer.failed
    body = {"status": "ready" if ready else "storage fails", "model": scorer.engine.bundle is not None,
            "champion_refused": host.champion in host.refused, "policy_refused": bool(scorer.live.refused)}  # fmt: skip
    return JSONResponse(body, 200 if ready else 503)


@router.get("/metrics", summary="Prometheus metrics")
async def metrics(request: Request, key: Authorised) -> Response:
    """Counts, never contents."""
    CORRELATION_BEHIND.set(await asyncio.to_thread(request.app.state.host.incidents.behind))
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)


@router.get("/openapi.json", include_in_schema=False)
async def openapi(request: Request, key: Authorised) -> JSONResponse:
    """The description of this API."""
    return JSONResponse(request.app.openapi())
