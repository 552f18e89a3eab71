"""Events' signals gathered into days, of accounts and of hosts: one event at a time or a block at once, with the same result."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features import tally
from features.accounts import Account
from features.alert import EntityKind
from features.event_encode import FIELDS, EventBlock
from models.behaviour.day_vector import DayKey, DayVectors
from models.behaviour.habits import Habits
from models.behaviour.signals import SIGNALS, Floats, at_once, foreign, fresh_targets, novelties, order
from models.behaviour.walk import Walked

_DAY = 86400.0
_N = len(FIELDS)
_DAYS, _EPOCH = 2**23, 2**22
"""All days of the calendar are fewer; and where 1970 is among them."""
_KINDS = {kind.value: kind for kind in EntityKind}
_Name = tuple[str, EntityKind, str]
_SUMS = ("events", "failed", "novelties", "foreign")
_MEANS = ("order", "foreign")
_HELD = ("_highest", "_further", "_own", "_means", "_sums", "_clock", "_tokens")
FEW = 3.0
"""So many usual events are added to each day's before means and shares are taken: one event alone is no mean."""
FOREIGN = 2.0
"""So many nats rarer among peers than in the tenant, a target is foreign."""
MOST_NAMES = 10_000
"""So many names are kept beside those whose days are open, so that they need not be numbered again and again."""
NOTHING = -1
"""The token where no event of a day surprised."""


class Seen(NamedTuple):
    """A block of events with what was read of them. ``tokens`` name the events, for :attr:`Gathered.tokens`."""

    block: EventBlock
    walked: Walked
    tokens: NDArray[np.int64]


