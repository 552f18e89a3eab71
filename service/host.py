"""The composition root: database, encoder, engine, scorer and what keeps them current, put together and taken apart."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from features.context import Context
from features.counters import CounterState
from features.encode import FactBlock, FactEncoder
from features.errors import FeaturesError
from features.timeline import history_facts
from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.engine import ScoringEngine, warm_up
from models.errors import ModelsError
from models.incidents.priority import known_criticality
from service import snapshots, verifying
from service.behaviour.observer import Observer, Serving
from service.closure.setup import make_closer
from service.errors import ServiceError, StartError
from service.event_intake import EventIntake
from service.incidents.keeper import Keeper
from service.jobs import CallJob
from service.keys import KeyStore
from service.ledgers import Ledgers
from service.metrics import BUNDLE_REFUSALS, BUNDLE_SWAPS, KEYS
from service.outbox.delivery import Delivery
from service.outbox.receivers import ReceiverStore
from service.outbox.sender import Sender
from service.scorer import Scorer
from service.secret import secret_of
from service.settings import ServiceSettings
from service.store.anchors import Anchors
from service.store.database import Database
from service.watch.watcher import Watcher

log = logging.getLogger(__name__)

T = TypeVar("T")


class Host:
    """Everything that runs. Made once per process; ``start`` before the first request, ``stop`` after the last."""

    def __init__(self, settings: ServiceSettings, history: Path | None = None) -> None:
        self.settings = settings
        self.keys = KeyStore(settings.keys)
        self.keys.refresh()
        self.receivers = ReceiverStore(settings.receivers)
        self.receivers.read()
        self.bundles = BundleStore(settings.bundles)
        self.ledgers = Ledgers(self.bundles)
        self.refused: dict[str, str] = {}
        """Bundles that were refused, and why."""
        self._again: dict[str, float] = {}
        """When those whose check went wrong are looked at again (monotonic seconds)."""
        secret = secret_of(settings)
        self.database = Database(settings.database, secret)
        try:
            self._context_stamp = self._stamp(settings.context)
            context = Context.load(settings.context)
            self.encoder = FactEncoder(secret, context, context.aliases)
            self.encoder.register(*self.database.names())
            if history is not None:
                self._take_history(history)
        except (FeaturesError, StartError):
            self.database.close()
            raise
        self.anchors = Anchors(settings.anchors, self.database.engine)
        self.scorer: Scorer
        self.champion: str | None = None
        """The bundle that should serve."""
        self._explainers: dict[str, ModelBundle] = {}
        self._snapshot_seq = 0

    async def start(self) -> None:
        """Anchor the log, load the champion, bring the counters up to date, start the scorer and the outbox."""
        await asyncio.to_thread(self.anchors.drop)
        try:
            self.champion = self.bundles.current()
        except ModelsError:
            log.exception("no champion can be read: every alert is queued until it can")
        bundle = await self._verified(self.champion)
        engine = await asyncio.to_thread(self._engine, bundle, self.database.writer, self.database.last_seq())
        await asyncio.to_thread(warm_up, bundle)
        self.scorer = Scorer(self.database, engine, self._rebuild, self.settings)
        self._snapshot_seq = self.scorer.seq
        self.scorer.start()
        self._poll = asyncio.create_task(self._keep_current())
        self.events = EventIntake(self.write, self.settings.max_waiting_events)
        sender, poll = Sender(self.settings.webhook_seconds), self.settings.poll_seconds
        self.outbox = Delivery(self.database.engine, self.write, self.receivers, sender, poll_seconds=poll)
        self.incidents = keeper = Keeper(
            self.database.engine, self.write, lambda: self.encoder.aliases, model=bundle.incidents if bundle else None,
            criticality=known_criticality(lambda: self.encoder.context),
        )  # fmt: skip
        self.closer = make_closer(
            self.settings, self.database, self.write, keeper, encoder=self.encoder, explainer=self.explainer,
            live=lambda: (self.scorer.live.current(), self.scorer.engine.bundle),
        )  # fmt: skip
        self.watcher = Watcher(
            self.settings, self.database, self.write, explainer=self.explainer, encoder=self.encoder, loaded=lambda: self._context_stamp
        )  # fmt: skip
        self.observer = Observer(
            self.settings, self.database, self.write, secret=self.encoder.secret, context=lambda: self.encoder.context,
            serving=lambda: Serving(self.scorer.live.current(), self.scorer.engine.bundle),
            tell=lambda anomalies: setattr(self.encoder, "anomalies", anomalies), stored_until=self.events.stored_until,
        )  # fmt: skip
        for part in (self.outbox, keeper, self.closer, self.watcher, self.observer):
            part.start()

    async def stop(self) -> None:
        """Answer what waits, write a snapshot, close."""
        self._poll.cancel()
        for part in (self.observer, self.watcher, self.closer, self.incidents, self.outbox):
            await part.stop()
        await asyncio.to_thread(self.scorer.stop)
        self.anchors.drop()
        if self.scorer.seq > self._snapshot_seq and not self.scorer.failed:
            self._save(self.scorer.engine.state, self.scorer.seq, self.scorer.engine.counter_digest)
        self.database.close()

    async def write(self, call: Callable[[Connection], T]) -> T:
        """Make a call on the writing connection, between two batches; return what it returned when all it wrote is committed.

        Raises ``OverloadedError`` when storage fails; then nothing of it was written.
        """
        made: list[T] = []
        await self._between_batches(lambda: made.append(call(self.database.writer)), writes=True)
        return made[0]

    def explainer(self, digest: str) -> ModelBundle | None:
        """Return the bundle of that digest for its reasons, if it is still in the store."""
        serving = self.scorer.engine.bundle
        if serving is not None and serving.digest == digest:
            return serving
        if digest not in self._explainers and digest:
            try:
                self._explainers[digest] = ModelBundle.load(self.bundles.path(digest))
            except ModelsError:
                return None
        return self._explainers.get(digest)

    # -- counters ----------------------------------------------------------------------------------------------------

    def _engine(self, bundle: ModelBundle | None, connection: Connection, until: int) -> ScoringEngine:
        """Return an engine whose state holds every fact up to number ``until``: newest fitting snapshot, then the tail."""
        engine = ScoringEngine(bundle, self.encoder, max_keys=self.settings.max_keys)
        start = snapshots.restore(self.settings.state, engine, until, self.settings.max_keys)
        if start == 0:
            for packed in self.database.past_facts(connection):
                engine.fold(FactBlock.unpack([packed]))
        for rows in self.database.facts(connection, start, until):
            engine.fold(FactBlock.unpack(rows))
        return engine

    def _rebuild(self) -> ScoringEngine:
        return self._engine(self.scorer.engine.bundle, self.database.writer, self.database.last_seq())

    def _save(self, state: CounterState, seq: int, counter_digest: str) -> None:
        snapshots.save(self.settings.state, state, seq, counter_digest)
        self._snapshot_seq = seq

    def _take_history(self, path: Path) -> None:
        """Store the facts of a history before the first alert, once."""
        source = hashlib.sha256((path / "manifest.json").read_bytes()).hexdigest() if (path / "manifest.json").exists() else ""
        if source in self.database.past_sources():
            return
        if self.database.last_seq():
            raise StartError(f"{path}: a history can be folded in only before the first alert")
        for block in history_facts(path, self.encoder):
            self.database.insert_past(source, b"".join(block.pack()))
        self.database.insert_names(list(self.encoder.rules.values()), list(self.encoder.tenants.values()))
        self.database.writer.commit()

    # -- keeping current ---------------------------------------------------------------------------------------------

    async def _keep_current(self) -> None:
        while True:
            await asyncio.sleep(self.settings.poll_seconds)
            for step in (self._look_at_keys, self._look_at_context, self._look_at_bundles, self._look_at_snapshot, self._anchor):
                try:
                    await step()
                except (FeaturesError, ModelsError, ServiceError, SQLAlchemyError, OSError):
                    log.exception("keeping current failed; what serves goes on serving")

    async def _look_at_keys(self) -> None:
        self.keys.refresh()
        await self._between_batches(self.scorer.live.look)  # for those who ask; the scorer itself looks before each batch
        KEYS.set(self.scorer.engine.state.keys)

    async def _anchor(self) -> None:
        await asyncio.to_thread(self.anchors.drop_if_due)

    async def _look_at_context(self) -> None:
        if (stamp := self._stamp(self.settings.context)) == self._context_stamp:
            return
        context = await asyncio.to_thread(Context.load, self.settings.context)

        def change() -> None:
            self.encoder.context, self.encoder.aliases = context, context.aliases

        await self._between_batches(change)
        self._context_stamp = stamp  # now that what the same batch decided without it is stored, for who looks back at that

    async def _look_at_bundles(self) -> None:
        digest = self.champion = self.bundles.current()
        serving = self.scorer.engine.bundle
        if digest is None or (serving is not None and serving.digest == digest):
            return
        if digest in self.refused and time.monotonic() < self._again.get(digest, math.inf):
            return
        if (bundle := await self._verified(digest)) is None:
            return
        engine = ScoringEngine(bundle, self.encoder, self.scorer.engine.state)
        if engine.counter_digest == self.scorer.engine.counter_digest:
            await self._between_batches(lambda: self._swap(engine, None))
            return
        rebuilt, seq = await asyncio.to_thread(self._engine_aside, bundle)
        await self._between_batches(lambda: self._swap(rebuilt, seq))

    def _engine_aside(self, bundle: ModelBundle) -> tuple[ScoringEngine, int]:
        """Return an engine with every fact committed so far, and the number of the last: the scorer's may not be yet."""
        with self.database.engine.connect() as connection:
            seq = self.database.last_seq(connection)
            return self._engine(bundle, connection, seq), seq

    def _swap(self, engine: ScoringEngine, seq: int | None) -> None:
        """Between two batches: catch up with what came since ``seq``, then serve with the new engine."""
        if seq is None:
            engine.state = self.scorer.engine.state
        else:
            for rows in self.database.facts(self.database.writer, seq, self.scorer.seq):
                engine.fold(FactBlock.unpack(rows))
        self.scorer.engine = engine
        BUNDLE_SWAPS.inc()
        log.info("serving with bundle %s", engine.bundle.digest if engine.bundle else "none")

    async def _look_at_snapshot(self) -> None:
        if self.scorer.seq - self._snapshot_seq < self.settings.snapshot_facts:
            return
        taken: list[tuple[CounterState, int, str]] = []

        def copy() -> None:
            engine = self.scorer.engine
            taken.append((engine.state.copy(), self.scorer.seq, engine.counter_digest))

        await self._between_batches(copy)
        await asyncio.to_thread(self._save, *taken[0])

    async def _between_batches(self, call: Callable[[], None], *, writes: bool = False) -> None:
        future: Future[None] = Future()
        self.scorer.submit(CallJob(call, future, writes))
        await asyncio.wrap_future(future)

    async def _verified(self, digest: str | None) -> ModelBundle | None:
        """Check a bundle in a child process, then load it; a refused one is remembered and ``None`` returned."""
        if digest is None:
            return None
        path, started = self.bundles.path(digest), time.monotonic()
        fault, bundle = await verifying.fault(path), None
        if fault is None:
            try:
                bundle = await asyncio.to_thread(ModelBundle.load, path)
            except ModelsError as error:  # it changed since the child looked at it
                fault = verifying.Fault(str(error))
        if bundle is not None and bundle.digest != digest:
            fault = verifying.Fault("does not have the digest that it was published under")
        self.refused.pop(digest, None)
        self._again.pop(digest, None)
        if fault is not None:
            bundle, self.refused[digest] = None, fault.reason
            if fault.passing:
                self._again[digest] = time.monotonic() + verifying.AGAIN_SECONDS
            BUNDLE_REFUSALS.inc()
            log.error("bundle %s refused: %s", digest, fault.reason)
        else:
            log.info("bundle %s verified in %.1f s", digest, time.monotonic() - started)
        return bundle

    @staticmethod
    def _stamp(folder: Path) -> tuple[str, ...]:
        return tuple(sorted(path.name for path in folder.glob("*.json")))
