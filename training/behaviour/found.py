"""What judgements of account-days come to against a simulated truth: cases found at a budget, and the false share of what was flagged."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

import numpy as np

from features.alert import EntityKind
from models.behaviour.conformal import discoveries
from training.simulator.behaviour.living import SPRAYED

_Day = tuple[str, date]
Truth = Mapping[_Day, str]
"""By account and day the scenario of what is not normal life."""
SPRAY = "spray"


class Row(NamedTuple):
    """One account's day as somebody judged it; no number is no p-value: not judged."""

    entity: str
    day: date
    kind: EntityKind
    score: float
    p_value: float


class Case(NamedTuple):
    """A scenario as it happened to one account: the first of its days that was found (0: none), and how long that took."""

    scenario: str
    entity: str
    found: int
    days: int


class Flagged(NamedTuple):
    """What a rate of false discovery flagged in one tenant: the false share, as a mean over its days and among all, and how many.

    ``cases`` is the share of cases of which a day was flagged.
    """

    by_day: float
    among_all: float
    total: int
    cases: float


def _together(rows: Iterable[Row]) -> list[list[Row]]:
    """Return a day's accounts together, and its hosts, in the order of time."""
    out: dict[tuple[date, bool], list[Row]] = defaultdict(list)
    for row in rows:
        out[row.day, row.kind is EntityKind.HOST].append(row)
    return [some for _, some in sorted(out.items())]


def _cases(truth: Truth) -> dict[tuple[str, str], list[date]]:
    out: dict[tuple[str, str], list[date]] = defaultdict(list)
    for (entity, day), scenario in sorted(truth.items(), key=lambda item: item[0][1]):
        if scenario != SPRAYED:
            out[scenario, entity].append(day)
    return out


def cases_found(rows: Sequence[Row], truth: Truth, budget: int, *, sprayed: bool = True) -> list[Case]:
    """Return each case, and whether one of its days was among the first ``budget`` of that day: of accounts, or of hosts.

    ``sprayed``: a spray is also found by an account at which it was tried in vain.
    """
    top = {row for some in _together(rows) for row in sorted(some, key=lambda row: (-row.score, row.entity))[:budget]}
    seen = {(row.entity, row.day) for row in top}
    sprays = {row.day for row in top if truth.get((row.entity, row.day)) == SPRAYED}
    out = []
    for (scenario, entity), days in sorted(_cases(truth).items()):
        hit = [(entity, day) in seen or (sprayed and scenario == SPRAY and day in sprays) for day in days]
        first = hit.index(True) + 1 if any(hit) else 0
        out.append(Case(scenario, entity, first, (days[first - 1] - days[0]).days if first else 0))
    return out


def flagged(rows: Sequence[Row], truth: Truth, rate: float, touched: Collection[_Day] = ()) -> Flagged:
    """Return what is flagged at that ``rate``, as the engine does: a day's accounts together, and its hosts.

    ``touched`` are hosts that had a part in a scenario on a day: they count neither as false nor as found.
    """
    shares, false = [], 0
    true: set[tuple[str, str, date]] = set()
    for some in _together(rows):
        called = [row for row, yes in zip(some, discoveries([row.p_value for row in some], rate), strict=True) if yes]
        neither = [SPRAYED if row.kind is EntityKind.HOST and (row.entity, row.day) in touched else "" for row in called]
        said = [truth.get((row.entity, row.day), other) for row, other in zip(called, neither, strict=True)]
        wrong, counted = said.count(""), len(said) - said.count(SPRAYED)
        shares.append(wrong / counted if counted else 0.0)
        false += wrong
        true |= {(name, row.entity, row.day) for name, row in zip(said, called, strict=True) if name not in {"", SPRAYED}}
    cases = _cases(truth)
    reached = {(name, entity) for name, entity, _ in true}
    total = false + len(true)
    return Flagged(float(np.mean(shares)), false / max(total, 1), total, len(reached) / max(len(cases), 1))


def mean(values: Iterable[float]) -> str:
    """Return mean and standard error as text."""
    some = np.array(list(values), float)
    if not len(some):
        return "    –"
    error = float(some.std(ddof=1)) / math.sqrt(len(some)) if len(some) > 1 else math.nan
    return f"{some.mean():.3f} ± {error:.3f}"


def share(cases: Sequence[Case], chosen: Callable[[str], bool]) -> str:
    """Return how many of the cases whose scenario is ``chosen`` were found, the median active day and the mean delay in days."""
    some = [case for case in cases if chosen(case.scenario)]
    hits = [case for case in some if case.found]
    if not hits:
        return f"{0.0:.2f} of {len(some):3}"
    median, delay = float(np.median([case.found for case in hits])), float(np.mean([case.days for case in hits]))
    return f"{len(hits) / len(some):.2f} of {len(some):3}  first active day {median:g}, after {delay:.1f} days"
