"""One account's UTC day as weighted values by field: all that behaviour is judged by."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from features import tally
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
            place = self.place(name, value)
            if place is not None:
                seen, key = place
                seen[key] += 1.0 / shares.get(name, 1)

    def came(self, events: int, by_program: bool) -> None:
        self.program |= by_program
        self.events += events

    def place(self, name: str, value: str) -> tuple[dict[str, float], str] | None:
        """Return where a value of a field is counted; ``None`` where that is a field too many."""
        if name == TARGETS:
            seen = self.targets
        elif name not in self.values and len(self.values) >= MAX_FIELDS:
            return None
        else:
            seen = self.values.setdefault(name, {})
        key = value if value in seen or len(seen) < MAX_VALUES else OTHER
        seen.setdefault(key, 0.0)
        return seen, key

    def closed(self, ordinal: int, tenant: str, entity: str) -> Day:
        return Day(
            tenant=tenant,
            entity=entity,
            program=self.program,
            ordinal=ordinal,
            group=max(sorted(self.targets), key=self.targets.__getitem__),
            events=self.events,
            values={name: _weights(counts) for name, counts in sorted(self.values.items())}
            | {"volume": {str(self.events.bit_length()): 1.0}},
        )


def _weights(counts: dict[str, float]) -> dict[str, float]:
    """Return square roots of counts, summing to 1: the hundredth repeat says less than the first."""
    roots = {value: math.sqrt(count) for value, count in counts.items()}
    total = sum(roots.values())
    return {value: root / total for value, root in roots.items()}


class _Counts:
    """Counts of many days, to be added to in the order of events. While they are, a day holds in their place where they are here."""

    def __init__(self) -> None:
        self._counts: list[float] = []
        self._places: list[tuple[dict[str, float], str]] = []

    def slot(self, seen: dict[str, float], key: str) -> int:
        """Return where the count of ``key`` is."""
        held = seen[key]
        if isinstance(held, int):
            return held
        slot = len(self._counts)
        self._counts.append(held)
        self._places.append((seen, key))
        seen[key] = slot
        return slot

    def add(self, slots: NDArray[np.intp], shares: NDArray[np.float64]) -> None:
        """Add each share to its slot, one after the other, and give the days back what they come to."""
        counts, rows = np.array(self._counts).reshape(-1, 1), np.flatnonzero(slots >= 0)
        tally.add(rows, slots[rows], shares[:, np.newaxis], counts)
        for (seen, key), count in zip(self._places, counts.ravel().tolist(), strict=True):
            seen[key] = count


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
        codes, day[fit] = tally.distinct(((block.time // 86400.0).astype(np.int64) * len(block.accounts) + block.who)[fit])
        opened = []
        for code, events in zip(codes.tolist(), np.bincount(day[fit], minlength=len(codes)).tolist(), strict=True):
            ordinal, account = code // len(block.accounts), block.accounts[code % len(block.accounts)]
            opened.append(self._day(ordinal, account.tenant, account.uid))
            opened[-1].came(events, account.kind == EntityKind.APPLICATION)
        told = np.flatnonzero(day[pairs.event] >= 0)
        longest = max(len(texts) for texts in pairs.texts)
        of = day[pairs.event[told]] * len(pairs.names) + pairs.field[told]
        codes, at = tally.distinct(of * longest + pairs.value[told])
        of, value = np.divmod(codes, longest)
        whose, field = np.divmod(of, len(pairs.names))
        counts, slots = _Counts(), list[int]()
        for one, name, text in zip(whose.tolist(), field.tolist(), value.tolist(), strict=True):
            place = opened[one].place(pairs.names[name], pairs.texts[name][text])
            slots.append(-1 if place is None else counts.slot(*place))
        counts.add(np.array(slots, np.intp)[at], pairs.share[told])

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
