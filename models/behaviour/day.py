"""One account's UTC day as weighted values by field: all that behaviour is judged by."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, date, datetime

import msgspec

from features.event import Event, Outcome

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
        self.targets: Counter[str] = Counter()
        self.values: dict[str, dict[str, float]] = {}

    def add(self, event: Event) -> None:
        self.program |= event.by_program
        self.events += 1
        target = event.target.uid if event.target else ""
        self.targets[target if target in self.targets or len(self.targets) < MAX_VALUES else OTHER] += 1
        pairs = list(_fields(event))
        shares = Counter(name for name, _ in pairs)
        for name, value in pairs:
            if name not in self.values and len(self.values) >= MAX_FIELDS:
                continue
            seen = self.values.setdefault(name, {})
            key = value if value in seen or len(seen) < MAX_VALUES else OTHER
            seen[key] = seen.get(key, 0.0) + 1.0 / shares[name]

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


class Gatherer:
    """Gathers events into days: many accounts' at once, in any order of time."""

    def __init__(self) -> None:
        self._open: dict[tuple[int, str, str], _Open] = {}

    def add(self, event: Event) -> None:
        """Add an event to its account's day. Its time is between :data:`FIRST` and :data:`END`."""
        key = ((event.time - FIRST).days, event.tenant, event.actor.uid)
        self._open.setdefault(key, _Open()).add(event)

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
