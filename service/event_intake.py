"""Events in: from many requests to few transactions of the one writer, a bounded number at a time, so that alerts get in between."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections import deque
from collections.abc import Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from features.event import Event
from service.errors import OverloadedError, ServiceError
from service.metrics import EVENTS, EVENTS_WAITING
from service.outbox.delivery import Write
from service.store.events import EventRow, Taken, event_row, insert_events

log = logging.getLogger(__name__)

AT_ONCE = 200
"""Most events of one transaction: as long as it takes, no alert is scored."""


class _Part(NamedTuple):
    rows: list[EventRow]
    answer: asyncio.Future[list[Taken]]


class EventIntake:
    """Stores events through ``write``, in their order; more than ``most`` that wait are refused. One transaction runs at a time."""

    def __init__(self, write: Write, most: int) -> None:
        self._write, self._most = write, most
        self._parts: deque[_Part] = deque()
        self._waiting = 0
        self._under_way: dict[object, float] = {}
        """When what is not stored yet was received, the earliest first."""
        self._worker: asyncio.Task[None] | None = None

    async def take(self, events: Sequence[Event]) -> list[Taken]:
        """Store events; say of each what became of it when all are durable.

        Raises ``OverloadedError`` when too many wait, with nothing taken, and when storage fails, ``ServiceError`` when anything
        else does: then some may be stored, and sending the same again is harmless.
        """
        if self._waiting and self._waiting + len(events) > self._most:
            raise OverloadedError(f"{self._waiting} events are waiting")
        request, received = object(), time.time()
        self._under_way[request] = received
        self._add(len(events))
        try:
            rows = await asyncio.to_thread(lambda: [event_row(event, received) for event in events])
            parts = [self._hand_over(rows[start : start + AT_ONCE]) for start in range(0, len(rows), AT_ONCE)]
            answers = await asyncio.gather(*parts, return_exceptions=True)
        finally:
            self._add(-len(events))
            del self._under_way[request]
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        taken = list(chain.from_iterable(answer for answer in answers if not isinstance(answer, BaseException)))
        for what in Taken:
            EVENTS.labels(what.value).inc(taken.count(what))
        return taken

    def stored_until(self) -> float:
        """Return the time by which all that was received is stored; infinity if nothing waits."""
        return next(iter(self._under_way.values()), math.inf)

    def _add(self, events: int) -> None:
        self._waiting += events
        EVENTS_WAITING.set(self._waiting)

    def _hand_over(self, rows: list[EventRow]) -> asyncio.Future[list[Taken]]:
        part = _Part(rows, asyncio.get_running_loop().create_future())
        self._parts.append(part)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return part.answer

    async def _work(self) -> None:
        """Work off what waits: what fits goes into one transaction together."""
        while self._parts:
            some = [self._parts.popleft()]
            count = len(some[0].rows)
            while self._parts and count + len(self._parts[0].rows) <= AT_ONCE:
                some.append(self._parts.popleft())
                count += len(some[-1].rows)
            try:
                taken = await self._write(partial(insert_events, rows=[row for part in some for row in part.rows]))
            except Exception as error:  # noqa: BLE001 — whatever happened, every waiting request must be answered
                answer = _not_all(error)
                for part in some:
                    if not part.answer.done():
                        part.answer.set_exception(answer)
                continue
            for part in some:
                own, taken = taken[: len(part.rows)], taken[len(part.rows) :]
                if not part.answer.done():
                    part.answer.set_result(own)


def _not_all(error: Exception) -> ServiceError:
    """Return the answer to those whose events were not written: try again, or, where that may be of no use, an internal error."""
    after = "those that were are duplicates when sent again"
    if isinstance(error, ServiceError):
        return OverloadedError(f"not all events could be written ({error.detail}); {after}")
    log.error("events could not be stored", exc_info=error)
    return ServiceError(f"not all events could be written; {after}")
