"""The watcher: looks again and again, beside the scorer; what it says is written between two batches."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence

from features.encode import FactEncoder
from features.errors import FeaturesError
from models.bundle import ModelBundle
from models.certificates.certificate import Certificate
from models.certificates.objective import Aim
from models.errors import ModelsError
from models.policy_store import PolicyStore
from service.errors import ServiceError
from service.looking import Looking
from service.outbox.delivery import Write
from service.settings import ServiceSettings
from service.store.database import Database
from service.watch.returns import Matched, Withdrawn
from service.watch.testing import Testing

log = logging.getLogger(__name__)


class Watcher(Looking):
    """Runs the anytime tests and brings back what must come back, for all tenants. ``start`` and ``stop`` it once."""

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        write: Write,
        *,
        explainer: Callable[[str], ModelBundle | None],
        encoder: FactEncoder,
        loaded: Callable[[], tuple[str, ...]],
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings.poll_seconds)
        self.now = now

        def certificates(bundle: str) -> Sequence[Certificate]:
            found = explainer(bundle)
            return () if found is None else suppressing(found)

        policies = PolicyStore(settings.policy)
        self.testing = Testing(
            database.engine, write, policies, certificates=certificates, encoder=encoder, settle_seconds=settings.settle_seconds
        )
        matched = Matched(database, write, settings.context, loaded, settings.look_back_seconds)
        self._parts = (self.testing, Withdrawn(database, write, policies), matched)

    async def look(self) -> bool:
        """Once: a part of everything; say if there is more. What goes wrong in one keeps no other from going on."""
        more = False
        for part in self._parts:
            try:
                more = await part.look(self.now()) or more
            except (ServiceError, ModelsError, FeaturesError) as error:
                log.warning("the watch cannot go on at present, and tries again: %s", error)
            except Exception:
                log.exception("the watch broke off; it goes on from what is stored")
            else:
                continue
            if part is self.testing:
                self.testing.trials = None
        return more


def suppressing(bundle: ModelBundle) -> list[Certificate]:
    """Return the certificates on which a suppression by this bundle may rest."""
    return [one for one in bundle.policy.certificates if one.aim is Aim.SUPPRESSION and one.granted]
