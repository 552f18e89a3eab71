"""What is proven of each control in each tenant, from the risks of its entities on the days that have ended."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

from sqlalchemy import Connection

from models.controls import BOUNDED, Bound, Control, Evidence, prove
from service.behaviour.records import ATTACK, NOBODY

DAYS = 28
_TENANTS = "SELECT DISTINCT tenant FROM entities"
_DAYS = (
    "SELECT d.kind, d.uid, d.day, d.level, e.judged FROM risk_days d JOIN entities e "
    "ON e.tenant = d.tenant AND e.kind = d.kind AND e.uid = d.uid "
    "WHERE d.tenant = ? AND d.day >= ? AND d.day < ? ORDER BY d.kind, d.uid, d.day"
)


class _Seen(NamedTuple):
    """Of one entity: the lot of the day that was drawn and its level, the highest level of all days, and what people said."""

    lot: bytes
    level: int
    highest: int
    judged: str


def bounds(connection: Connection, today: int, alpha: Mapping[Control, float]) -> dict[str, dict[Control, Bound]]:
    """Return the bounds of each tenant over the ``DAYS`` before ``today``.

    An entity counts once, by a day drawn by lot: its days are not independent. Whom nobody called attacked counts as benign, which
    can only make the share of benign days larger than it is.
    """
    tenants = [name for (name,) in connection.exec_driver_sql(_TENANTS).all()]
    return {tenant: _of(connection, tenant, today, alpha) for tenant in tenants}


def _of(connection: Connection, tenant: str, today: int, alpha: Mapping[Control, float]) -> dict[Control, Bound]:
    seen: dict[tuple[str, str], _Seen] = {}
    for kind, uid, day, level, judged in connection.exec_driver_sql(_DAYS, (tenant, today - DAYS, today)):
        lot = _lot(tenant, kind, uid, day)
        before = seen.get((kind, uid))
        drawn = before is None or lot < before.lot
        highest = level if before is None else max(level, before.highest)
        seen[kind, uid] = _Seen(lot, level, highest, judged) if drawn or before is None else before._replace(highest=highest)
    return {control: prove(control, _evidence(seen, control.place), alpha[control]) for control in BOUNDED}


def _evidence(seen: Mapping[tuple[str, str], _Seen], place: int) -> Evidence:
    benign = [one for one in seen.values() if one.judged != ATTACK]
    judged = [one for one in seen.values() if one.highest >= place and one.judged != NOBODY]
    return Evidence(
        entities=len(benign),
        reached=sum(one.level >= place for one in benign),
        judged=len(judged),
        attacks=sum(one.judged == ATTACK for one in judged),
    )


def _lot(tenant: str, kind: str, uid: str, day: int) -> bytes:
    text = f"{tenant}\x1f{kind}\x1f{uid}\x1f{day}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
