"""The observer: reads events, alerts and verdicts once they are durable, and keeps the risk and the control of each entity.

It reads beside the scorer and works in a thread of its own; what it says is written in the scorer's thread, between two batches.
How far it has come is written with what it says, so a crash loses nothing and tells nothing twice: behaviour is folded again from
the stored events that came after its last snapshot, risks are read as they were written.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection

from features.anomalies import EntityAnomalies
from features.context import Context
from models.bundle import ModelBundle
from models.controls import Bound, Control, Whom, withheld
from models.live_policy import LivePolicy
from service.behaviour import records
from service.behaviour.bounds import bounds
from service.behaviour.feed import ANOMALIES, CLOSED, HEARD, WORDS, heard
from service.behaviour.folding import Folding, Surroundings
from service.behaviour.memory import Memory
from service.behaviour.names import Veil
from service.behaviour.underway import AT_ONCE, Underway
from service.behaviour.watching import Closed, Peak, Watching
from service.behaviour.words import Word, upcoming
from service.looking import Looking
from service.metrics import BEHAVIOUR_BEHIND
from service.outbox.delivery import Write
from service.policy_edits import proven_by
from service.settings import ServiceSettings
from service.store.database import Database
from service.store.events import forget_events, last_event
from service.store.timing import last_received, mark_of, set_mark

log = logging.getLogger(__name__)

T = TypeVar("T")

_ALERTS, _EVENTS = 500, 1_000
_AGAIN_SECONDS = 900.0
"""After so long a risk has decayed enough to be looked at again."""
_HOUR_SECONDS, _GRACE_SECONDS = 3600.0, 5.0
_FIRST_SECONDS = 56 * 86_400.0
"""How far back alerts are taken up when there never was an observer."""


class Serving(NamedTuple):
    """What holds at the moment: the live policy, ``None`` where none can be read, and the bundle that serves."""

    policy: LivePolicy | None
    bundle: ModelBundle | None


class Observer(Looking):
    """Keeps the entities of all tenants. ``start`` and ``stop`` it once.

    ``tell`` is given what alerts may know of entities, whenever that was made anew: it goes on being kept current; ``stored_until``
    says by when all events that were received are stored.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        database: Database,
        write: Write,
        *,
        secret: bytes,
        context: Callable[[], Context],
        serving: Callable[[], Serving],
        tell: Callable[[EntityAnomalies], None] = lambda table: None,
        stored_until: Callable[[], float] = lambda: math.inf,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings.poll_seconds)
        self._settings, self._database, self._write, self.now = settings, database, write, now
        self._context, self._serving, self._tell, self._stored_until = context, serving, tell, stored_until
        self._secret = secret
        self.bounds: dict[str, dict[Control, Bound]] = {}
        self._bounded = self._hourly = 0.0
        self._held, self._changed = "", 0.0
        """By which policy, bundle and bounds controls are let out, and since when."""
        self.memory = Memory(settings, secret, context, self._resolve)
        """Behaviour. Hold the turn to have it forgotten, when what is stored went or is not certain."""
        self.turn = asyncio.Lock()

    def veil(self, tenant: str) -> Veil:
        """Return what makes the pseudonyms of a tenant."""
        return Veil(self._secret, tenant)

    async def look(self) -> bool:
        """Once: a part of everything; say if there is more."""
        more = False
        for part in (self._prove, self._hear, self._observe, self._again):
            async with self.turn:
                more = await part() or more
        async with self.turn:
            return more or await self._keep()  # nothing is deleted that was not observed before

    async def stop(self) -> None:
        """Leave the rest for the next start, and a snapshot."""
        await super().stop()
        await asyncio.to_thread(self.memory.save)

    # -- alerts and verdicts -----------------------------------------------------------------------------------------

    async def _hear(self) -> bool:
        found = await self._ask(self._heard)
        if found is None:
            return False
        folding, until, more = found
        await self._put(folding, {HEARD: until})
        return more

    def _heard(self, connection: Connection) -> tuple[Folding, int, bool] | None:
        after, newest = mark_of(connection, HEARD), self._database.last_seq(connection)
        if after is None:
            after = last_received(connection, self.now() - _FIRST_SECONDS)
        if newest <= after:
            return None
        until = min(newest, after + _ALERTS)
        folding = self._fold(connection)
        for one in heard(connection, after, until):
            folding.take(one)
        folding.settle()
        return folding, until, until < newest

    # -- events ------------------------------------------------------------------------------------------------------

    async def _observe(self) -> bool:
        memory, bundle = self.memory, self._serving().bundle
        memory.renew(bundle.behaviour if bundle is not None else None)
        if memory.watching is None:
            await self._ask(partial(memory.restore, now=self.now()))
            if memory.watching is not None:
                self._tell(memory.watching.anomalies)
            return True
        try:
            watching, closing = memory.watching, memory.closing
            more = await (self._watch(watching) if closing is None else self._close(watching, closing))
        except BaseException:  # memory has run ahead of the records
            memory.forget()
            raise
        seq = watching.seq if memory.closing is None else memory.closing.seq
        BEHAVIOUR_BEHIND.set(max(await self._ask(last_event) - seq, 0))  # what was observed may have been forgotten
        return more

    async def _watch(self, watching: Watching) -> bool:
        until = min(self.now() - _GRACE_SECONDS, self._stored_until())  # before it is read: what was received by then is there
        part = await self._ask(partial(upcoming, place=watching.place, most=_EVENTS))
        ready, closing = watching.ready(part.events), watching.due(part.time(until))
        if ready:
            peaks = await asyncio.to_thread(watching.take, ready)
            folding = await self._ask(partial(self._said, peaks=peaks))
            await self._put(folding, {ANOMALIES: watching.seq, CLOSED: watching.closed})
        elif closing:
            self.memory.closing = await asyncio.to_thread(Underway, watching, closing)
        elif part.word is not None:
            await self._word(watching, part.word)
        if self.memory.due:
            await asyncio.to_thread(self.memory.save)
        return bool(part.events or part.word or closing)

    async def _word(self, watching: Watching, word: Word) -> None:
        await asyncio.to_thread(watching.hear, word)
        folding = await self._ask(partial(self._said, words=[word]))
        await self._put(folding, {WORDS: word.seq})

    def _said(self, connection: Connection, words: Iterable[Word] = (), peaks: Iterable[Peak] = ()) -> Folding:
        folding = self._fold(connection)
        for word in words:
            folding.word(word)
        for one in peaks:
            folding.peak(*one)
        folding.settle()
        return folding

    async def _close(self, watching: Watching, closing: Underway) -> bool:
        """Close some of the days and write what was judged. Cut off before the end, all is judged and written again, the same."""
        written = 0
        while written < AT_ONCE and (closed := await asyncio.to_thread(closing.step)):
            await self._put(await self._ask(partial(self._days, closed=closed)), {})
            written += len(closed)
        part = await self._ask(partial(upcoming, place=closing.place, most=_EVENTS))
        if peaks := await asyncio.to_thread(closing.take, part.events):
            await self._put(await self._ask(partial(self._said, peaks=peaks)), {})
        if (word := closing.next_word(part)) is not None:
            await self._put(await self._ask(partial(self._said, words=[word])), {})
        if closing.ended:
            await asyncio.to_thread(closing.finish)
            self.memory.closing = None
            if closing.any_of_all:  # what one tenant imports is proved within the hour
                self._bounded = 0.0
            await self._put(None, {ANOMALIES: watching.seq, CLOSED: watching.closed, WORDS: watching.word})
        return True

    def _days(self, connection: Connection, closed: Sequence[Closed]) -> Folding:
        folding = self._fold(connection)
        for one in closed:
            folding.day(*one)
        folding.settle()
        return folding

    # -- what passes with time ---------------------------------------------------------------------------------------

    async def _again(self) -> bool:
        """Look again at entities whose risk has decayed, and at once at all controls when what holds them back has changed."""
        policy, bundle = self._serving()
        held, now = f"{policy.digest if policy else ''} {bundle.digest if bundle else ''} {self._bounded}", self.now()
        if held != self._held:
            self._held, self._changed = held, now

        def stale(connection: Connection) -> Folding | None:
            some = records.stale(connection, self._changed, AT_ONCE, bounded=True)
            some = some or records.stale(connection, now - _AGAIN_SECONDS, AT_ONCE)
            folding = self._fold(connection)
            folding.again(some)
            folding.settle()
            return folding if some else None

        folding = await self._ask(stale)
        if folding is not None:
            await self._put(folding, {})
        return folding is not None

    async def _prove(self) -> bool:
        """Prove the bounds of controls anew, every hour and when days have ended for all."""
        now = self.now()
        if now - self._bounded >= _HOUR_SECONDS:
            alpha = {Control.STEP_UP: self._settings.step_up_share, Control.RESTRICT: self._settings.restrict_share}
            self.bounds = await self._ask(lambda connection: bounds(connection, records.day_of(now), alpha))
            self._bounded = now
        return False

    async def _keep(self) -> bool:
        """Delete what is too old."""
        now, kept = self.now(), self._settings
        if now < self._hourly:
            return False
        gone = await self._write(
            lambda connection: max(
                forget_events(connection, now - kept.keep_events_seconds, _EVENTS),
                records.forget(connection, now - kept.keep_anomalies_seconds, now - kept.keep_risk_seconds, _EVENTS),
            )
        )
        self._hourly = now + (0.0 if gone else _HOUR_SECONDS)
        return gone > 0

    # -- shared ------------------------------------------------------------------------------------------------------

    def _fold(self, connection: Connection) -> Folding:
        policy, bundle = self._serving()
        proven, now = proven_by(bundle), self.now()

        def why(whom: Whom, level: Control) -> str:
            bound = self.bounds.get(whom.tenant, {}).get(level)
            return withheld(policy, whom, bound, now, lambda group: proven(whom.tenant, group))

        return Folding(connection, Surroundings(self._resolve, self.veil, why, self._settings.issuer), now)

    def _resolve(self, tenant: str, kind: str, uid: str, time: datetime) -> str:
        return self._context().aliases.resolve(tenant, kind, uid, time)

    async def _put(self, folding: Folding | None, marks: dict[str, int]) -> None:
        def put(connection: Connection) -> None:
            if folding is not None:
                folding.write(connection)
            for name, seq in marks.items():
                set_mark(connection, name, seq)

        await self._write(put)

    async def _ask(self, ask: Callable[[Connection], T]) -> T:
        def asked() -> T:
            with self._database.engine.connect() as connection:
                return ask(connection)

        return await asyncio.to_thread(asked)
