"""One account's UTC day as weighted values by field: all that behaviour is judged by."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from features import tally
from features.accounts import Account
from features.alert import EntityKind
from features.event import Event, Outcome
from features.event_columns import EventColumns
from features.event_encode import EventBlock
from models.behaviour.day_pairs import TARGETS, Pairs

FIRST, END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
"""An event outside of these is not believed: its clock is wrong, and decayed counts would overflow."""
OLDEST_DAYS = 400
"""An event that is older when it is received is not believed; who was not seen for so long is not known any more."""
MAX_VALUES = 256
"""Distinct values of one field in one day; what comes after is one value, ``OTHER``."""
OTHER = "\x00other"
MAX_FIELDS = 128
"""Distinct fields in one day; further ones are left out."""


def ordinal_of(day: date) -> int:
    """Return the number of a day since 1970."""
    return day.toordinal() - FIRST.toordinal()


def date_of(ordinal: int) -> date:
    """Return the day of that number since 1970."""
    return date.fromordinal(ordinal + FIRST.toordinal())


class Day(msgspec.Struct, frozen=True, gc=False):
    """What one account did on one UTC day: ``values`` by field, weights of a field sum to 1.

    ``ordinal`` counts days since 1970; ``group`` is what the account mostly worked on, its peers' common ground.
    """

    tenant: str
    entity: str
    program: bool
    ordinal: int
    group: str
    events: int
    values: dict[str, dict[str, float]]

    @property
    def date(self) -> date:
        """The UTC day."""
        return date_of(self.ordinal)


def _fields(event: Event) -> Iterable[tuple[str, str]]:
    """Yield each field's values in one event; where the sender told no local ``hour`` or ``weekday``, they are those of UTC."""
    yield "action", event.action
    if event.target is not None:
        yield "target", event.target.uid
    for name in ("address", "country", "device", "application"):
        value = getattr(event.source, name)
        if value:
            yield name, value
    if event.outcome is not Outcome.UNKNOWN:
        yield "outcome", event.outcome.value
    told = {facet.name for facet in event.facets}
    if "hour" not in told:
        yield "hour", str(event.time.hour)
    if "weekday" not in told:
        yield "weekday", str(event.time.weekday())
    for facet in event.facets:
        yield facet.name, facet.value


class _Open:
    """A day that is still being gathered."""

    def __init__(self) -> None:
        self.program = False
        self.events = 0
        self.targets: dict[str, float] = {}
        self.values: dict[str, dict[str, float]] = {}

    def add(self, event: Event) -> None:
        self.came(1, event.by_program)
        pairs = list(_fields(event))
        shares = Counter(name for name, _ in pairs)
        pairs.append((TARGETS, event.target.uid if event.target else ""))
        for name, value in pairs:
            seen = self.field(name)
            if seen is not None:
                key = _key(seen, value)
                seen[key] = seen.get(key, 0.0) + 1.0 / shares.get(name, 1)

    def came(self, events: int, by_program: bool) -> None:
        self.program |= by_program
        self.events += events

    def field(self, name: str) -> dict[str, float] | None:
        """Return how much there is of each value of a field; ``None`` where that is a field too many."""
        if name == TARGETS:
            return self.targets
        if name not in self.values and len(self.values) >= MAX_FIELDS:
            return None
        return self.values.setdefault(name, {})

    def closed(self, ordinal: int, tenant: str, entity: str) -> Day:
        return Day(
            tenant=tenant,
            entity=entity,
            program=self.program,
            ordinal=ordinal,
            group=_most(self.targets),
            events=self.events,
            values={name: _weights(counts) for name, counts in sorted(self.values.items())}
            | {"volume": {str(self.events.bit_length()): 1.0}},
        )


def _key(seen: dict[str, float], value: str) -> str:
    """Return as what a value counts."""
    return value if value in seen or len(seen) < MAX_VALUES else OTHER


def _most(counts: dict[str, float]) -> str:
    """Return the value of which there is most, of several the first in the alphabet."""
    most = max(counts.values())
    return min(value for value, count in counts.items() if count == most)


def _weights(counts: dict[str, float]) -> dict[str, float]:
    """Return square roots of counts, summing to 1: the hundredth repeat says less than the first."""
    if len(counts) == 1:
        return dict.fromkeys(counts, 1.0)
    roots = list(map(math.sqrt, counts.values()))
    total = sum(roots)
    return dict(zip(counts, [root / total for root in roots], strict=True))


