"""What each account is like: decayed, smoothed shares of values by field, bounded for each account.

``p(value | account) = (c + α·q) / (C + α)`` with the account's decayed counts c of C and the population's share q, itself smoothed
over the values known. Counts are kept as weights that grow with time, so that nothing has to be touched to decay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.behaviour import profile_kernel as kernel
from models.behaviour.day import OTHER, Day
from models.behaviour.roster import grown

HALF_LIFE_DAYS = 180.0
OWN = 4.0
"""α: this many days of the population are mixed into an account's own."""
UNSEEN = 20.0
"""As many days are spread over all known values of the population."""
KNOWN_DAYS = 10
"""An account with fewer active days is nobody's likeness yet."""
LATELY_DAYS = 365
MAX_PEERS = 512
MAX_VALUES_OF_ACCOUNT = 2048
"""Distinct values of a field that one account may have; what comes after is one value."""
NOBODY = -1
_NEVER = "", NOBODY
LEAST_CELLS = 1024
_OF_ACCOUNT = ("_last", "_days", "_program", "_tenant", "_total", "_distinct")

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class _Told(NamedTuple):
    """A day's values by field, in their order: the number of each (−1: nobody has it), its weight, and where each field's end."""

    numbers: Rows
    shares: Floats
    ends: Rows


