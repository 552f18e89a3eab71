"""What was just flagged is not learned as normal: it waits.

A held day is learned if a person says that it was legitimate (false or benign positive), or after :data:`QUARANTINE_DAYS` without a
true positive and with at least :data:`NORMAL_DAYS` usual days since; it is dropped when the verdict is a true positive, and when
:data:`LONGEST_DAYS` have passed without either. While an account has days that wait, its merely unusual days wait too: who was
seen once and goes on more quietly must not become normal by that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

from features.alert import EntityKind
from features.label import Verdict

QUARANTINE_DAYS = 30
NORMAL_DAYS = 5
LONGEST_DAYS = 180
MOST_HELD = 60
"""Days that one account may have waiting; one more, and its oldest is dropped."""
UNUSUAL = 0.05
"""Of an account under suspicion a day waits if its p-value is at most this."""

T = TypeVar("T")


class Account(NamedTuple):
    """Whose days they are."""

    tenant: str
    kind: EntityKind
    entity: str


class _Waiting(Generic[T]):
    """The days of one account that wait, the latest suspicion, and how many usual days there were since."""

    def __init__(self) -> None:
        self.days: list[tuple[int, T]] = []
        self.latest, self.usual = 0, 0

    def suspect(self, ordinal: int) -> None:
        self.latest, self.usual = max(self.latest, ordinal), 0


class Held(Generic[T]):
    """The days that wait, of all accounts; ``T`` is what will be learned of a day. ``dropped`` counts those never to be learned."""

    def __init__(self) -> None:
        self.dropped = 0
        self._waiting: dict[Account, _Waiting[T]] = {}

    def __len__(self) -> int:
        return sum(len(waiting.days) for waiting in self._waiting.values())

    def suspected(self, account: Account) -> bool:
        """Return whether something about the account is not settled."""
        return account in self._waiting

    def waits(self, account: Account, ordinal: int, *, flagged: bool, p_value: float, day: Callable[[], T]) -> bool:
        """Return whether the account's day is not to be learned now; then what ``day`` returns is held, and comes back later."""
        if not flagged and not self.suspected(account):
            return False
        waiting = self._waiting.setdefault(account, _Waiting())
        if not flagged and p_value > UNUSUAL:
            waiting.usual += 1
            return False
        waiting.suspect(ordinal)
        waiting.days.append((ordinal, day()))
        if len(waiting.days) > MOST_HELD:
            del waiting.days[0]
            self.dropped += 1
        return True

    def verdict(self, account: Account, first: int, last: int, verdict: Verdict) -> list[T]:
        """Take up what a person said of the account's days ``first`` to ``last``; return the days that are to be learned now.

        A true positive drops what waits from ``first`` on, and the account stays under suspicion; a verdict that is no label
        changes nothing.
        """
        waiting = self._waiting.get(account)
        if verdict is Verdict.TRUE_POSITIVE:
            waiting = self._waiting.setdefault(account, _Waiting())
            waiting.suspect(last)
            self._drop(waiting, [one for one in waiting.days if one[0] >= first])
        elif waiting is not None and verdict in {Verdict.FALSE_POSITIVE, Verdict.BENIGN_POSITIVE}:
            told = [one for one in waiting.days if first <= one[0] <= last]
            waiting.days = [one for one in waiting.days if one not in told]
            if not waiting.days:
                del self._waiting[account]
            return [day for _, day in told]
        return []

    def due(self, today: int) -> list[T]:
        """Return the days whose quarantine has passed by ``today``, to be learned now; forget what waited too long."""
        out: list[T] = []
        for account, waiting in list(self._waiting.items()):
            if today - waiting.latest > QUARANTINE_DAYS and (waiting.usual >= NORMAL_DAYS or not waiting.days):
                out += [day for _, day in waiting.days]
                del self._waiting[account]
                continue
            self._drop(waiting, [one for one in waiting.days if today - one[0] > LONGEST_DAYS])
            if not waiting.days and today - waiting.latest > QUARANTINE_DAYS:
                del self._waiting[account]
        return out

    def _drop(self, waiting: _Waiting[T], gone: list[tuple[int, T]]) -> None:
        self.dropped += len(gone)
        waiting.days = [one for one in waiting.days if one not in gone]
