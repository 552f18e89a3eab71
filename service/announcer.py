"""The announcer: when what is published of thresholds changes, one message says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, select

from models.bundle import ModelBundle
from models.certificates.certificate import EVERY
from models.errors import PolicyError
from models.live_policy import LivePolicy
from models.policy_store import PolicyStore
from service.host import Host
from service.looking import Looking
from service.outbox.message import Message, Severity
from service.outbox.records import enqueue
from service.store.tables import marks
from service.thresholds import Published, next_expiry, published

KIND, SUBJECT = "thresholds.changed", "thresholds"


class Announcer(Looking):
    """Looks every so often, for each tenant that has a key. What was last seen is among the marks, so a change is told once, over
    restarts, too."""

    def __init__(self, host: Host) -> None:
        super().__init__(host.settings.poll_seconds)
        self._host, self._store = host, PolicyStore(host.settings.policy)
        self._looked: tuple[object, ...] = ()
        self._until = 0.0

    async def look(self) -> bool:
        """Tell all that changed since it was last told."""
        tenants = sorted({key.tenant for key in self._host.keys.list() if key.revoked is None})
        bundle, now = self._host.scorer.engine.bundle, time.time()
        seen = (bundle.digest if bundle else "", self._newest(), tuple(tenants))
        if seen == self._looked and now < self._until:
            return False
        policy, refused = await asyncio.to_thread(self._store.last_good)
        changed = await asyncio.to_thread(self._changed, bundle, policy, tenants, now)
        if changed:
            await self._host.write(lambda connection: _tell(connection, changed, now))
        self._looked, self._until = (() if refused else seen), next_expiry(policy, now)
        return False

    def _newest(self) -> int | None:
        try:
            return self._store.newest()
        except PolicyError:  # then nothing is automatic, which is told, too
            return None

    def _changed(
        self, bundle: ModelBundle | None, policy: LivePolicy | None, tenants: Iterable[str], now: float
    ) -> list[Published]:
        documents = [published(bundle, policy, tenant, now) for tenant in tenants]
        with self._host.database.engine.connect() as connection:
            return [one for one in documents if _known(connection, one) != _number(one)]


def _known(connection: Connection, document: Published) -> int | None:
    """Return the number of what was last seen of a tenant's thresholds."""
    return connection.execute(select(marks.c.seq).where(marks.c.name == _mark(document))).scalar()


def _tell(connection: Connection, changed: Iterable[Published], now: float) -> None:
    """Write down each and tell of it, in one transaction; what is seen for the first time is no change."""
    for document in changed:
        if _known(connection, document) is not None:
            enqueue(connection, _message(document, now))
        connection.execute(marks.delete().where(marks.c.name == _mark(document)))
        connection.execute(marks.insert(), {"name": _mark(document), "seq": _number(document)})


def _mark(document: Published) -> str:
    return f"thresholds {document.body['tenant']}"


def _number(document: Published) -> int:
    return int(document.substance[:15], 16)


def _message(document: Published, now: float) -> Message:
    body = document.body
    force = [one for one in body["thresholds"] if one["in_force"]]
    whole = [one for one in force if one["group"] == EVERY]
    said = ", ".join(one["tier"] or one["aim"] for one in whole) or "nothing"
    summary = f"Thresholds changed: mode {body['mode']}; in force over all alerts: {said}"
    data: dict[str, Any] = {
        "version": document.version,
        **{name: body[name] for name in ("bundle", "policy", "mode", "stopped")},
        "in_force": {"all": whole, "groups": len(force) - len(whole)},
        "read": "/v1/thresholds",
    }
    severity = Severity.WARNING if body["stopped"] else Severity.INFO
    time = datetime.fromtimestamp(now, UTC)
    return Message.make(KIND, body["tenant"], time=time, subject=SUBJECT, summary=summary, severity=severity, data=data)
