"""Erasing what is personal of alerts in a running service, through its one writer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection

from service.behaviour.subject import erase_behaviour
from service.errors import GoneError, NotFoundError
from service.host import Host
from service.keys import Key
from service.store.erasing import erase, naming

_AT_ONCE = 100
"""Alerts that are erased in one transaction: as long as it takes, nothing else is scored."""


async def erase_alerts(host: Host, key: Key, uids: Sequence[str]) -> int:
    """Erase alerts of the key's tenant; return how many, those aside that were gone already."""
    erased = 0
    for start in range(0, len(uids), _AT_ONCE):
        erased += await host.write(partial(_some, host=host, key=key, uids=uids[start : start + _AT_ONCE]))
    await asyncio.to_thread(host.database.fold_log)
    return erased


async def erase_entity(host: Host, key: Key, *names: str) -> dict[str, Any]:
    """Erase what is stored about an entity of those ``names``: every alert of the key's tenant that names it, and its events, anomalies and risks.

    Behaviour is then folded again from what is left. Raises ``NotFoundError`` where there is nothing.
    """
    uids = await asyncio.to_thread(_naming, host, key.tenant, names)
    async with host.observer.turn:
        host.observer.memory.forget_snapshots()
        host.observer.memory.forget()  # before the write, which goes on when whoever waits for it is gone
        gone = await host.write(partial(erase_behaviour, tenant=key.tenant, names=names, aliases=host.encoder.aliases))
    if not uids and not any(gone.values()):
        raise NotFoundError("nothing names that entity")
    return {"erased": await erase_alerts(host, key, uids), **gone}


def _naming(host: Host, tenant: str, names: Sequence[str]) -> list[str]:
    with host.database.engine.connect() as connection:
        return list(dict.fromkeys(uid for name in names for uid in naming(connection, tenant, name)))


def _some(connection: Connection, host: Host, key: Key, uids: Sequence[str]) -> int:
    done = 0
    for uid in uids:
        try:
            erase(connection, host.database.log, key.tenant, uid, by=key.name or key.uid, now=time.time())
        except (GoneError, NotFoundError):
            if len(uids) == 1:
                raise
            continue
        done += 1
    return done
