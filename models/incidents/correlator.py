"""The correlator: alerts in, incidents out, as they come and in any order."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from features.alert import Alert, main_entity
from models.errors import CorrelationError
from models.incidents.choices import LINKED_FROM, Choices
from models.incidents.corrections import Corrections
from models.incidents.forest import Edge, Grove, bridges, groves
from models.incidents.lines import Kept, Key, LineTable, bin_of, line_key, severity_score
from models.incidents.link_model import LinkModel, link_features
from models.incidents.links import LATE_BINS, SUSPECT_FROM, logit
from models.incidents.postings import WINDOW_BINS, Pairs, Postings
from models.incidents.tokens import Resolve, Token, tokens

SAID_FROM = 0.05
"""Two lines that are less likely of one incident have nothing to say to each other: most pairs, which share a busy host by chance."""
RAISED_FROM = 0.1
"""An incident is shown once one of its alerts has this score; until then its alerts are background."""


class Changes(NamedTuple):
    """What became of lines since the last time: their numbers in the groves they make now, and what was let go."""

    made: list[Grove]
    dissolved: set[int]
    """First lines of the groves that are no more."""


class Correlator:
    """Joins alerts of any number of tenants into incidents.

    Each line is linked with the earlier and with the later line that it most likely shares an incident with; incidents are the
    trees that grow along these links, the strongest first, as long as what is said between their lines agrees. That depends on the
    set of lines only, not on the order in which they came, as long as none comes more than a day late. Work is bounded: a token that
    many lines name links nothing, and lines leave after the window; what is left of their incident stays one.
    """

    def __init__(self, model: LinkModel, resolve: Resolve | None = None) -> None:
        self.model = model
        self.lines = LineTable()
        self._resolve = resolve
        self._postings = Postings(self.lines)
        self._choices = Choices(self.lines.place)
        self._corrections = Corrections()
        self._left: dict[int, set[Edge]] = {}
        """What holds together what is left of groves that lost lines."""
        self._changed: set[int] = set()
        self._dirty: set[int] = set()
        self._touched: set[int] = set()
        self._grove_of: dict[int, Grove] = {}
        self._horizon: int | None = None

    def add(self, alert: Alert, score: float | None, anomaly: float = 0.0) -> int:
        """Take an alert with its score (``None``: no model spoke) and its surprise in bits; return the number of its line."""
        key = line_key(alert)
        line = self.lines.find(key)
        changed = line is None
        if line is None:
            line = self._begin(key, alert)
        elif line.is_after(alert):
            changed = self._recast(line, alert)
        counted = severity_score(alert.severity) if score is None or math.isnan(score) else score
        rose = counted > line.score and self._rise(line, counted)
        line.add(alert, counted, anomaly)
        if changed or rose:
            self._changed.add(line.number)
        return line.number

    def _begin(self, key: Key, alert: Alert) -> Kept:
        line = self.lines.add(key, alert, tokens(alert, self._resolve))
        self._postings.add(line)
        self._advance(alert, key)
        return line

    def _advance(self, alert: Alert, key: Key) -> None:
        now = min(bin_of(alert.received_time), key[-1] + LATE_BINS)
        self._horizon = now if self._horizon is None else max(self._horizon, now)

    def _recast(self, line: Kept, alert: Alert) -> bool:
        """Let an earlier alert speak for a line; return whether links may change."""
        found, before = tokens(alert, self._resolve), line.alert.tactics
        if found != line.tokens:
            self._dirty |= self._postings.later([line])
            self._postings.drop(line)
        self.lines.recast(line, alert, found)
        if not line.postings:
            self._postings.add(line)
            if line.margin >= SUSPECT_FROM:
                self._postings.suspect(line)
            return True
        return alert.tactics != before

    def _rise(self, line: Kept, score: float) -> bool:
        """Bring the score of a line up; return whether that means anything to its links."""
        margin, before = logit(score), line.margin
        if margin <= before:
            return False
        self.lines.rise(line, margin)
        if before < SUSPECT_FROM <= margin:
            self._postings.suspect(line)
        return True

    def settle(self) -> Changes:
        """Bring links and incidents up to date with all that was added."""
        self._spread()
        pairs = self.pairs(self._dirty)
        said: dict[int, dict[int, float]] = {}
        if len(pairs.later):
            p = self.model.probability(link_features(pairs.shared, self.lines.sides(pairs.earlier, pairs.later)))
            told = np.flatnonzero(p >= SAID_FROM)
            found = (column[told].tolist() for column in (pairs.earlier, pairs.later, p))
            for earlier, later, chance in zip(*found, strict=True):
                said.setdefault(later, {})[earlier] = chance
        for later in self._dirty:
            self._touched |= self._choices.link(later, said.get(later, {}))
        touched, self._dirty, self._touched = self._touched, set(), set()
        return self._regrow(touched)

    def _spread(self) -> None:
        """Bear in mind which links may change by the lines that changed."""
        self._dirty |= self._postings.later(map(self.lines.kept.__getitem__, self._changed))
        self._changed = set()

    def pairs(self, lines: Iterable[int]) -> Pairs:
        """Return each of ``lines`` paired with the earlier ones that it shares something with."""
        return self._postings.pairs(map(self.lines.kept.__getitem__, lines))

    def grove(self, number: int) -> Grove:
        """Return the lines that make one incident with line ``number``, in their order."""
        return self._grove_of.get(number) or Grove((number,), ())

    def is_raised(self, lines: Iterable[int]) -> bool:
        """Return whether any of the lines is so suspicious that their incident is shown."""
        return any(self.lines.kept[number].score >= RAISED_FROM for number in lines)

    def split(self, split: int, sides: Sequence[Iterable[int]]) -> None:
        """Keep lines of different ``sides`` apart from now on; ``split`` names the split. It outdoes any merge."""
        given = [list(lines) for lines in sides]
        self._corrections.split(split, given)
        self._touched.update(line for lines in given for line in lines)

    def unite(self, split: int) -> None:
        """Let a split be no more."""
        self._touched.update(self._corrections.unite(split))

    def merge(self, one: int, other: int) -> None:
        """Hold two lines together from now on, whatever the model says. Raises ``CorrelationError`` if they are two tenants'."""
        tenants = [self.lines.kept[line].alert.tenant for line in (one, other)]
        if tenants[0] != tenants[1]:
            raise CorrelationError(*tenants)
        self._corrections.merge(one, other)
        self._touched.update((one, other))

    def hold(self, one: int, other: int, chance: float) -> None:
        """Hold two lines together as what is left of a grove that lost lines."""
        self._keep(self._edge(one, other, chance))
        self._touched.update((one, other))

    def _edge(self, one: int, other: int, chance: float) -> Edge:
        earlier, later = sorted((one, other), key=self.lines.place)
        return Edge(earlier, later, chance)

    def _keep(self, edge: Edge) -> None:
        for end in edge[:2]:
            self._left.setdefault(end, set()).add(edge)

    def joined(self, one: int, other: int) -> bool:
        """Return whether an analyst holds two lines together."""
        return self._corrections.are_joined(one, other)

    def bridged(self, edge: Edge) -> bool:
        """Return whether an edge holds by what was let go: the two lines are no link any more, or never were one."""
        linked = self._choices.said(edge.later).get(edge.earlier, 0.0) >= LINKED_FROM
        return edge in self._left.get(edge.earlier, ()) and not linked

    def named(self, line: Kept, token: Token) -> int:
        """Return how many lines named a token of ``line`` in the window up to it, itself among them."""
        return self._postings.named(line, token)

    def forget(self, now: Alert | None = None) -> list[Grove]:
        """Let the lines go that are past the window, whose end an alert that comes next may tell; return the groves that lost
        any, as they were.

        What is left of a grove stays one, and on the side of a split on which it was. To be called when all is settled.
        """
        if now is not None:
            self._advance(now, line_key(now))
        limit = (self._horizon or 0) - WINDOW_BINS - LATE_BINS
        old = self.lines.before(limit)
        if not old:
            return []
        gone = {line.number for line in old}
        lost = list({id(grove): grove for grove in map(self._grove_of.get, gone) if grove is not None}.values())
        self._hold(gone, lost)
        for grove in lost:
            left = [number for number in grove.lines if number not in gone]
            self._corrections.pass_on((number for number in grove.lines if number in gone), left)
        self._spread()
        self._postings.drop_before(limit, old)
        self._choices.drop(gone)
        for number in gone:
            self._corrections.drop(number)
        self._dirty -= gone
        self._touched -= gone
        self.lines.drop(old)
        for grove in lost:
            for number in grove.lines:
                del self._grove_of[number]
            self._grow({number for number in grove.lines if number not in gone}, ())
        return lost

    def _hold(self, gone: set[int], lost: Iterable[Grove]) -> None:
        """Hold together what is left of groves when lines go: by what is left of their trees, and bridges over the gaps."""
        for edge in {edge for number in gone for edge in self._left.pop(number, ())}:
            for end in edge[:2]:
                if held := self._left.pop(end, set()) - {edge}:
                    self._left[end] = held
        for grove in lost:
            order = {number: place for place, number in enumerate(grove.lines)}
            broken = [edge for edge in grove.edges if edge.earlier in gone or edge.later in gone]
            for edge in (*set(grove.edges).difference(broken), *bridges(gone.intersection(order), broken, order)):
                self._keep(edge)

    def _held(self, number: int) -> Collection[Edge]:
        """Return the edges of a line that hold whatever is said: what analysts joined, and what is left of former trees."""
        joined, left = self._corrections.joined(number), self._left.get(number, ())
        return [*(self._edge(number, other, 1.0) for other in joined), *left] if joined else left

    def _regrow(self, touched: set[int]) -> Changes:
        """Make the trees anew in which anything was touched."""
        reached: set[int] = set()
        edges: list[Edge] = []
        ahead = list(touched)
        dissolved: set[int] = set()
        while ahead:
            number = ahead.pop()
            if number in reached:
                continue
            reached.add(number)
            beside = self._choices.beside(number)
            edges += [edge for edge in beside.values() if edge.later == number]
            ahead += beside
            ahead += (edge.earlier if edge.later == number else edge.later for edge in self._held(number))
            before = self._grove_of.get(number)
            if before is not None and before.lines[0] not in dissolved:
                dissolved.add(before.lines[0])
                ahead += before.lines
        return Changes(self._grow(reached, edges), dissolved)

    def _grow(self, lines: set[int], edges: Collection[Edge]) -> list[Grove]:
        """Make the trees of ``lines`` that grow along ``edges``, and along those that hold whatever is said."""
        held = {edge for number in lines for edge in self._held(number) if edge.earlier in lines and edge.later in lines}
        ordered = self.lines.ordered(lines)
        made = groves(ordered, edges, self._corrections.sides, said=self._choices.told(ordered) if edges else (), held=held)
        for grove in made:
            self._grove_of.update(dict.fromkeys(grove.lines, grove))
        return made


def background(alert: Alert) -> str:
    """Return what names the background that an alert of no incident is filed under: its user, else its main entity, and its day."""
    user = next((entity.uid for entity in alert.entities if entity.kind.value == "user"), "")
    return f"{alert.tenant}\x1f{user or main_entity(alert).uid}\x1f{alert.time:%Y-%m-%d}"