class _Counts:
    """Counts of the values of many fields, to be added to in the order of events and then given back to the days."""

    def __init__(self, size: int) -> None:
        self.counts, self.slots = np.zeros((size, 1)), np.arange(size)
        self._places: list[tuple[dict[str, float], Iterable[str], Iterable[int]]] = []

    def take(self, seen: dict[str, float], values: list[str], start: int) -> None:
        """Take what is ``seen`` of the values of one field; they are counted from the place ``start`` on, those too many in one."""
        if not seen and len(values) <= MAX_VALUES:
            self._places.append((seen, values, range(start, start + len(values))))
            return
        at: dict[str, int] = {}
        for place, value in enumerate(values, start):
            key = _key(seen, value)
            self.counts[place] = seen.setdefault(key, 0.0)
            self.slots[place] = at.setdefault(key, place)
        self._places.append((seen, at, at.values()))

    def drop(self, start: int, end: int) -> None:
        """Count nothing at these places."""
        self.slots[start:end] = -1

    def add(self, places: NDArray[np.intp], shares: NDArray[np.float64]) -> None:
        """Add each share at its place, one after the other, and give the days what they come to."""
        slots = self.slots[places]
        rows = np.flatnonzero(slots >= 0)
        tally.add(rows, slots[rows], shares[:, np.newaxis], self.counts)
        counts = self.counts.ravel().tolist()
        for seen, keys, at in self._places:
            seen.update(zip(keys, map(counts.__getitem__, at), strict=True))


class Gatherer:
    """Gathers events into days: many accounts' at once, in any order of time."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, str, str], _Open] = {}

    def add(self, event: Event) -> None:
        """Add an event to its account's day. Its time is between :data:`FIRST` and :data:`END`."""
        self._day((event.time - FIRST).days, event.tenant, event.actor.uid).add(event)

    def add_block(self, columns: EventColumns, block: EventBlock, fit: NDArray[np.bool_]) -> None:
        """Add those events of a block that are ``fit``, under the accounts' names as of then: the same days as one by one, to the bit."""
        if not fit.any():
            return
        pairs, day = Pairs.of(columns), np.full(len(fit), -1)
        opened, day[fit] = self._days((block.time[fit] // 86400.0).astype(np.int64), block.who[fit], block.accounts)
        told = np.flatnonzero(day[pairs.event] >= 0)
        longest = max(len(texts) for texts in pairs.texts)
        of = day[pairs.event[told]] * len(pairs.names) + pairs.field[told]
        codes, at = tally.distinct(of * longest + pairs.value[told])
        fields, field = tally.distinct(codes // longest)
        order, place = np.argsort(field, kind="stable"), np.empty(len(codes), np.intp)
        place[order] = np.arange(len(codes))
        values, ends = (codes[order] % longest).tolist(), np.cumsum(np.bincount(field)).tolist()
        counts = _Counts(len(codes))
        for one, (start, end) in zip(fields.tolist(), pairwise([0, *ends]), strict=True):
            whose, name = divmod(one, len(pairs.names))
            seen, texts = opened[whose].field(pairs.names[name]), pairs.texts[name]
            if seen is None:
                counts.drop(start, end)
            else:
                counts.take(seen, [texts[value] for value in values[start:end]], start)
        counts.add(place[at], pairs.share[told])

    def _days(
        self, ordinal: NDArray[np.int64], who: NDArray[np.int64], accounts: Sequence[Account]
    ) -> tuple[list[_Open], NDArray[np.intp]]:
        """Return the days of events, of each how many came, and of each event its day; names that are two accounts' have one day."""
        codes, of = tally.distinct(ordinal * len(accounts) + who)
        places: dict[int, int] = {}
        opened, place = list[_Open](), list[int]()
        for code, events in zip(codes.tolist(), np.bincount(of).tolist(), strict=True):
            day, account = code // len(accounts), accounts[code % len(accounts)]
            one = self._day(day, account.tenant, account.uid)
            one.came(events, account.kind == EntityKind.APPLICATION)
            place.append(places.setdefault(id(one), len(opened)))
            if place[-1] == len(opened):
                opened.append(one)
        return opened, np.array(place, np.intp)[of]

    def _day(self, ordinal: int, tenant: str, entity: str) -> _Open:
        key = ordinal, tenant, entity
        opened = self._open.get(key)
        if opened is None:
            opened = self._open[key] = _Open()
        return opened

    def take(self, before: int, tenant: str | None = None) -> list[Day]:
        """Return the days with a smaller ordinal, of one tenant or of all, in order of time, and forget them."""
        ended = sorted(key for key in self._open if key[0] < before and tenant in (None, key[1]))
        return [self._open.pop(key).closed(*key) for key in ended]


def days(events: Iterable[Event]) -> list[Day]:
    """Return the days of ``events``, in order of time; events whose time cannot be are left out."""
    gathered = Gatherer()
    for event in events:
        if FIRST <= event.time < END:
            gathered.add(event)
    return gathered.take((END - FIRST).days)
