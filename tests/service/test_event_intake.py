"""The intake of events: whatever fails, every waiting request is answered, nothing is half stored, and it goes on."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection

from features.event import Event, user
from models.errors import ModelsError
from service.errors import OverloadedError, ServiceError
from service.event_intake import AT_ONCE, EventIntake
from service.store.events import Taken
from service.store.rows import insert_rows
from tests.service.client import Service
from tests.service.test_events import event, post, stored


def some(count: int, start: int = 0) -> list[Event]:
    at = datetime(2024, 1, 1, tzinfo=UTC)
    return [Event(uid=str(start + i), tenant="t", time=at, actor=user("u"), action="x") for i in range(count)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [(OverloadedError("full"), OverloadedError), (KeyError("a bug"), ServiceError), (ModelsError("x"), ServiceError)],
)
def test_all_that_wait_are_answered_and_the_next_are_stored(
    fault: Exception, told: type[ServiceError], caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[object] = []

    async def write(call: Callable[[Connection], Any]) -> Any:
        calls.append(call)
        await asyncio.sleep(0)
        if len(calls) <= 2:
            raise fault
        return [Taken.STORED] * len(call.keywords["rows"])  # type: ignore[attr-defined]

    async def all_at_once() -> None:
        intake = EventIntake(write, 10_000)
        answers = await asyncio.wait_for(
            asyncio.gather(*(intake.take(some(150, i * 1000)) for i in range(3)), return_exceptions=True), 30.0
        )
        assert [type(one) for one in answers] == [told, told, list]
        assert await intake.take(some(3)) == [Taken.STORED] * 3

    asyncio.run(all_at_once())
    assert caplog.text.count("events could not be stored") == (0 if told is OverloadedError else 2)


def test_it_says_by_when_all_that_was_received_is_stored() -> None:
    seen: list[float] = []

    async def all_at_once() -> None:
        async def write(call: Callable[[Connection], Any]) -> Any:
            seen.append(intake.stored_until())
            await asyncio.sleep(0)
            return [Taken.STORED] * len(call.keywords["rows"])  # type: ignore[attr-defined]

        intake, start = EventIntake(write, 10_000), time.time()
        assert intake.stored_until() == math.inf
        await asyncio.gather(*(intake.take(some(AT_ONCE, i * 1000)) for i in range(3)))
        assert start <= seen[0] <= min(seen) <= time.time()
        assert intake.stored_until() == math.inf

    asyncio.run(all_at_once())
    assert len(seen) == 3


@pytest.mark.parametrize("fault", [ModelsError("half way"), RuntimeError("half way")])
def test_what_breaks_off_half_way_is_a_problem_document_and_nothing_is_stored(
    service: Service, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def half(writer: Connection, table: str, rows: list[tuple[Any, ...]]) -> None:
        insert_rows(writer, table, rows[:1])
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr("service.store.events.insert_rows", half)
        body = msgspec.json.encode([event(str(i)) for i in range(3)])
        answers = service.send_all([("POST", "/v1/events", body)] * 2)
    assert [answer.status_code // 100 for answer in answers] == [5, 5]
    assert all(answer.json()["title"] for answer in answers)
    assert stored(service) == []
    assert post(service, event()).status_code == 201