class Profiles:
    """The profiles of all accounts; each day is judged by them before it is learned."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        self._number: list[dict[str, int]] = [{} for _ in self.fields]
        self._keys, self._weights, self._used = np.full(LEAST_CELLS, -1), np.zeros(LEAST_CELLS), 0
        self._of_value, self._of_field, self._values = np.zeros(0), np.zeros(len(self.fields)), 0
        self._total = np.zeros((0, len(self.fields)))
        self._distinct = np.zeros((0, len(self.fields)), np.int32)
        self._row: dict[tuple[str, str], int] = {}
        self._last: Floats = np.zeros(0)
        self._days: Floats = np.zeros(0)
        self._program: Floats = np.zeros(0)
        self._tenant: Floats = np.zeros(0)
        self._tenants: dict[str, int] = {}
        self._origin: int | None = None
        self._asked, self._known = _NEVER, np.zeros(0, np.int64)

    def snapshot(self) -> Profiles:
        """Return the profiles as they are now, to read; what is learned later does not change them."""
        copy = Profiles(self.fields)
        copy._number = [dict(number) for number in self._number]
        copy._row, copy._tenants, copy._origin = dict(self._row), dict(self._tenants), self._origin
        copy._used, copy._values = self._used, self._values
        for name in ("_keys", "_weights", "_of_value", "_of_field", *_OF_ACCOUNT):
            setattr(copy, name, getattr(self, name).copy())
        return copy

    def active_days(self, tenant: str, entity: str) -> int:
        """Return on how many days the account has been seen."""
        row = self._row.get((tenant, entity))
        return 0 if row is None else int(self._days[row])

    def peers(self, day: Day, entity: str) -> Rows:
        """Return whom ``entity`` is compared with on that day: people of its tenant, known, who lately did something.

        A program is compared with its own past and with everybody; it has no colleagues who could sit down in its place.
        """
        if day.program:
            return np.zeros(0, np.int64)
        asked = day.tenant, day.ordinal
        if self._asked != asked:
            self._asked, self._known = asked, self._known_on(day)
        own = self._row.get((day.tenant, entity), NOBODY)
        return np.sort(self._known[self._known != own][:MAX_PEERS])

    def _known_on(self, day: Day) -> Rows:
        """Return the people of that day's tenant who are known and lately did something; only the latest, one more than are compared."""
        n = len(self._row)
        fit = (self._days[:n] >= KNOWN_DAYS) & (self._last[:n] >= day.ordinal - LATELY_DAYS)
        fit &= (self._program[:n] == 0) & (self._tenant[:n] == self._tenants.get(day.tenant, -1))
        rows = np.flatnonzero(fit)
        return rows[np.argsort(-self._last[rows], kind="stable")[: MAX_PEERS + 1]]

    def log_shares(self, day: Day, entity: str, peers: Rows) -> tuple[Floats, Floats, Floats]:
        """Return the mean log share of the day's values by field: of the account, of each peer (a row), of the population."""
        rows = np.append(peers, self._row[day.tenant, entity])
        told = self._told(day)
        shares, cells = self._shares(told), (self._keys, self._weights)
        decay = np.exp2((self._first(day) - self._last[rows]) / HALF_LIFE_DAYS)
        total = self._total[rows] * decay[:, np.newaxis] + OWN
        logs = np.empty((len(shares), len(rows)))
        kernel.smoothed(cells, told, rows, (decay, total, OWN * shares), logs)
        out, population = np.zeros((len(self.fields), len(rows))), np.zeros((len(self.fields), 1))
        kernel.summed(told, np.log(logs, out=logs), out)
        kernel.summed(told, np.log(shares)[:, np.newaxis], population)
        return out[:, -1].copy(), out[:, :-1].T.copy(), population[:, 0]

    def learn(self, day: Day) -> None:
        """Add the day to its account's profile and to the population."""
        row = self._row.setdefault((day.tenant, day.entity), len(self._row))
        if row >= len(self._last):
            for name in _OF_ACCOUNT:
                setattr(self, name, grown(getattr(self, name), row + 1))
        growth = 2.0 ** ((day.ordinal - self._first(day)) / HALF_LIFE_DAYS)
        told = self._told(day, row)
        self._make_room(len(told.numbers))
        account, everybody = (self._total[row], self._distinct[row]), (self._of_value, self._of_field)
        self._used += kernel.learn((self._keys, self._weights), told, (row, growth), account, everybody)
        self._last[row] = max(self._last[row], day.ordinal)
        self._days[row] += 1
        self._program[row] = day.program
        self._tenant[row] = self._tenants.setdefault(day.tenant, len(self._tenants))
        self._asked = _NEVER

    def _first(self, day: Day) -> int:
        if self._origin is None:
            self._origin = day.ordinal
        return self._origin

    def _told(self, day: Day, row: int = NOBODY) -> _Told:
        """Return what a day tells; if it is to be learned of the account in that row, what nobody has yet gets a number."""
        numbers, shares, ends = list[int](), list[float](), list[int]()
        learn = row != NOBODY
        full = (
            learn
            and int(self._distinct[row].max(initial=0)) + max(map(len, day.values.values()), default=0) > MAX_VALUES_OF_ACCOUNT
        )
        for at, (name, known) in enumerate(zip(self.fields, self._number, strict=True)):
            values = day.values.get(name)
            if values:
                start = len(numbers)
                numbers += [known.get(value, -1) for value in values]
                if learn and (full or -1 in numbers[start:]):
                    numbers[start:] = self._to_learn(at, row, list(values), numbers[start:])
                shares += values.values()
            ends.append(len(numbers))
        return _Told(np.array(numbers, np.int64), np.array(shares), np.array(ends))

    def _to_learn(self, at: int, row: int, values: list[str], numbers: list[int]) -> list[int]:
        """Return the numbers of a field's values; one that would be one too many for the account is ``OTHER``."""
        known, have = self._number[at], int(self._distinct[row, at])
        if have + len(values) > MAX_VALUES_OF_ACCOUNT:
            other = known.get(OTHER, -1)
            has = kernel.has((self._keys, self._weights), np.array([*numbers, other]), row).tolist()
            for i in range(len(values)):
                if not has[i] and have >= MAX_VALUES_OF_ACCOUNT:
                    values[i], numbers[i], has[i], has[-1] = OTHER, other, has[-1], True
                have += not has[i]
        for i, number in enumerate(numbers):
            if number < 0:
                numbers[i] = known.setdefault(values[i], self._values)
                self._values = max(self._values, numbers[i] + 1)
        return numbers

    def _make_room(self, more: int) -> None:
        self._of_value = grown(self._of_value, self._values)
        cells = len(self._keys)
        while (self._used + more) * 3 > cells * 2:
            cells *= 2
        if cells > len(self._keys):
            old, self._keys, self._weights = (self._keys, self._weights), np.full(cells, -1), np.empty(cells)
            kernel.moved(old, (self._keys, self._weights))

    def _shares(self, told: _Told) -> Floats:
        """Return the population's share of each value."""
        size = np.diff(told.ends, prepend=0)
        known = np.array([len(number) for number in self._number])
        total, spread = self._of_field + UNSEEN, UNSEEN / (known + 1)
        have = np.zeros(len(told.numbers))
        there = told.numbers >= 0
        have[there] = self._of_value[told.numbers[there]]
        shares: Floats = (have + np.repeat(spread, size)) / np.repeat(total, size)
        return shares
