"""The keeper: correlates alerts once their decisions are durable, and makes what analysts do to incidents hold.

It reads beside the scorer and works in a thread of its own; what it says is written in the scorer's thread, between two
batches. One thing is done at a time, so that what an analyst does falls between two rounds of correlation.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, Engine

from features.aliases import AliasTable
from models.incidents.agenda import Chosen, agenda
from models.incidents.links import BIN_SECONDS, LATE_BINS, WINDOW_SECONDS
from models.incidents.model import IncidentModel
from models.incidents.priority import Criticality
from service.errors import ConflictError, InvalidError, NotFoundError, OverloadedError, ServiceError
from service.incidents import feed, hand, records
from service.incidents.batch import Batch
from service.incidents.held import Held
from service.incidents.records import Record, Status
from service.incidents.tracker import Tracker
from service.looking import Looking
from service.metrics import INCIDENTS, INCIDENTS_RAISED
from service.outbox.delivery import Write

T = TypeVar("T")

POLL_SECONDS = 0.2
ROUND_ALERTS = 250
"""Alerts that are taken at once: so long an analyst's hand may have to wait."""
KEPT_SECONDS = WINDOW_SECONDS + LATE_BINS * BIN_SECONDS
"""How long a line is known after it happened."""
FOLDED_SECONDS = KEPT_SECONDS + WINDOW_SECONDS
"""How far back alerts are folded again at a start: so far that each line that is still known meets all that it met before."""
_COUNT_SECONDS = 10.0


class Edit(NamedTuple):
    """What an analyst says of a change: ``by`` whom, why, and of which revision it is meant (of any if ``None``)."""

    by: str
    reason: str = ""
    revision: int | None = None


