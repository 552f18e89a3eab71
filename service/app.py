"""The application factory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI

from features.errors import FeaturesError
from features.files import named
from models.errors import ModelsError
from service import problems
from service.announcer import Announcer
from service.errors import ServiceError
from service.host import Host
from service.routes import (
    alerts,
    audit,
    closure,
    decisions,
    entities,
    events,
    health,
    incidents,
    labels,
    measures,
    policy,
    thresholds,
)
from service.settings import ServiceSettings


def create_app(settings: ServiceSettings, history: Path | None = None) -> FastAPI:
    """Return the application; what it holds open is opened and closed by its lifespan.

    Raises ``StartError`` (from the lifespan) when the database is in use or damaged.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        try:
            app.state.host = Host(settings, history)
            await app.state.host.start()
        except (ServiceError, FeaturesError, ModelsError, OSError) as error:
            app.state.failure = named(error)
            raise
        announcer, app.state.whatif = Announcer(app.state.host), asyncio.Lock()
        announcer.start()
        try:
            yield
        finally:
            await announcer.stop()
            await app.state.host.stop()

    app = FastAPI(
        title="Tamis",
        summary="Scores alerts, suppresses noise under a certificate, takes verdicts.",
        version="0.1.0",
        lifespan=lifespan,
        responses=problems.RESPONSES,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    for module in (alerts, audit, closure, decisions, entities, events, incidents, labels, health, measures, policy, thresholds):
        app.include_router(module.router)
    problems.install(app)
    return app
