"""What comes back: alerts suppressed under a certificate that was withdrawn since, or that a newly imported indicator matches.

Both go through the records part by part, between two batches of the scorer, and go on where they were after a restart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Engine

from features.alert import Observable
from features.aliases import Moment
from features.context import Indicator, new_indicators
from models.decision import ReasonCode
from models.live_policy import EVERYWHERE, Withdrawal, holds
from models.policy_store import PolicyStore
from service.closure.returning import MOST_AT_ONCE, bring_back
from service.metrics import RETURNED
from service.outbox.delivery import Write
from service.store.database import Database
from service.store.timing import last_received, mark_of, set_mark

T = TypeVar("T")

LOOKED_THROUGH = MOST_AT_ONCE
"""Alerts that are matched with indicators at once."""
_UNDER = (
    "SELECT d.id, d.alert_seq, t.tenant FROM decisions d INDEXED BY ix_decisions_suppressed CROSS JOIN alerts t ON t.seq = d.alert_seq "
    "WHERE d.certificate = ? AND d.published_action = 'suppress' AND d.id > ? ORDER BY d.id LIMIT ?"
)
_PAYLOADS = "SELECT seq, tenant, payload FROM alerts WHERE seq > ? ORDER BY seq LIMIT ?"
_BACK, _VERSION = "back ", "indicators"

Table = dict[tuple[str, str, str], list[Indicator]]


class _Seen(msgspec.Struct):
    """Of an alert, what indicators can match."""

    time: Moment
    observables: tuple[Observable, ...] = ()


_DECODER = msgspec.json.Decoder(_Seen)


class Withdrawn:
    """Brings back what rested on withdrawn certificates, whoever withdrew them."""

    def __init__(self, database: Database, write: Write, policies: PolicyStore) -> None:
        self._engine, self._log, self._write, self._policies = database.engine, database.log, write, policies

    async def look(self, now: float) -> bool:
        """Once: bring back at most a part for each withdrawal; say if there may be more."""
        policy = (await asyncio.to_thread(self._policies.last_good))[0]
        more = False
        for one in policy.withdrawals if policy else ():
            if holds(one, one.tenant, now):
                more = await self._part(one, now) or more
        return more

    async def _part(self, one: Withdrawal, now: float) -> bool:
        name = f"{_BACK}{one.certificate} {one.tenant}"

        def found(connection: Connection) -> list[Any]:
            given = (one.certificate, mark_of(connection, name) or 0, MOST_AT_ONCE)
            return list(connection.exec_driver_sql(_UNDER, given))

        rows = await asyncio.to_thread(_read, self._engine, found)
        if not rows:
            return False
        seqs = [row.alert_seq for row in rows if one.tenant in {EVERYWHERE, row.tenant}]

        def back(connection: Connection) -> int:
            set_mark(connection, name, rows[-1].id)
            return bring_back(connection, self._log, seqs, ReasonCode.CERTIFICATE_WITHDRAWN, now)

        RETURNED.inc(await self._write(back))
        return len(rows) == MOST_AT_ONCE


class Matched:
    """Brings back what indicators match that were imported since, as far as ``look_back_seconds`` back.

    What they say holds from the ``valid_from`` that the file gives, of all the past where it gives none, until ``valid_to``.
    ``loaded`` names the context versions by which alerts are scored now, so that none falls between the two.
    """

    def __init__(
        self, database: Database, write: Write, folder: Path, loaded: Callable[[], tuple[str, ...]], look_back_seconds: float
    ) -> None:
        self._engine, self._log, self._write, self._folder = database.engine, database.log, write, folder
        self._loaded, self._look_back = loaded, look_back_seconds
        self._known: tuple[str, ...] = ()
        self._table: Table = {}
        self._version = self._seq = 0

    async def look(self, now: float) -> bool:
        """Once: match at most a part; say if there may be more."""
        if not self._table and not await asyncio.to_thread(self._begin, now):
            return False
        read = partial(self._match, table=self._table, after=self._seq)
        last, seqs = await asyncio.to_thread(_read, self._engine, read)

        def back(connection: Connection) -> int:
            made = bring_back(connection, self._log, seqs, ReasonCode.INDICATOR_MATCHED, now)
            if last is None:
                set_mark(connection, _VERSION, self._version)
            return made

        if seqs or last is None:
            RETURNED.inc(await self._write(back))
        if last is None:
            self._table = {}
            return False
        self._seq = last
        return True

    def _begin(self, now: float) -> bool:
        """Read what is new; say if anything is."""
        names = self._loaded()
        if names == self._known:
            return False
        with self._engine.connect() as connection:
            done = mark_of(connection, _VERSION) or 0
            self._version, found = new_indicators(self._folder, done, names)
            self._seq = last_received(connection, now - self._look_back)
        self._known = names
        for one in found:
            self._table.setdefault((one.tenant, one.kind, one.value.casefold()), []).append(one)
        return bool(found)

    @staticmethod
    def _match(connection: Connection, table: Table, after: int) -> tuple[int | None, list[int]]:
        """Return the number of the last alert looked at, ``None`` at the end, and those that match."""
        rows = connection.exec_driver_sql(_PAYLOADS, (after, LOOKED_THROUGH)).all()
        seqs = [row.seq for row in rows if _matches(table, row.tenant, _DECODER.decode(row.payload))]
        return rows[-1].seq if len(rows) == LOOKED_THROUGH else None, seqs


def _matches(table: Table, tenant: str, alert: _Seen) -> bool:
    return any(
        (one.valid_from is None or one.valid_from <= alert.time) and (one.valid_to is None or alert.time < one.valid_to)
        for seen in alert.observables
        for one in table.get((tenant, seen.kind, seen.value.casefold()), ())
    )


def _read(engine: Engine, ask: Callable[[Connection], T]) -> T:
    with engine.connect() as connection:
        return ask(connection)