class _Told(NamedTuple):
    """What each event adds: further numbers of which maxima are kept, devices at once the last; others that are summed; day and hour."""

    ordinal: NDArray[np.int64]
    hour: NDArray[np.uint32]
    further: Floats
    sums: NDArray[np.int64]
    means: Floats

    @classmethod
    def of(cls, seen: Seen) -> _Told:
        time = seen.block.time
        ordinal = (time // _DAY).astype(np.int64)
        hour = ((time - ordinal * _DAY) // 3600.0).astype(np.uint32)
        outcome, (where, what, signals, scores) = seen.block.outcome, seen.walked
        strange = foreign(signals)
        sums = np.column_stack([np.ones(len(time), np.int64), outcome < 0, novelties(where, what), strange > FOREIGN])
        further = np.column_stack([scores, fresh_targets(what), at_once(where)])
        return cls(ordinal, hour, further, sums, np.column_stack([order(what), strange]))


class Gathered(NamedTuple):
    """Days that have ended. ``tokens`` i8[n, 8] name the event that surprised most, by field; ``shared``: the account is shared."""

    vectors: DayVectors
    tokens: NDArray[np.int64]
    shared: NDArray[np.bool_]


class DayGatherer:
    """The days still open: a row of maxima, sums and hours for each account and host. ``hosts``: whether hosts have days too."""

    def __init__(self, *, hosts: bool = True) -> None:
        self.hosts = hosts
        self.habits = Habits()
        self._named: dict[_Name, int] = {}
        self._listed, self._numbers = list[Account](), np.zeros(0, np.int64)
        self._rows: dict[int, int] = {}
        self._groups: list[str] = []
        self._highest = np.zeros((0, len(SIGNALS)))
        self._further = np.zeros((0, 3))
        self._means = np.zeros((0, len(_MEANS)))
        self._own = np.zeros((0, _N))
        self._sums = np.zeros((0, len(_SUMS)), np.int64)
        self._clock = np.zeros(0, np.uint32)
        self._tokens = np.zeros((0, _N), np.int64)

    def add(self, seen: Seen, fit: NDArray[np.bool_]) -> None:
        """Add the events of a block to their accounts' days and their hosts', where they are ``fit``: b[n], or b[n, 3] for each of these."""
        whose = seen.block.who[:, np.newaxis]
        if self.hosts:
            device, target = seen.block.hosts.T
            whose = np.column_stack([whose, device, np.where(target == device, -1, target)])
        told = np.flatnonzero((whose >= 0) & fit.reshape(len(fit), -1)[:, : whose.shape[1]])
        if len(told):
            self._add(seen, _Told.of(seen), told // whose.shape[1], whose.ravel()[told])

    def _add(self, seen: Seen, told: _Told, rows: NDArray[np.intp], whose: NDArray[np.int64]) -> None:
        to, signals = self._places(told.ordinal[rows], whose, seen.block.accounts), seen.walked.signals
        tally.highest(rows, to, signals, seen.tokens, (self._highest, self._tokens))
        tally.highest(rows, to, told.further, seen.tokens, (self._further, self._tokens[:, :0]))
        tally.add(rows, to, signals, self._own)
        tally.add(rows, to, told.means, self._means)
        tally.add(rows, to, told.sums, self._sums)
        np.bitwise_or.at(self._clock, to, np.uint32(1) << told.hour[rows])

    def _places(self, ordinal: NDArray[np.int64], whose: NDArray[np.int64], accounts: list[Account]) -> NDArray[np.intp]:
        """Return the row of each account's day, made where there is none."""
        encoded, of = tally.distinct(ordinal * len(accounts) + whose)
        (days, distinct), out = np.divmod(encoded, len(accounts)), []
        codes = self._number(distinct, accounts) * _DAYS + (days + _EPOCH)
        for code, at in zip(codes.tolist(), distinct.tolist(), strict=True):
            row = self._rows.get(code)
            if row is None:
                row = self._rows[code] = len(self._groups)
                self._groups.append(accounts[at].group)
            out.append(row)
        self._grow(len(self._rows))
        found: NDArray[np.intp] = np.array(out, np.intp)[of]
        return found

    def _number(self, whose: NDArray[np.int64], accounts: list[Account]) -> NDArray[np.int64]:
        """Return the number of each account's name; those of a whole file's blocks are in one list, and looked up once."""
        if accounts is not self._listed:
            self._listed, self._numbers = accounts, np.full(len(accounts), -1)
        for at in whose[self._numbers[whose] < 0].tolist():
            name = (accounts[at].tenant, _KINDS.get(accounts[at].kind, EntityKind.OTHER), accounts[at].uid)
            self._numbers[at] = self._named.setdefault(name, len(self._named))
        return self._numbers[whose]

    def _grow(self, rows: int) -> None:
        have = len(self._highest)
        if rows <= have:
            return
        more = max(rows - have, have, 64)
        for name in _HELD:
            old = getattr(self, name)
            fresh = np.full((more, *old.shape[1:]), NOTHING if name == "_tokens" else 0, old.dtype)
            setattr(self, name, np.concatenate([old, fresh]))

    @property
    def tokens(self) -> NDArray[np.int64]:
        """The tokens that days still open hold."""
        return self._tokens[: len(self._rows)]

    def open_days(self, tenant: str | None = None) -> list[int]:
        """Return the ordinals of days that are open, of one tenant or of all, in order of time."""
        names = list(self._named)
        days = ((names[code // _DAYS][0], code % _DAYS - _EPOCH) for code in self._rows)
        return sorted({ordinal for whose, ordinal in days if tenant in (None, whose)})

    def take(self, before: int, tenant: str | None = None) -> Gathered:
        """Return the days with a smaller ordinal, of one tenant or of all, in order of time, and forget them.

        The accounts' habits learn them.
        """
        codes, names = np.fromiter(self._rows, np.int64, len(self._rows)), list(self._named)
        number, ordinal = codes // _DAYS, codes % _DAYS - _EPOCH
        fit = ordinal < before
        if tenant is not None:
            fit &= np.array([name[0] == tenant for name in names], bool)[number]
        ended = np.flatnonzero(fit)
        days = [DayKey(day, *names[at]) for day, at in zip(ordinal[ended].tolist(), number[ended].tolist(), strict=True)]
        in_order = sorted(range(len(days)), key=days.__getitem__)
        keys, rows = [days[at] for at in in_order], ended[in_order]
        groups = [self._groups[row] for row in rows.tolist()]
        volume, shared = self.habits.step(keys, groups, np.log1p(self._sums[rows, 0]), self._further[rows, -1])
        gathered = Gathered(self._vectors(keys, groups, rows, volume), self._tokens[rows], shared)
        self._keep(np.flatnonzero(~fit), codes)
        return gathered

    def _keep(self, rows: NDArray[np.intp], codes: NDArray[np.int64]) -> None:
        self._groups = [self._groups[row] for row in rows.tolist()]
        codes = codes[rows]
        if len(self._named) > MOST_NAMES + 2 * len(rows):
            codes = self._renumbered(codes)
        self._rows = {code: at for at, code in enumerate(codes.tolist())}
        for name in _HELD:
            setattr(self, name, getattr(self, name)[rows])

    def _renumbered(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Forget the names of whom no day is open; return the codes of the days that are, by the new numbers."""
        names, (numbers, number) = list(self._named), np.unique(codes // _DAYS, return_inverse=True)
        self._named = {names[old]: new for new, old in enumerate(numbers.tolist())}
        self._listed, self._numbers = list[Account](), np.zeros(0, np.int64)
        return np.asarray(number * _DAYS + codes % _DAYS, np.int64)

    def _vectors(self, keys: list[DayKey], groups: list[str], rows: NDArray[np.intp], volume: Floats) -> DayVectors:
        events, failed, new, strange = self._sums[rows].T
        highest, further, number = self._highest[rows], self._further[rows], (events + FEW)[:, np.newaxis]
        means = self._means[rows] / number
        hours = np.bitwise_count(self._clock[rows]).astype(np.float64)
        values = np.column_stack([
            highest[:, :_N], self._own[rows] / number, highest[:, _N:],
            volume, np.log1p(failed), failed / number[:, 0], np.log1p(new), hours, further[:, 0],
            means[:, 0], np.log1p(strange), means[:, 1], further[:, 1:-1],
        ])  # fmt: skip
        return DayVectors(keys, groups, events.copy(), values)
