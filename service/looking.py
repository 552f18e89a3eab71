"""What looks again and again beside the scorer: one loop for all of it."""

from __future__ import annotations

import asyncio
import logging
import time
from abc import ABC, abstractmethod

log = logging.getLogger(__name__)


class Looking(ABC):
    """Looks every ``poll_seconds``, and at once again while there is more. ``start`` and ``stop`` it once."""

    again_at_most = 30.0
    """Seconds: what fails again and again is tried after twice the time, but so often at least."""

    def __init__(self, poll_seconds: float) -> None:
        self._poll_seconds = poll_seconds
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start looking."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Leave the rest for the next start."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @abstractmethod
    async def look(self) -> bool:
        """Once: a part of what there is to do; say if there is more."""

    def spent(self, seconds: float) -> float:
        """Return for how long a look that took ``seconds`` was in the scorer's way: at least half of the time is the scorer's."""
        return seconds

    async def _run(self) -> None:
        wait = self._poll_seconds
        while True:
            started = time.monotonic()
            try:
                more = await self.look()
            except Exception:  # it goes on from what is stored, whatever it is that fails now
                log.exception("%s broke off; it is tried again", type(self).__name__.lower())
                await asyncio.sleep(wait)
                wait = min(2.0 * wait, max(self.again_at_most, wait))
            else:
                wait = self._poll_seconds
                await asyncio.sleep(self.spent(time.monotonic() - started) if more else self._poll_seconds)
