"""When days are closed: by the clock of receipt, so the same events folded again after a restart close them at the same places.

A UTC day is closed ``late_seconds`` after its end. What comes in of days past that, such as a history that is imported, waits for the
rest of it: once a tenant has sent none for :data:`PAUSE_SECONDS`, it is judged at once, in the order of days, whatever order it came in.
A clock of the events' own times would not do: what is imported account by account, or beside live events, would always be late.
A device whose clock is wrong by days keeps its tenant's imports waiting, until the next day ends for all at most: to wait less long would
cut a long import in two, of which the second part of a day would be late.
"""

from __future__ import annotations

from typing import NamedTuple

from features.alert import from_epoch
from models.behaviour.day import FIRST
from models.behaviour.engine import believable
from service.behaviour.folding import DAY_SECONDS
from service.store.events import ReadEvent

PAUSE_SECONDS = 10.0
"""An import that says nothing for so long has come to its end."""


class Closing(NamedTuple):
    """Days before ``before`` (since 1970) are to be closed, of one tenant or of all."""

    before: int
    tenant: str | None = None


class Clock:
    """Is told of every event; ``closed`` is the first day that is still open, 0 as long as there was no event."""

    def __init__(self, late_seconds: float) -> None:
        self.closed, self._late = 0, late_seconds
        self._received = 0.0
        self._past: dict[str, float] = {}
        """Tenants with events of days that were past, and when the last of each was received, the earliest first."""

    def copy(self) -> Clock:
        """Return a clock that goes on from here by itself."""
        other = Clock(self._late)
        other.closed, other._received, other._past = self.closed, self._received, dict(self._past)
        return other

    def due(self, received: float) -> Closing | None:
        """Return what is to be closed before anything is taken up that was received then."""
        if not self.closed:
            return None
        now = max(self._received, received)
        tenant, past = next(iter(self._past.items()), ("", now))
        if now - past >= PAUSE_SECONDS:
            return Closing(self.closed, tenant)
        return Closing(first) if (first := self._first_open(now)) > self.closed else None

    def take(self, one: ReadEvent) -> None:
        """Take up an event before which nothing is due. One that nobody believes, as nobody judges it, is of no day."""
        self._received = max(self._received, one.received)
        self.closed = self.closed or self._first_open(self._received)
        if self.is_past(one):
            self._past.pop(one.event.tenant, None)
            self._past[one.event.tenant] = self._received

    def is_past(self, one: ReadEvent) -> bool:
        """Whether an event is of a day that is closed."""
        at = one.event.time
        return believable(at, from_epoch(one.received)) and (at - FIRST).days < self.closed

    def close(self, closing: Closing) -> None:
        """Take up that days were closed."""
        self.closed = max(self.closed, closing.before)
        self._past = {tenant: past for tenant, past in self._past.items() if closing.tenant not in (None, tenant)}

    def _first_open(self, received: float) -> int:
        return int((received - self._late) // DAY_SECONDS)
