"""How each thing of the house was reached: the path of an attack on the entity graph."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from features.alert import EntityKind
from models.incidents.sightings import Node, Sighting

MOST_LINES = 10
"""Lines that an edge names as its evidence."""
BURST = timedelta(minutes=10)
"""What falls within so short a time of each other falls from the same place."""
_OUTBOUND = frozenset({"command-and-control", "exfiltration"})
"""What goes from a place to an address outside, whichever end an alert calls the source."""
_PROBES = frozenset({"reconnaissance", "discovery"})
"""Looking at a place is not holding it."""


class Evidence(StrEnum):
    """What an edge rests on."""

    NAMED = "named"
    """An alert names both ends: done from the one on the other."""
    ACCOUNT = "account"
    """An alert names the account in whose name it was done there."""
    INFERRED = "inferred"
    """No alert says where it came from: it is where the attacker was before."""


class Edge(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """From ``source`` to ``target``: first at ``time`` under ``tactic`` and ``rule`` (its uid); ``lines``: uids, at most ten."""

    source: Node
    target: Node
    time: datetime
    tactic: str
    rule: str
    lines: tuple[str, ...]
    evidence: Evidence


Ends = tuple[Node, Node]


class Path:
    """The way of an attack: ``edges`` by their ends, and by which sighting each thing of the house was ``reached`` first.

    An alert that names where from is taken at its word. An address outside counts only for what was not reached before, and
    an account that was the attacker's already explains a machine better than an address. Where no alert says anything, a
    machine was reached from the one held before, unless it is the first on which an account of the attacker's is used; a
    new account was taken where credentials were taken last.

    ``ordered``: sightings in the order of time.
    """

    def __init__(self, ordered: Iterable[Sighting] = ()) -> None:
        self.edges: dict[Ends, Edge] = {}
        self.reached: dict[Node, Sighting] = {}
        self._held: dict[Node, datetime] = {}
        self._waiting: deque[Node] = deque()
        self._before: Node | None = None
        self._robbed: Node | None = None
        self._used: set[Node] = set()
        for seen in ordered:
            self._follow(seen)

    def _follow(self, seen: Sighting) -> None:
        self._age(seen.time)
        for account in seen.accounts:
            if account not in self.reached and self._robbed is not None:
                self.add(self._robbed, account, seen, Evidence.INFERRED)
        for place in seen.places:
            if place.is_inside:
                self._arrive(place, seen)
        for victim in seen.victims:
            if victim not in self.reached:
                self._fall(victim, seen)
        for node in seen.nodes:
            if node.is_inside:
                self.reached.setdefault(node, seen)
        self._hold(seen)

    def _arrive(self, place: Node, seen: Sighting) -> None:
        """Add how a machine was reached."""
        inside = [origin for origin in seen.origins if origin.is_inside and origin != place]
        for origin in inside:
            self.add(origin, place, seen, Evidence.NAMED)
        if not inside and place not in self.reached:
            self._arrive_first(place, seen)
        for account in seen.accounts:
            self.add(account, place, seen, Evidence.ACCOUNT)

    def _arrive_first(self, place: Node, seen: Sighting) -> None:
        known = [account for account in seen.accounts if account in self.reached]
        outside = () if seen.tactic in _OUTBOUND else seen.outside
        for origin in () if known else outside:
            self.add(origin, place, seen, Evidence.NAMED)
        held = self._before
        if held is None and seen.tactic == "lateral-movement":  # a move comes from somewhere, however soon
            held = next(iter(self._held), None)
        if held is not None and not outside and self._used.issuperset(known):
            self.add(held, place, seen, Evidence.INFERRED)

    def _fall(self, victim: Node, seen: Sighting) -> None:
        """Add how an account was reached."""
        from_where = (*seen.origins, *(place for place in seen.places if place.is_inside))
        for origin in from_where:
            self.add(origin, victim, seen, Evidence.NAMED)
        if not from_where and self._robbed is not None:
            self.add(self._robbed, victim, seen, Evidence.INFERRED)

    def _hold(self, seen: Sighting) -> None:
        """Keep the machines that the attacker holds, and the one on which credentials were taken last."""
        machines = [place for place in seen.places if place.is_inside]
        if not machines:
            return
        self._used.update(seen.accounts)
        if seen.tactic not in _PROBES:
            new = [machine for machine in machines if machine not in self._held]
            self._held.update(dict.fromkeys(new, seen.time))
            self._waiting.extend(new)
        if seen.tactic == "credential-access":
            self._robbed = machines[0]

    def _age(self, now: datetime) -> None:
        """Let what was held before this moment's burst began be where the next comes from."""
        while self._waiting and now - self._held[self._waiting[0]] >= BURST:
            self._before = self._waiting.popleft()

    def add(self, source: Node, target: Node, seen: Sighting, evidence: Evidence) -> None:
        """Add an edge, or a line to the one that there is."""
        edge = self.edges.get((source, target))
        if edge is None:
            self.edges[source, target] = Edge(
                source=source, target=target, time=seen.time, tactic=seen.tactic, rule=seen.line.rule.uid,
                lines=(seen.line.uid,), evidence=evidence,
            )  # fmt: skip
        elif len(edge.lines) < MOST_LINES and seen.line.uid not in edge.lines:
            self.edges[source, target] = msgspec.structs.replace(edge, lines=(*edge.lines, seen.line.uid))

    def sources(self, target: Node) -> list[Node]:
        """Return from where edges lead to a node."""
        return [source for source, end in self.edges if end == target]

    def connected(self, start: Collection[Node]) -> list[Edge]:
        """Return the edges among what was reached from ``start``, the accounts used there, and addresses of the house from which it
        was done: without its name, an address may be any machine of the path.
        """
        after: dict[Node, list[Node]] = {}
        for (source, target), edge in self.edges.items():
            after.setdefault(source, []).append(target)
            if edge.evidence is Evidence.ACCOUNT or (source.kind == EntityKind.ADDRESS and source.is_inside):
                after.setdefault(target, []).append(source)
        found = spread(start, after)
        return [edge for (source, target), edge in self.edges.items() if source in found and target in found]


def spread(start: Iterable[Node], after: dict[Node, list[Node]]) -> set[Node]:
    """Return all nodes to which ways lead from ``start``, it included."""
    found = set(start)
    waiting = list(found)
    while waiting:
        for node in after.get(waiting.pop(), ()):
            if node not in found:
                found.add(node)
                waiting.append(node)
    return found


def add_late_source(path: Path, nodes: Collection[Node], ordered: Sequence[Sighting]) -> None:
    """Where no edge leads to what fell first, add those from the addresses outside that alerts on it name first, as inferred."""
    loose = [node for node in nodes if not path.sources(node)]
    for seen in ordered:
        if loose and seen.outside and any(node in seen.nodes for node in loose):
            for origin in seen.outside:
                for node in loose:
                    path.add(origin, node, seen, Evidence.INFERRED)
            return
