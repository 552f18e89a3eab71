"""The loop of what looks again and again."""

from __future__ import annotations

import asyncio

import pytest

from service.incidents.keeper import Keeper
from service.looking import Looking


class Often(Looking):
    """Looks, with something to do the first few times, and something wrong once."""

    def __init__(self, poll_seconds: float) -> None:
        super().__init__(poll_seconds)
        self.looks = 0

    async def look(self) -> bool:
        self.looks += 1
        if self.looks == 2:
            raise RuntimeError("a bad moment")
        return self.looks < 2


def test_it_goes_on_whatever_fails_until_it_is_stopped() -> None:
    async def run() -> tuple[int, int]:
        often = Often(0.01)
        await often.stop()
        often.start()
        while often.looks < 3:
            await asyncio.sleep(0.01)
        await often.stop()
        seen = often.looks
        await asyncio.sleep(0.05)
        return seen, often.looks

    before, after = asyncio.run(run())
    assert before == after >= 3


def test_where_there_is_more_it_does_not_wait() -> None:
    async def run() -> int:
        often = Often(3600.0)
        often.start()
        while often.looks < 2:
            await asyncio.sleep(0.01)
        await often.stop()
        return often.looks

    assert asyncio.run(run()) == 2


@pytest.mark.parametrize(("at_most", "waits"), [(Looking.again_at_most, [30.0, 30.0]), (Keeper.again_at_most, [32.0, 64.0])])
def test_what_fails_is_tried_ever_less_often_but_often_enough(
    monkeypatch: pytest.MonkeyPatch, at_most: float, waits: list[float]
) -> None:
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if len(waited) == 7:
            raise asyncio.CancelledError

    class Failing(Looking):
        again_at_most = at_most

        async def look(self) -> bool:
            raise RuntimeError("a bad hour")

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(Failing(1.0)._run())
    assert waited == [1.0, 2.0, 4.0, 8.0, 16.0, *waits]
