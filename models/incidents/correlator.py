"""The correlator: alerts in, incidents out, as they come and in any order."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from features.alert import Alert, main_entity
from models.incidents.forest import Edge, Grove, groves
from models.incidents.lines import Kept, Key, LineTable, bin_of, line_key, severity_score
from models.incidents.links import BIN_SECONDS, SUSPECT_FROM, LinkModel, link_features
from models.incidents.postings import WINDOW_BINS, Pairs, Postings
from models.incidents.tokens import Resolve, Token, tokens

LINKED_FROM = 0.5
"""Two lines are linked that are likelier of one incident than not."""
RAISED_FROM = 0.1
"""An incident is shown once one of its alerts has this score; until then its alerts are background."""
LATE_BINS = int(86400.0 / BIN_SECONDS)
"""So late an alert may come and still end where it would have; later ones are joined to what is still known."""

_REMEMBERED = 100_000
"""Combinations of entities and observables whose tokens are remembered."""


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
        self._known: dict[object, tuple[Token, ...]] = {}

    def add(self, alert: Alert, score: float | None) -> int:
        """Take an alert with its score (``None``: no model spoke); return the number of its line."""
        key = line_key(alert)
        number = self.lines.number(key)
        fresh = number is None
        if number is None:
            number = self._begin(key, alert)
        line = self.lines.kept[number]
        was = self.lines.margin(number)
        counted = severity_score(alert.severity) if score is None or math.isnan(score) else score
        line.add(alert, counted)
        rose = self.lines.rise(number, counted)
        if was < SUSPECT_FROM <= self.lines.margin(number):
            self._postings.suspect(number, line.place[0], alert.tenant, line.tokens)
        if fresh or rose:
            self._dirty.add(number)
            self._dirty |= self._postings.later(line.place[0], alert.tenant, line.tokens)
        return number

    def _begin(self, key: Key, alert: Alert) -> int:
        found = self._tokens(alert)
        number = self.lines.add(key, alert, found)
        self._earlier[number], self._later[number] = {}, {}
        begun = key[-1]
        self._postings.add(number, begun, alert.tenant, found)
        self._horizon = max(self._horizon, min(bin_of(alert.received_time), begun + LATE_BINS))
        return number

    def _tokens(self, alert: Alert) -> tuple[Token, ...]:
        """Return the tokens of an alert; without aliases the same few entities give the same again and again."""
        if self._resolve is not None:
            return tokens(alert, self._resolve)
        key = (alert.entities, alert.observables)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            found = self._known[key] = tokens(alert)
        return found

    def settle(self) -> Changes:
        """Bring links and incidents up to date with all that was added."""
        pairs = self.pairs(self._dirty)
        linked: dict[int, dict[int, float]] = {}
        if len(pairs.later):
            p = self.model.probability(link_features(pairs.shared, self.lines.sides(pairs.earlier, pairs.later)))
            strong = np.flatnonzero(p >= LINKED_FROM)
            for earlier, later, chance in zip(
                pairs.earlier[strong].tolist(), pairs.later[strong].tolist(), p[strong].tolist(), strict=True
            ):
                linked.setdefault(later, {})[earlier] = chance
        touched = {number for number in self._dirty if number in self._joined or number in self._sides}
        for later in self._dirty:
            before, after = self._earlier[later], linked.get(later, {})
            if before == after:
                continue
            touched.update((later,), before, after)
            for earlier in before:
                del self._later[earlier][later]
            for earlier, chance in after.items():
                self._later[earlier][later] = chance
            self._earlier[later] = after
        self._dirty = set()
        return self._regrow(touched)

    def pairs(self, lines: Iterable[int]) -> Pairs:
        """Return each of ``lines`` paired with the earlier ones that it shares something with."""
        kept, bins = self.lines.kept, self.lines.bins
        wanted = ((n, int(bins[n]), kept[n].alert.tenant, kept[n].tokens, self.lines.margin(n) >= SUSPECT_FROM) for n in lines)
        return self._postings.pairs(wanted, bins, self.lines.order)

    def grove(self, number: int) -> Grove:
        """Return the lines that make one incident with line ``number``, in their order."""
        return self._grove_of.get(number) or Grove((number,), ())

    def split(self, split: int, sides: Sequence[Iterable[int]]) -> None:
        """Keep lines of different ``sides`` apart from now on; ``split`` names the split."""
        for side, lines in enumerate(sides):
            for line in lines:
                self._sides.setdefault(line, []).append((split, side))
                self._dirty.add(line)

    def unite(self, split: int) -> None:
        """Let a split be no more."""
        for line, sides in self._sides.items():
            if any(name == split for name, _ in sides):
                self._sides[line] = [side for side in sides if side[0] != split]
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
        return self._postings.named(line.place[0], line.alert.tenant, token)

    def forget(self) -> list[Grove]:
        """Let the lines go that are past the window; return the groves that lost any, as they were."""
        limit = self._horizon - WINDOW_BINS - LATE_BINS
        old = self.lines.before(limit)
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
            self._grove_of.pop(number, None)
        self._dirty.difference_update(old)
        self.lines.drop_before(limit)
        gone = set(old)
        for grove in told.values():
            left = tuple(n for n in grove.lines if n not in gone)
            for number in left:
                self._grove_of[number] = Grove(
                    left, tuple(e for e in grove.edges if e.earlier not in gone and e.later not in gone)
                )
        return list(told.values())

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
