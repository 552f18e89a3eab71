"""An outbox whose clock is turned by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from sqlalchemy import Connection

from service.errors import OverloadedError
from service.outbox import records
from service.outbox.delivery import Delivery
from service.outbox.message import Message
from service.outbox.receivers import ReceiverStore
from service.outbox.records import Listed
from service.outbox.sender import Sender
from service.outbox.targets import Target
from service.store.database import Database
from tests.service.outbox.stub import PATIENCE, TIME

T = TypeVar("T")
START = TIME.timestamp()


@dataclass
class Post:
    """An outbox with its database, receivers' file and clock. What is written may be made to fail ``broken`` times."""

    database: Database
    store: ReceiverStore
    now: float = START
    broken: int = 0
    slept: list[float] = field(default_factory=list)

    async def write(self, call: Callable[[Connection], T], /) -> T:
        if self.broken:
            self.broken -= 1
            raise OverloadedError("the disk is full")
        made = call(self.database.writer)
        self.database.writer.commit()
        return made

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def delivery(self, seconds: float = PATIENCE, **given: Any) -> Delivery:
        sender = Sender(seconds, now=lambda: self.now)
        given = {"now": lambda: self.now, "sleep": self.sleep, "luck": lambda: 0.0, **given}
        return Delivery(self.database.engine, self.write, self.store, sender, **given)

    def put(self, *made: Message) -> None:
        for one in made:
            records.enqueue(self.database.writer, one)
        self.database.writer.commit()

    def add(self, name: str, target: Target, **fields: Any) -> tuple[str, str]:
        made, secret = self.store.add(name, target, TIME, **fields)
        return made.uid, secret

    def all(self) -> list[Listed]:
        with self.database.engine.connect() as connection:
            return records.listed(connection, None, 1000)[::-1]

    def states(self) -> list[str]:
        return [item.state.value for item in self.all()]


async def turn(delivery: Delivery) -> None:
    """Look once, and wait until all that was due has been tried."""
    await delivery.look()
    await delivery.lanes_done()


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)
