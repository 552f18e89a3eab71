"""Events' signals gathered into days, of accounts and of hosts: one event at a time or a block at once, with the same result."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.accounts import Account
from features.alert import EntityKind
from features.event_encode import FIELDS, EventBlock
from models.behaviour.day_vector import DayKey, DayVectors
from models.behaviour.event_scores import anomaly_scores
from models.behaviour.habits import Habits
from models.behaviour.signals import COUNTED, SIGNALS, Floats, at_once, foreign, fresh_targets, novelties, order
from models.behaviour.walk import Walked

_DAY = 86400.0
_N = len(FIELDS)
_SUMS = ("events", "failed", "novelties", "foreign")
_MEANS = ("order", "foreign")
FEW = 3.0
"""So many usual events are added to each day's before means and shares are taken: one event alone is no mean."""
FOREIGN = 2.0
"""So many nats rarer among peers than in the tenant, a target is foreign."""
NOTHING = -1
"""The token where no event of a day surprised."""


class Seen(NamedTuple):
    """A block of events with what was read of them. ``tokens`` name the events, for :attr:`Gathered.tokens`."""

    block: EventBlock
    walked: Walked
    tokens: NDArray[np.int64]


class _Told(NamedTuple):
    """What each event adds: numbers of which maxima are kept, devices at once the last; others that are summed; day and hour."""

    ordinal: NDArray[np.int64]
    hour: NDArray[np.uint32]
    values: Floats
    sums: NDArray[np.int64]
    means: Floats

    @classmethod
    def of(cls, seen: Seen) -> _Told:
        time = seen.block.time
        ordinal = (time // _DAY).astype(np.int64)
        hour = ((time - ordinal * _DAY) // 3600.0).astype(np.uint32)
        outcome, (where, what, signals) = seen.block.outcome, seen.walked
        strange = foreign(signals)
        sums = np.column_stack([np.ones(len(time), np.int64), outcome < 0, novelties(where, what), strange > FOREIGN])
        values = np.column_stack([signals, anomaly_scores(signals), fresh_targets(what), at_once(where)])
        return cls(ordinal, hour, values, sums, np.column_stack([order(what), strange]))


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
        self._rows: dict[DayKey, int] = {}
        self._groups: list[str] = []
        self._highest = np.zeros((0, len(SIGNALS) + 3))
        self._means = np.zeros((0, len(_MEANS)))
        self._own = np.zeros((0, _N))
        self._sums = np.zeros((0, len(_SUMS)), np.int64)
        self._clock = np.zeros(0, np.uint32)
        self._tokens = np.zeros((0, _N), np.int64)

    def add(self, seen: Seen, fit: NDArray[np.bool_]) -> None:
        """Add the events of a block that are ``fit`` to their accounts' days and their hosts'."""
        rows, whose = np.flatnonzero(fit), seen.block.who[fit]
        if self.hosts:
            device, target = seen.block.hosts.T
            there = fit & (device >= 0)
            reached = fit & (target >= 0) & (target != device)
            rows = np.concatenate([rows, np.flatnonzero(there), np.flatnonzero(reached)])
            whose = np.concatenate([whose, device[there], target[reached]])
            in_order = np.argsort(rows, kind="stable")
            rows, whose = rows[in_order], whose[in_order]
        if len(rows):
            self._add(seen, _Told.of(seen), rows, whose)

    def _add(self, seen: Seen, told: _Told, rows: NDArray[np.intp], whose: NDArray[np.int64]) -> None:
        accounts = seen.block.accounts
        codes = told.ordinal[rows] * len(accounts) + whose
        order = np.argsort(codes, kind="stable")
        codes, sorted_rows = codes[order], rows[order]
        starts = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
        to = self._places(codes[starts], accounts)
        some = told.values[sorted_rows]
        highest = np.maximum.reduceat(some, starts, axis=0)
        self._tell(to, highest, some[:, :_N], starts, seen.tokens[sorted_rows])
        self._highest[to] = np.maximum(self._highest[to], highest)
        self._own[to] += np.add.reduceat(some[:, :_N], starts, axis=0)
        self._means[to] += np.add.reduceat(told.means[sorted_rows], starts, axis=0)
        self._sums[to] += np.add.reduceat(told.sums[sorted_rows], starts, axis=0)
        self._clock[to] |= np.bitwise_or.reduceat(np.uint32(1) << told.hour[sorted_rows], starts)

    def _tell(
        self, to: NDArray[np.intp], highest: Floats, own: Floats, starts: NDArray[np.intp], tokens: NDArray[np.int64]
    ) -> None:
        """Note which event surprised most by each field, where that is more than before; of equal ones the first."""
        length = np.diff(np.append(starts, len(own)))
        is_highest = own == np.repeat(highest[:, :_N], length, axis=0)
        first = np.where(is_highest, np.arange(len(own))[:, np.newaxis], len(own))
        at = np.minimum.reduceat(first, starts, axis=0)
        self._tokens[to] = np.where(
            highest[:, :_N] > self._highest[to, :_N], tokens[np.minimum(at, len(own) - 1)], self._tokens[to]
        )

    def _places(self, codes: NDArray[np.int64], accounts: list[Account]) -> NDArray[np.intp]:
        """Return the row of each account's day, made where there is none. Codes are ordinal × accounts + account."""
        out = []
        for ordinal, whose in zip(*(part.tolist() for part in np.divmod(codes, len(accounts))), strict=True):
            account = accounts[whose]
            key = DayKey(ordinal, account.tenant, _kind(account.kind), account.uid)
            row = self._rows.get(key)
            if row is None:
                row = self._rows[key] = len(self._rows)
                self._groups.append(account.group)
            out.append(row)
        self._grow(len(self._rows))
        return np.array(out, np.intp)

    def _grow(self, rows: int) -> None:
        have = len(self._highest)
        if rows <= have:
            return
        more = max(rows - have, have, 64)
        for name in ("_highest", "_own", "_means", "_sums", "_clock", "_tokens"):
            old = getattr(self, name)
            fresh = np.full((more, *old.shape[1:]), NOTHING if name == "_tokens" else 0, old.dtype)
            setattr(self, name, np.concatenate([old, fresh]))

    @property
    def tokens(self) -> NDArray[np.int64]:
        """The tokens that days still open hold."""
        return self._tokens[: len(self._rows)]

    def take(self, before: int) -> Gathered:
        """Return the days with a smaller ordinal, in order of time, and forget them; the accounts' habits learn them."""
        keys = sorted(key for key in self._rows if key.ordinal < before)
        rows = np.array([self._rows[key] for key in keys], np.intp)
        groups = [self._groups[row] for row in rows.tolist()]
        volume, shared = self.habits.step(keys, groups, np.log1p(self._sums[rows, 0]), self._highest[rows, -1])
        gathered = Gathered(self._vectors(keys, groups, rows, volume), self._tokens[rows], shared)
        self._keep(np.array([row for key, row in self._rows.items() if key.ordinal >= before], np.intp), before)
        return gathered

    def _keep(self, rows: NDArray[np.intp], before: int) -> None:
        self._groups = [self._groups[row] for row in rows.tolist()]
        self._rows = {key: at for at, key in enumerate(key for key in self._rows if key.ordinal >= before)}
        for name in ("_highest", "_own", "_means", "_sums", "_clock", "_tokens"):
            setattr(self, name, getattr(self, name)[rows])

    def _vectors(self, keys: list[DayKey], groups: list[str], rows: NDArray[np.intp], volume: Floats) -> DayVectors:
        events, failed, new, strange = self._sums[rows].T
        highest, number = self._highest[rows], (events + FEW)[:, np.newaxis]
        means = self._means[rows] / number
        hours = np.bitwise_count(self._clock[rows]).astype(np.float64)
        values = np.column_stack([
            highest[:, :_N], self._own[rows] / number, highest[:, _N : 3 * _N + len(COUNTED)],
            volume, np.log1p(failed), failed / number[:, 0], np.log1p(new), hours, highest[:, len(SIGNALS)],
            means[:, 0], np.log1p(strange), means[:, 1], highest[:, len(SIGNALS) + 1 : -1],
        ])  # fmt: skip
        return DayVectors(keys, groups, events.copy(), values)


def _kind(kind: str) -> EntityKind:
    return EntityKind(kind) if kind in EntityKind.__members__.values() else EntityKind.OTHER
