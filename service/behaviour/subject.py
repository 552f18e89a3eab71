"""One person's records: all that is stored about an entity, to be shown to whom it concerns; and the end of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection

from features.alert import EntityKind, from_epoch
from features.aliases import AliasTable, normalise_uid
from models.controls import Whom
from service.behaviour import records
from service.behaviour.folding import canonical
from service.behaviour.names import Veil
from service.behaviour.ocsf import day_start
from service.behaviour.words import words_of
from service.store import database as db
from service.store.erasing import naming
from service.store.events import erase_events, events_of
from service.store.tables import labels

_PAGE = 5000


def whom_named(aliases: AliasTable, tenant: str, kind: EntityKind, name: str) -> Whom:
    """Return whom a name means now."""
    return Whom(tenant, kind, canonical(aliases.resolve, tenant, kind.value, name, from_epoch(time.time())))


def stored_about(connection: Connection, whom: Whom, name: str, veil: Veil) -> dict[str, Any]:
    """Return everything that the records hold about an entity, also where it is only named, as one document."""
    entity = records.find(connection, whom)
    pseudonym = veil.pseudonym(whom.kind, whom.uid)
    names = sorted({name, whom.uid, *((entity.name,) if entity is not None else ())}, key=normalise_uid)
    return {
        "tenant": whom.tenant,
        "kind": whom.kind.value,
        "uid": whom.uid,
        "pseudonym": pseudonym,
        "as_of": from_epoch(time.time()),
        "entity": None if entity is None else msgspec.to_builtins(entity),
        "risk": [
            {"day": day_start(day).date(), "risk": risk, "level": level}
            for day, risk, level in records.risk_days_of(connection, whom)
        ],
        "controls": [{**one._asdict(), "time": from_epoch(one.time)} for one in records.changes_of(connection, whom, _PAGE)],
        "anomalies": [msgspec.to_builtins(one) for one in records.anomalies_of(connection, whom, _PAGE)],
        "day_verdicts": [word.told_whole() for word in words_of(connection, whom)],
        "events": _events(connection, whom.tenant, names),
        "alerts": _alerts(connection, whom.tenant, names),
        "unmaskings": [
            {**one._asdict(), "time": from_epoch(one.time)} for one in records.unmasked(connection, whom.tenant, pseudonym, _PAGE)
        ],
    }


def erase_behaviour(connection: Connection, tenant: str, names: Sequence[str], aliases: AliasTable) -> dict[str, int]:
    """Delete the events, anomalies, verdicts on days, risks and controls of whatever is called so, in the caller's transaction; say how many."""
    uids = {normalise_uid(name) or name for name in names}
    uids |= {whom_named(aliases, tenant, kind, name).uid for kind in EntityKind for name in names}
    events = sum(erase_events(connection, tenant, uid) for uid in uids)
    return {"events": events, "records": sum(records.erase(connection, tenant, uid) for uid in uids)}


def _events(connection: Connection, tenant: str, names: list[str]) -> list[Any]:
    found: dict[int, Any] = {}
    for name in names:
        after = 0
        while some := events_of(connection, tenant, name, after, _PAGE):
            after = some[-1].seq
            found.update((one.seq, {"received": from_epoch(one.received), **msgspec.to_builtins(one.event)}) for one in some)
    return [found[seq] for seq in sorted(found)]


def _alerts(connection: Connection, tenant: str, names: list[str]) -> list[Any]:
    found = []
    for uid in dict.fromkeys(uid for name in names for uid in naming(connection, tenant, name)):
        stored = db.find(connection, tenant, uid)
        if stored is not None:
            said = connection.execute(labels.select().where(labels.c.alert_seq == stored.seq).order_by(labels.c.seq))
            told = {"alert": msgspec.to_builtins(stored.alert), "decision": msgspec.to_builtins(stored.decision)}
            found.append({**told, "verdicts": [msgspec.json.decode(row.payload) for row in said]})
    return found
