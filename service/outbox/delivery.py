"""The delivery: what is in the outbox goes out, each receiver in a lane of its own, until it has arrived or is given up.

At least once: a message that arrived just before a power cut is sent again with the same ``webhook-id``; one whose arrival was
written down never is.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from random import SystemRandom
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine

from service.errors import ServiceError, StartError
from service.metrics import OUTBOX_DELIVERIES, OUTBOX_PENDING
from service.outbox import records
from service.outbox.message import Message
from service.outbox.receivers import Receiver, ReceiverStore
from service.outbox.records import Due, State
from service.outbox.schedule import judge
from service.outbox.sender import Outcome, Sender
from service.outbox.signing import sign
from service.outbox.templates import body, media_type

log = logging.getLogger(__name__)

T = TypeVar("T")
_LUCK = SystemRandom().random


class Write(Protocol):
    """Makes a call on the writing connection, in the thread that owns it, and returns when what it wrote is committed."""

    async def __call__(self, call: Callable[[Connection], T], /) -> T:
        """Return what ``call`` returned. Raises ``OverloadedError`` when storage fails; then nothing was written."""


STOP_SECONDS = 5.0
"""How long a stop waits for attempts under way, whose outcome would else be unknown."""
_AGENT = "Tamis"


class Delivery:
    """Looks into the outbox every ``poll_seconds`` and starts a lane for each receiver. ``start`` and ``stop`` it once."""

    def __init__(
        self,
        engine: Engine,
        write: Write,
        receivers: ReceiverStore,
        sender: Sender,
        *,
        poll_seconds: float = 1.0,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        luck: Callable[[], float] = _LUCK,
    ) -> None:
        self._engine, self._write, self._receivers, self._sender = engine, write, receivers, sender
        self._poll_seconds, self._now, self._sleep, self._luck = poll_seconds, now, sleep, luck
        self._known: dict[str, Receiver] = {}
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._left_alone: dict[tuple[str, int], float] = {}
        """Until when a receiver asked to be left alone, by uid and epoch."""
        self._stopping = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start looking."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Begin no more attempts, give those under way a moment, close."""
        self._stopping = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._lanes:
            _, late = await asyncio.wait(self._lanes.values(), timeout=STOP_SECONDS)
            for lane in late:
                lane.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._sender.close()

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except Exception:  # the outbox goes on, whatever it is that fails now
                log.exception("the outbox could not be looked into; it will be again")
            await self._sleep(self._poll_seconds)

    async def look(self) -> None:
        """Once: read who the receivers are, write down who gets what is new, start the lanes that stand."""
        try:
            self._known = {receiver.uid: receiver for receiver in self._receivers.read()}
        except StartError:
            log.exception("the receivers cannot be read; those known so far are told on")
        await self._bring_up()
        await self._route()
        OUTBOX_PENDING.set(await self._read(records.backlog))
        self._lanes = {uid: lane for uid, lane in self._lanes.items() if not lane.done()}
        for uid in self._known:
            if uid not in self._lanes and self._open(uid) is not None:
                self._lanes[uid] = asyncio.create_task(self._lane(uid))

    async def lanes_done(self) -> None:
        """Wait until the lanes that run have sent what was due."""
        await asyncio.gather(*self._lanes.values())

    # -- who gets what -----------------------------------------------------------------------------------------------

    async def _bring_up(self) -> None:
        for receiver in self._known.values():
            if await self._read(partial(records.is_stale, receiver=receiver)):
                count = await self._write(partial(records.bring_up, receiver=receiver, now=self._now()))
                fate = "start anew" if receiver.removed is None else "are given up, since it was removed"
                log.warning("receiver %s: %d messages %s", receiver.name, count, fate)

    async def _route(self) -> None:
        receivers = list(self._known.values())
        for seq, message in await self._read(records.unrouted):
            routed = partial(records.route, seq=seq, message=message, receivers=receivers, now=self._now())
            states = await self._write(routed)
            for state, why in ((State.UNWANTED, "no receiver wants it"), (State.DISABLED, "its receiver is disabled")):
                if state in states:
                    log.error("message %s (%s) is not sent: %s", message.uid, message.kind, why)
                    OUTBOX_DELIVERIES.labels(state.value).inc(states.count(state))

    # -- lanes -------------------------------------------------------------------------------------------------------

    def _open(self, uid: str) -> Receiver | None:
        """Return the receiver as it is known now, unless nothing may be sent to it."""
        receiver = self._known.get(uid)
        if self._stopping or receiver is None or receiver.removed is not None:
            return None
        until = self._left_alone.get((uid, receiver.epoch), 0.0)
        return receiver if until <= self._now() else None

    async def _lane(self, uid: str) -> None:
        """Send one receiver what is due, one message after the other."""
        try:
            while (receiver := self._open(uid)) is not None:
                due = await self._read(partial(records.next_due, receiver=uid, now=self._now()))
                if due is None:
                    return
                await self._attempt(receiver, due)
        except Exception:
            log.exception("receiver %s: its lane broke off; it starts again", uid)

    async def _attempt(self, receiver: Receiver, due: Due) -> None:
        outcome = await self._send(receiver, due.message)
        state, wait = judge(due.attempts, outcome, self._luck())
        now = self._now()
        if outcome.retry_after:
            self._left_alone[receiver.uid, receiver.epoch] = now + outcome.retry_after
        await self._record(partial(records.settle, due=due, state=state, next_attempt=now + wait, error=outcome.error))
        if state is State.DISABLED:
            await self._record(partial(records.disable, receiver=receiver, error="the receiver wants nothing more (410)"))
        OUTBOX_DELIVERIES.labels(state.value).inc()
        _tell(receiver, due, state, outcome, wait)

    async def _send(self, receiver: Receiver, message: Message) -> Outcome:
        now = self._now()
        try:
            keys = receiver.signing_keys(datetime.fromtimestamp(now, UTC))
            content = body(message, receiver, keys)
            headers = sign(keys, message.uid, int(now), content)
        except Exception as error:  # a failed attempt of this message, and nobody else's affair
            log.exception("message %s has no form for receiver %s", message.uid, receiver.name)
            return Outcome(0, f"no body: {type(error).__name__}")
        return await self._sender.post(
            receiver.target,
            {"content-type": media_type(receiver), "accept": "application/json", "user-agent": _AGENT, **headers},
            content,
        )

    # -- the database ------------------------------------------------------------------------------------------------

    async def _read(self, ask: Callable[[Connection], T]) -> T:
        def asked() -> T:
            with self._engine.connect() as connection:
                return ask(connection)

        return await asyncio.to_thread(asked)

    async def _record(self, call: Callable[[Connection], object]) -> None:
        """Write down, however long that takes: what came of an attempt is known only here."""

        while True:
            try:
                await self._write(call)
            except ServiceError:
                log.exception("what came of an attempt could not be written down; until it is, its receiver gets nothing more")
                await self._sleep(self._poll_seconds)
            else:
                return


def _tell(receiver: Receiver, due: Due, state: State, outcome: Outcome, wait: float) -> None:
    told = (due.message.uid, due.message.kind, receiver.name)
    if state is State.SENT:
        log.info("message %s (%s) has reached %s", *told)
    elif state is State.PENDING:
        log.warning("message %s (%s) has not reached %s: %s; again in %.0f s", *told, outcome.error, wait)
    elif state is State.FAILED:
        log.error("message %s (%s) was given up for %s after %d attempts: %s", *told, due.attempts + 1, outcome.error)
    else:
        log.error("message %s (%s): %s wants nothing more (410) and is disabled until `tamis outbox retry`", *told)
