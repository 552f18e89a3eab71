"""What the reading routes share: an alert with its decision, and the reasons behind it."""

from __future__ import annotations

import asyncio

import msgspec
import numpy as np
from sqlalchemy import Connection

from models.decision import Action, Decision
from service.blinding import decision_for
from service.host import Host
from service.keys import Key
from service.store import database as db
from service.store.erasing import refuse_erased
from service.voices import has_looked, is_waiting


def seen_decision(host: Host, key: Key, uid: str) -> Decision | None:
    """Return what the key may see of the current decision on an alert, with its reasons. Raises ``GoneError`` if it was erased."""
    with host.database.engine.connect() as connection:
        stored = db.find(connection, key.tenant, uid)
        if stored is None:
            refuse_erased(connection, host.database.log, key.tenant, uid)
        judged = stored is not None and _is_judged(connection, stored.seq, key)
    return None if stored is None else decision_for(key.role, with_reasons(host, stored), judged=judged)


def _is_judged(connection: Connection, seq: int, key: Key) -> bool:
    """Whether a verdict on an alert is in force, and nobody waits for another of whoever asks."""
    label = db.current_label(connection, seq)
    if label is None or label.target < 0:
        return False
    return not is_waiting(connection, seq) or bool(has_looked(connection, [seq], key.analyst))


def find_alert(host: Host, tenant: str, uid: str) -> db.Stored | None:
    """Return an alert of the tenant with its current decision."""
    with host.database.engine.connect() as connection:
        return db.find(connection, tenant, uid)


def with_reasons(host: Host, stored: db.Stored) -> Decision:
    """Return the decision with its reasons, computed from the feature row and by the very bundle that it records."""
    bundle = host.explainer(stored.decision.bundle)
    if bundle is None:
        return stored.decision
    return msgspec.structs.replace(stored.decision, reasons=bundle.explain(np.frombuffer(stored.features, np.float64)))


async def explained(host: Host, tenant: str, decision: Decision) -> Decision:
    """Return the decision with reasons if a person will see it; what is suppressed is explained only when asked for by uid."""
    if decision.published_action is Action.SUPPRESS:
        return decision
    stored = await asyncio.to_thread(find_alert, host, tenant, decision.alert_uid)
    return decision if stored is None else await asyncio.to_thread(with_reasons, host, stored)
