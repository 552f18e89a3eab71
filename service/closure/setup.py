"""How the closer is put together."""

from __future__ import annotations

import logging
from collections.abc import Callable

from features.encode import FactEncoder
from models.bundle import ModelBundle
from models.closure.resolution import Rules
from models.playbooks.loading import load_catalogue
from service.closure.closer import Closer
from service.closure.ended import Ended, Experience
from service.closure.gathering import Counsel, Live
from service.closure.records import endings_after
from service.incidents.keeper import Keeper
from service.outbox.delivery import Write
from service.settings import ServiceSettings
from service.store.database import Database

log = logging.getLogger(__name__)


def make_closer(
    settings: ServiceSettings,
    database: Database,
    write: Write,
    keeper: Keeper,
    *,
    encoder: FactEncoder,
    explainer: Callable[[str], ModelBundle | None],
    live: Live,
) -> Closer:
    """Return the closer of a service. Playbooks that do not validate are left out, and logged."""
    catalogue = load_catalogue(settings.playbooks, lenient=True)
    for error in catalogue.refused:
        log.error("%s", error)

    def endings(after: int) -> list[tuple[int, Ended]]:
        with database.engine.connect() as connection:
            return endings_after(connection, after)

    rules = Rules(settings.quiet_seconds, settings.outcome_seconds)
    counsel = Counsel(catalogue, Experience(endings), lambda: encoder.context, explainer, rules, live=live)
    return Closer(database, write, keeper, counsel, poll_seconds=settings.poll_seconds)
