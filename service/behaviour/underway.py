"""Days that are being closed, part by part: a long history that was imported keeps nobody else's events from being judged.

An event of a tenant whose days are being closed must be met by all of them, as when it is folded again: it waits. Others' are taken up
meanwhile, since no day says anything of another tenant's events, and what people say of others' days is written at once and learned at
the end. So what is known then is what it would be if all had been closed at once, and then what came after been taken up. Until then it is
of no place in the records: cut off, all of it is done again. What else the tenant sends of its past would be closed next: nothing that
came after it is taken up before the end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from service.behaviour.clock import Closing
from service.behaviour.watching import Closed, Peak, Watching
from service.behaviour.words import Part, Place, Word
from service.store.events import ReadEvent

AT_ONCE = 250
"""Entities that are written in one transaction: as long as it takes, nothing else is scored."""
_MOST_WAITING, _TAKEN = 20_000, 1_000
"""Events that wait: with so many nothing further is read, and so many are taken up at once afterwards."""


class Underway:
    """A closing that has begun. ``seq``: the last event that was taken up, or waits."""

    def __init__(self, watching: Watching, closing: Closing) -> None:
        self._watching, self._closing = watching, closing
        self._days, self._judged = deque(watching.by_day(closing)), list[Closed]()
        self._waiting, self._words = deque[ReadEvent](), list[Word]()
        self.seq, self.any_of_all = watching.seq, False
        """Whether days of all tenants are closed, and any was judged."""

    @property
    def place(self) -> Place:
        """The last event and the last word that were taken up, or wait."""
        return Place(self.seq, self._words[-1].seq if self._words else self._watching.word)

    @property
    def ended(self) -> bool:
        """Whether all is closed and returned, and nothing waits."""
        return not (self._days or self._judged or self._waiting)

    def step(self) -> list[Closed]:
        """Return a part of what was judged, closing the next day where that of the last was returned; nothing at the end."""
        while self._days and not self._judged:
            self._judged = self._watching.close(self._days.popleft())
            self.any_of_all |= self._closing.tenant is None and bool(self._judged)
        part, self._judged = self._judged[:AT_ONCE], self._judged[AT_ONCE:]
        return part

    def take(self, some: Sequence[ReadEvent]) -> list[Peak]:
        """Take up what waits no more, else of the events that come next those which may be; return what is now the strangest of its day."""
        if self._waiting and not self._days:
            return self._watching.take([self._waiting.popleft() for _ in range(min(len(self._waiting), _TAKEN))])
        fit = []
        for one in self._watching.ready(some):
            if self._days and self._closing.tenant in (None, one.event.tenant):
                if self._closing.tenant is None or self._watching.is_past(one) or len(self._waiting) >= _MOST_WAITING:
                    break
                self._waiting.append(one)
            else:
                fit.append(one)
            self.seq = one.seq
        return self._watching.take(fit)

    def next_word(self, part: Part) -> Word | None:
        """Return what was said of another tenant's day next, if all that came before it was taken up, or waits; it is learned at the end."""
        word, tenant = part.word, self._closing.tenant
        if word is None or tenant in (None, word.whom.tenant) or (part.events and part.events[-1].seq > self.seq):
            return None
        if self._watching.due(word.time) is not None:
            return None
        self._words.append(word)
        return word

    def finish(self) -> None:
        """Learn what was said meanwhile: all is closed, and nothing waits."""
        for word in self._words:
            self._watching.hear(word)
        self._watching.seq = self.seq
