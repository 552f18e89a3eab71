"""The correlator: alerts in, incidents out, as they come and in any order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from features.alert import Alert, main_entity
from models.incidents.forest import Edge, Grove, groves
from models.incidents.lines import Kept, LineTable, bin_of, line_key, severity_score
from models.incidents.links import BIN_SECONDS, SUSPECT_FROM, LinkModel, link_features
from models.incidents.postings import WINDOW_BINS, Pairs, Postings
from models.incidents.tokens import Resolve, Token, tokens

LINKED_FROM = 0.5
"""Two lines are linked that are likelier of one incident than not."""
LATE_BINS = int(86400.0 / BIN_SECONDS)
"""So late an alert may come and still end where it would have; later ones are joined to what is still known."""


class Changes(NamedTuple):
    """What became of lines since the last time: their numbers in the groves they make now, and what was let go."""

    made: list[Grove]
    dissolved: set[int]
    """First lines of the groves that are no more."""


class Correlator:
    """Joins alerts of any number of tenants into incidents.

    Each line is linked with the earlier and with the later line that it most likely shares an incident with; incidents are the
    trees of these links. That depends on the set of lines only, not on the order in which they came, as long as none comes more
    than a day late. Work is bounded: a token that many lines name links nothing, and lines leave after the window.
    """

    def __init__(self, model: LinkModel, resolve: Resolve | None = None) -> None:
        self.model = model
        self.lines = LineTable()
        self._resolve = resolve
        self._postings = Postings()
        self._earlier: dict[int, dict[int, float]] = {}
        self._later: dict[int, dict[int, float]] = {}
        self._dirty: set[int] = set()
        self._grove_of: dict[int, Grove] = {}
        self._sides: dict[int, list[tuple[int, int]]] = {}
        self._joined: dict[int, set[int]] = {}
        self._horizon = 0

    def add(self, alert: Alert, score: float | None) -> int:
        """Take an alert with its score (``None``: no model spoke); return the number of its line."""
        key = line_key(alert)
        number = self.lines.number(key)
        if number is None:
            found = tokens(alert, self._resolve)
            number = self.lines.add(key, alert, found)
            self._earlier[number], self._later[number] = {}, {}
            self._postings.add(number, int(self.lines.bins[number]), alert.tenant, found)
            self._touch(number)
            self._horizon = max(self._horizon, min(bin_of(alert.received_time), int(self.lines.bins[number]) + LATE_BINS))
        line = self.lines.kept[number]
        was = self.lines.margin(number)
        line.add(alert, severity_score(alert.severity) if score is None or math.isnan(score) else score)
        if self.lines.raise_score(number):
            if was < SUSPECT_FROM <= self.lines.margin(number):
                self._postings.suspect(number, int(self.lines.bins[number]), alert.tenant, line.tokens)
            self._touch(number)
        return number

    def settle(self) -> Changes:
        """Bring links and incidents up to date with all that was added."""
        touched = set(self._dirty)
        pairs = self.pairs(self._dirty)
        if len(pairs.later):
            p = self.model.probability(link_features(pairs.shared, self.lines.sides(pairs.earlier, pairs.later)))
            strong = np.flatnonzero(p >= LINKED_FROM)
            fresh = list(zip(pairs.earlier[strong].tolist(), pairs.later[strong].tolist(), p[strong].tolist(), strict=True))
        else:
            fresh = []
        for later in self._dirty:
            for earlier in self._earlier[later]:
                del self._later[earlier][later]
            touched.update(self._earlier[later])
            self._earlier[later] = {}
        for earlier, later, chance in fresh:
            self._earlier[later][earlier] = self._later[earlier][later] = chance
            touched.add(earlier)
        self._dirty = set()
        return self._regrow(touched)

    def pairs(self, lines: Iterable[int]) -> Pairs:
        """Return each of ``lines`` paired with the earlier ones that it shares something with."""
        kept, bins = self.lines.kept, self.lines.bins
        wanted = ((n, int(bins[n]), kept[n].alert.tenant, kept[n].tokens, self.lines.margin(n) >= SUSPECT_FROM) for n in lines)
        return self._postings.pairs(wanted, bins, self.lines.order)

    def grove(self, number: int) -> Grove:
        """Return the lines that make one incident with line ``number``."""
        return self._grove_of[number]

    def split(self, split: int, sides: Sequence[Iterable[int]]) -> None:
        """Keep lines of different ``sides`` apart from now on; ``split`` names the split."""
        for side, lines in enumerate(sides):
            for line in lines:
                self._sides.setdefault(line, []).append((split, side))
                self._dirty.add(line)

    def merge(self, one: int, other: int) -> None:
        """Hold two lines together from now on, whatever the model says."""
        self._joined.setdefault(one, set()).add(other)
        self._joined.setdefault(other, set()).add(one)
        self._dirty.update((one, other))

    def joined(self, one: int, other: int) -> bool:
        """Return whether an analyst holds two lines together."""
        return other in self._joined.get(one, ())

    def named(self, line: Kept, token: Token) -> int:
        """Return how many lines named a token of ``line`` in the window up to it, itself among them."""
        return self._postings.named(bin_of(line.first), line.alert.tenant, token)

    def forget(self) -> list[Grove]:
        """Let the lines go that are past the window; return the groves that lost any, as they were."""
        limit = self._horizon - WINDOW_BINS - LATE_BINS
        old = [n for n in self.lines.kept if self.lines.bins[n] < limit]
        if not old:
            return []
        told = {id(grove): grove for grove in map(self._grove_of.get, old) if grove is not None}
        keys = {(self.lines.kept[n].alert.tenant, t.sort, t.uid) for n in old for t in self.lines.kept[n].tokens}
        self._postings.drop_before(limit, keys)
        for number in old:
            for earlier in self._earlier.pop(number):
                self._later.get(earlier, {}).pop(number, None)
            for later in self._later.pop(number):
                self._earlier.get(later, {}).pop(number, None)
            for other in self._joined.pop(number, ()):
                self._joined[other].discard(number)
            self._sides.pop(number, None)
            del self._grove_of[number]
        self._dirty.difference_update(old)
        self.lines.drop(old)
        gone = set(old)
        for grove in told.values():
            left = tuple(n for n in grove.lines if n not in gone)
            for number in left:
                self._grove_of[number] = Grove(
                    left, tuple(e for e in grove.edges if e.earlier not in gone and e.later not in gone)
                )
        return list(told.values())

    def _touch(self, number: int) -> None:
        line = self.lines.kept[number]
        self._dirty.add(number)
        self._dirty |= self._postings.later(int(self.lines.bins[number]), line.alert.tenant, line.tokens)

    def _edges(self, number: int) -> list[Edge]:
        """Return the links of a line that hold: to its best earlier and later lines, and those that chose it."""
        found = [Edge(min(number, other, key=self.lines.place), max(number, other, key=self.lines.place), 1.0)
                 for other in self._joined.get(number, ())]  # fmt: skip
        found += [Edge(e, number, p) for e, p in self._earlier[number].items() if self._holds(e, number)]
        found += [Edge(number, later, p) for later, p in self._later[number].items() if self._holds(number, later)]
        return found

    def _holds(self, earlier: int, later: int) -> bool:
        return self._best(self._earlier[later]) == earlier or self._best(self._later[earlier]) == later

    def _best(self, others: dict[int, float]) -> int:
        return max(others, key=lambda n: (others[n], self.lines.place(n)))

    def _regrow(self, touched: set[int]) -> Changes:
        """Make the trees anew in which anything was touched."""
        reached: dict[int, list[Edge]] = {}
        ahead = list(touched)
        dissolved: set[int] = set()
        while ahead:
            number = ahead.pop()
            if number in reached:
                continue
            reached[number] = edges = self._edges(number)
            ahead += [edge.earlier if edge.later == number else edge.later for edge in edges]
            before = self._grove_of.get(number)
            if before is not None:
                dissolved.add(before.lines[0])
                ahead += [n for n in before.lines if n not in reached]
        order = {number: self.lines.place(number) for number in reached}
        made = groves(reached, {edge for edges in reached.values() for edge in edges}, order, self._sides)
        for grove in made:
            for number in grove.lines:
                self._grove_of[number] = grove
        return Changes(made, dissolved)


def background(alert: Alert) -> str:
    """Return what names the background that an alert of no incident is filed under: its user, else its main entity, and its day."""
    user = next((entity.uid for entity in alert.entities if entity.kind.value == "user"), "")
    return f"{alert.tenant}\x1f{user or main_entity(alert).uid}\x1f{alert.time:%Y-%m-%d}"
