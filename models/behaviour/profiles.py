"""What each account is like: decayed, smoothed shares of values by field, bounded for each account.

``p(value | account) = (c + α·q) / (C + α)`` with the account's decayed counts c of C and the population's share q, itself smoothed
over the values known. Counts are kept as weights that grow with time, so that nothing has to be touched to decay.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

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

Floats = NDArray[np.float64]
Rows = NDArray[np.int64]


class _Posting:
    """Who has one value: accounts' rows in order, and how much of it each has; and how much everybody has, not decayed."""

    __slots__ = ("everybody", "rows", "weight")

    def __init__(self, rows: Iterable[int] = (), weight: Iterable[float] = (), everybody: float = 0.0) -> None:
        self.rows, self.weight, self.everybody = array("i", rows), array("d", weight), everybody

    def snapshot(self) -> _Posting:
        """Return a copy to read."""
        return _Posting(self.rows, self.weight, self.everybody)

    def __contains__(self, row: int) -> bool:
        at = bisect_left(self.rows, row)
        return at < len(self.rows) and self.rows[at] == row

    def add(self, row: int, weight: float) -> bool:
        """Add so much of the value to an account; return whether it had none before."""
        at = bisect_left(self.rows, row)
        new = at == len(self.rows) or self.rows[at] != row
        if new:
            self.rows.insert(at, row)
            self.weight.insert(at, 0.0)
        self.weight[at] += weight
        return new

    def of(self, position: Rows, size: int) -> Floats:
        at, out = position[np.frombuffer(self.rows, np.intc)], np.zeros(size)
        out[at[at >= 0]] = np.frombuffer(self.weight)[at >= 0]
        return out


class _Field:
    """One field's values: who has them, how many each account has, and the population's."""

    def __init__(self) -> None:
        self.postings: dict[str, _Posting] = {}
        self.total: Floats = np.zeros(0)
        self.distinct: NDArray[np.int32] = np.zeros(0, np.int32)
        self.population_total = 0.0

    def add(self, row: int, values: dict[str, float], growth: float) -> None:
        """Add values; one that would be one too many for the account is ``OTHER``."""
        self.total, self.distinct = grown(self.total, row + 1), grown(self.distinct, row + 1)
        total, distinct = float(self.total[row]), int(self.distinct[row])
        for told, weight in values.items():
            key, posting = told, self.postings.get(told)
            if distinct >= MAX_VALUES_OF_ACCOUNT and (posting is None or row not in posting):
                key, posting = OTHER, self.postings.get(OTHER)
            if posting is None:
                posting = self.postings[key] = _Posting()
            distinct += posting.add(row, weight * growth)
            posting.everybody += weight
            total += weight * growth
            self.population_total += weight
        self.total[row], self.distinct[row] = total, distinct

    def snapshot(self) -> _Field:
        """Return a copy to read."""
        copy = _Field()
        copy.postings = {value: posting.snapshot() for value, posting in self.postings.items()}
        copy.total, copy.population_total = self.total.copy(), self.population_total
        return copy

    def share(self, value: str) -> float:
        posting, spread = self.postings.get(value), UNSEEN / (len(self.postings) + 1)
        return ((posting.everybody if posting else 0.0) + spread) / (self.population_total + UNSEEN)


class Profiles:
    """The profiles of all accounts; each day is judged by them before it is learned."""

    def __init__(self, fields: Sequence[str]) -> None:
        self.fields = tuple(fields)
        self._field = [_Field() for _ in self.fields]
        self._row: dict[tuple[str, str], int] = {}
        self._last: Floats = np.zeros(0)
        self._days: Floats = np.zeros(0)
        self._program: Floats = np.zeros(0)
        self._tenant: Floats = np.zeros(0)
        self._tenants: dict[str, int] = {}
        self._origin: int | None = None

    def snapshot(self) -> Profiles:
        """Return the profiles as they are now, to read; what is learned later does not change them."""
        copy = Profiles(self.fields)
        copy._field = [field.snapshot() for field in self._field]
        copy._row, copy._tenants, copy._origin = dict(self._row), dict(self._tenants), self._origin
        for name in ("_last", "_days", "_program", "_tenant"):
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
        n = 0 if day.program else len(self._row)
        fit = (self._days[:n] >= KNOWN_DAYS) & (self._last[:n] >= day.ordinal - LATELY_DAYS)
        fit &= (self._program[:n] == 0) & (self._tenant[:n] == self._tenants.get(day.tenant, -1))
        own = self._row.get((day.tenant, entity))
        if own is not None and own < n:
            fit[own] = False
        rows = np.flatnonzero(fit)
        if len(rows) > MAX_PEERS:
            rows = np.sort(rows[np.argsort(-self._last[rows], kind="stable")[:MAX_PEERS]])
        return rows

    def log_shares(self, day: Day, entity: str, peers: Rows) -> tuple[Floats, Floats, Floats]:
        """Return the mean log share of the day's values by field: of the account, of each peer (a row), of the population."""
        rows = np.append(peers, self._row[day.tenant, entity])
        position = np.full(len(self._row), -1)
        position[rows] = np.arange(len(rows))
        decay = np.exp2((self._first(day) - self._last[rows]) / HALF_LIFE_DAYS)
        out, population = np.zeros((len(rows), len(self.fields))), np.zeros(len(self.fields))
        for at, (name, field) in enumerate(zip(self.fields, self._field, strict=True)):
            field.total = grown(field.total, len(self._row))
            total = field.total[rows] * decay + OWN
            for value, weight in day.values.get(name, {}).items():
                share = field.share(value)
                posting = field.postings.get(value)
                count = np.zeros(len(rows)) if posting is None else posting.of(position, len(rows)) * decay
                out[:, at] += weight * np.log((count + OWN * share) / total)
                population[at] += weight * np.log(share)
        return out[-1], out[:-1], population

    def learn(self, day: Day) -> None:
        """Add the day to its account's profile and to the population."""
        row = self._row.setdefault((day.tenant, day.entity), len(self._row))
        if row >= len(self._last):
            for name in ("_last", "_days", "_program", "_tenant"):
                setattr(self, name, grown(getattr(self, name), row + 1))
        growth = 2.0 ** ((day.ordinal - self._first(day)) / HALF_LIFE_DAYS)
        for name, field in zip(self.fields, self._field, strict=True):
            if name in day.values:
                field.add(row, day.values[name], growth)
        self._last[row] = max(self._last[row], day.ordinal)
        self._days[row] += 1
        self._program[row] = day.program
        self._tenant[row] = self._tenants.setdefault(day.tenant, len(self._tenants))

    def _first(self, day: Day) -> int:
        if self._origin is None:
            self._origin = day.ordinal
        return self._origin