class Keeper(Looking):
    """Keeps the incidents of all tenants. ``start`` and ``stop`` it once."""

    again_at_most = 300.0
    """Each time it begins anew, with all open incidents."""

    def __init__(
        self,
        engine: Engine,
        write: Write,
        aliases: Callable[[], AliasTable] = AliasTable.empty,
        *,
        model: IncidentModel | None = None,
        criticality: Criticality | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(POLL_SECONDS)
        self._engine, self._write, self._aliases, self._now = engine, write, aliases, now
        self._model, self._criticality = model or IncidentModel(), criticality
        self._tracker: Tracker | None = None
        """``None`` until what was correlated before is folded again."""
        self._seq = 0
        self._spent = self._count_from = 0.0
        self._turn = asyncio.Lock()
        self._worker = ThreadPoolExecutor(1, "incidents")

    async def stop(self) -> None:
        """Leave the rest for the next start."""
        await super().stop()
        await asyncio.to_thread(self._worker.shutdown)

    def spent(self, seconds: float) -> float:
        """Return for how long the last round computed: waiting for the scorer is in nobody's way."""
        return min(self._spent, seconds)

    # -- correlating -------------------------------------------------------------------------------------------------

    async def look(self) -> bool:
        """Once: correlate what is new, at most a round; say if there may be more. What was correlated before is folded again first."""
        try:
            if self._tracker is None:
                await self._restore()
            async with self._turn:
                some, batch = await self._work(self._take)
                if batch is not None:
                    await self._commit(batch)
        except Exception:  # it has run ahead of the records, or may have
            self._tracker = None
            raise
        if self._now() >= self._count_from:
            await self._count()
        return some == ROUND_ALERTS

    def _take(self) -> tuple[int, Batch | None]:
        started = time.monotonic()
        tracker = self._ready()
        some = self._read(lambda connection: feed.heard(connection, self._seq, ROUND_ALERTS))
        batch = tracker.take(some, self._now()) if some else None
        self._spent = time.monotonic() - started
        return len(some), batch

    async def _commit(self, batch: Batch) -> None:
        """Write what the tracker said. It has run ahead of the records if that fails, so that another is made."""
        try:
            await self._write(batch.write)
        except BaseException:
            self._tracker = None
            raise
        self._seq = batch.mark or self._seq
        INCIDENTS_RAISED.inc(batch.raised)

    async def _count(self) -> None:
        self._count_from = self._now() + _COUNT_SECONDS
        found = await self._work(lambda: self._read(records.counts))
        for status in Status:
            INCIDENTS.labels(status.value).set(found.get(status, 0))

    async def _restore(self) -> None:
        appraise = partial(self._model.priority.probability, criticality=self._criticality)
        tracker = Tracker(self._model.links, appraise, self._resolve)
        start, until = await self._work(self._span)
        while start < until:
            start = await self._work(partial(self._fold, tracker, start, until))
            await asyncio.sleep(self._spent)
        async with self._turn:
            await self._work(lambda: self._remember(tracker))
            await self._write(partial(records.rescore, scores=await self._work(tracker.reappraise)))
            self._tracker, self._seq = tracker, until

    def _span(self) -> tuple[int, int]:
        """Return after which alert to start folding, and the last one to fold."""
        with self._engine.connect() as connection:
            start = feed.before_the_last(connection, FOLDED_SECONDS)
            return start, max(feed.mark(connection) or 0, start)

    def _fold(self, tracker: Tracker, after: int, until: int) -> int:
        started = time.monotonic()
        some = self._read(lambda connection: feed.heard(connection, after, ROUND_ALERTS))
        known = [one for one in some if one.seq <= until]
        if known:
            tracker.fold(known)
        self._spent = time.monotonic() - started
        return known[-1].seq if len(known) == ROUND_ALERTS else until

    def _remember(self, tracker: Tracker) -> None:
        since = tracker.book.oldest()
        with self._engine.connect() as connection:
            tracker.restore(
                records.lasting(connection, since), records.placed(connection, since), records.edits(connection, since)
            )

    # -- asked from outside ------------------------------------------------------------------------------------------

    async def change(self, tenant: str, uid: str, revision: int | None, call: Callable[[Connection, Record], T]) -> T:
        """Do something to an incident but for its lines, such as closing it, in one transaction with what ``call`` writes.

        ``revision``: the one it must have, if any. Raises ``NotFoundError``, and ``ConflictError`` if it has another.
        """

        def changed(connection: Connection) -> tuple[T, Record]:
            made = call(connection, current(connection, tenant, uid, revision))
            return made, current(connection, tenant, uid, None)

        async with self._turn:
            made, record = await self._write(changed)
            if self._tracker is not None:
                self._tracker.note(record)
        return made

    async def merge(self, tenant: str, uids: Sequence[str], edit: Edit) -> Record:
        """Merge the first of some incidents with the others; return what they are now."""

        def merged(tracker: Tracker, batch: Batch) -> str:
            held = self._hold(tracker, tenant, uids, edit.revision)
            if len({one.uid for one in held}) < len(held):
                raise InvalidError("an incident cannot be merged with itself")
            return hand.merge(tracker, held[0], held[1:], edit.reason, batch)

        return await self._by_hand(merged, edit.by)

    async def split(self, tenant: str, uid: str, lines: Sequence[str], edit: Edit) -> Record:
        """Take lines out of an incident; return the one that they are now."""

        def apart(tracker: Tracker, batch: Batch) -> str:
            one = self._hold(tracker, tenant, [uid], edit.revision)[0]
            strange = sorted(set(lines) - set(one.lines))
            if strange:
                raise InvalidError("a line is not of this incident", [{"field": "lines", "reason": line} for line in strange])
            if set(lines) >= set(one.lines):
                raise InvalidError("lines: at least one must stay in the incident")
            return hand.split(tracker, one, set(lines), edit.reason, batch)

        return await self._by_hand(apart, edit.by)

    def behind(self) -> int:
        """Return how many alerts are decided but not yet correlated."""
        return self._read(lambda connection: feed.behind(connection, self._seq))

    async def agenda(self, tenant: str, budget: int) -> list[tuple[Chosen, Record]]:
        """Return the incidents to look at next: open ones with lines in the window, of which a suspicious alert has no verdict."""

        def chosen() -> list[tuple[Chosen, Record]]:
            tracker = self._ready()
            waiting = tracker.book.holders(self._read(lambda connection: feed.waiting_lines(connection, tenant)))
            held = [one for uid in waiting if (one := tracker.book.held[uid]).status is Status.OPEN]
            items = [one.item for one in held if one.item is not None]
            return [(one, tracker.book.held[one.uid].record()) for one in agenda(items, budget)]

        async with self._turn:
            return await self._work(chosen)

    async def _by_hand(self, call: Callable[[Tracker, Batch], str], by: str) -> Record:
        async with self._turn:
            tracker, batch = self._ready(), Batch(self._now(), by)
            try:
                uid = await self._work(partial(call, tracker, batch))
            except ServiceError:  # before anything was changed
                raise
            except Exception:
                self._tracker = None
                raise
            await self._commit(batch)
        return batch.records[uid]

    def _hold(self, tracker: Tracker, tenant: str, uids: Sequence[str], revision: int | None) -> list[Held]:
        """Return incidents that may be changed, in memory. Raises ``NotFoundError`` and ``ConflictError``; then nothing is."""
        with self._engine.connect() as connection:
            found = [current(connection, tenant, uid, revision if i == 0 else None) for i, uid in enumerate(uids)]
        for record in found:
            if record.status is Status.CLOSED:
                raise ConflictError(f"incident {record.uid} is closed")
        for record in found:
            if record.uid not in tracker.book.held:
                tracker.hold(Held.of(record))
        return [tracker.book.held[record.uid] for record in found]

    # -- threads -----------------------------------------------------------------------------------------------------

    def _ready(self) -> Tracker:
        if self._tracker is None:
            raise OverloadedError("incidents are being read again after a start")
        return self._tracker

    async def _work(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._worker, call)

    def _resolve(self, tenant: str, kind: str, uid: str, time: datetime) -> str:
        return self._aliases().resolve(tenant, kind, uid, time)

    def _read(self, ask: Callable[[Connection], T]) -> T:
        with self._engine.connect() as connection:
            return ask(connection)


def current(connection: Connection, tenant: str, uid: str, revision: int | None) -> Record:
    """Return an incident of the tenant. Raises ``NotFoundError``, and ``ConflictError`` if it is not of that revision."""
    record = records.find(connection, tenant, uid)
    if record is None:
        raise NotFoundError(f"no incident {uid}")
    if revision is not None and revision != record.revision:
        raise ConflictError(f"incident {record.uid} is at revision {record.revision}")
    return record
