"""Root cause: the attack chain of an incident, from where it got in, by which way, in which steps, and what is missing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

import msgspec

from models.incidents.entry import Entry, find_entry
from models.incidents.gaps import Gap, gaps
from models.incidents.incident import Incident
from models.incidents.path import MOST_LINES, Edge, Evidence, Path, add_late_source
from models.incidents.sightings import Node, Resolve, Sighting, sightings
from models.incidents.signature import Move, signature

MOST_EDGES, MOST_CONTACTS, MOST_STEP_NODES = 500, 200, 50
"""Edges of a path, contacts beside it, entities of a step: the first are kept."""
_PAUSE = timedelta(days=90)
"""A silence after which it may be another attack."""


class Step(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What was seen under one tactic (``""``: under none of the matrix): ``rules`` by name, the entities of the house (at most
    fifty), the uids of the first ``lines``, and how many alerts.
    """

    tactic: str
    techniques: tuple[str, ...]
    rules: tuple[str, ...]
    first: datetime
    last: datetime
    nodes: tuple[Node, ...]
    lines: tuple[str, ...]
    alerts: int


class Chain(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """The attack chain of an incident. It is a function of the set of its lines: late ones give the same chain.

    ``entry``: where it most likely got in, ``None`` where no alert names an entity of the house. ``path``: how each entity was
    reached, in the order of time; ``contacts``: what else had to do with what; ``left_out``: how many edges were one too many.
    ``confidence``: from 0 to 1 that the entry is right, with its ``reasons``. ``moves``: its signature.
    """

    incident: str
    tenant: str
    entry: Node | None = None
    entry_seen: bool = False
    path: tuple[Edge, ...] = ()
    contacts: tuple[Edge, ...] = ()
    left_out: int = 0
    steps: tuple[Step, ...] = ()
    missing: tuple[Gap, ...] = ()
    confidence: float = 0.0
    reasons: tuple[str, ...] = ()
    moves: tuple[Move, ...] = ()


def trace(
    incident: Incident,
    *,
    resolve: Resolve | None = None,
    hubs: Collection[Node] = frozenset(),
    past: Sequence[Sequence[Move]] = (),
) -> Chain:
    """Trace an incident back to where it began.

    ``resolve`` says which entity a name meant at a time (without it an address stays an address); ``hubs`` are entities that
    everything touches (a scanner, a proxy, a domain controller); ``past`` are signatures of past chains, for what to expect.
    """
    ordered = sightings(incident.lines, resolve)
    steps = _steps(ordered)
    moves = signature(ordered)
    entry = find_entry(ordered, Path(ordered), hubs)
    missing = gaps([step.tactic for step in steps], past, entry_seen=entry is not None and entry.seen)
    bare = Chain(incident=incident.uid, tenant=incident.tenant, steps=steps, moves=moves, missing=missing)
    if entry is None:
        return msgspec.structs.replace(bare, reasons=("no alert names a host, an account or an address of the house",))
    path = _path(ordered, entry)
    on_path = {(edge.source, edge.target) for edge in path}
    contacts = [edge for ends, edge in _contacts(ordered).items() if ends not in on_path]
    confidence, reasons = _confidence(entry, path, ordered)
    return msgspec.structs.replace(
        bare, entry=entry.node, entry_seen=entry.seen, path=tuple(path[:MOST_EDGES]), contacts=tuple(contacts[:MOST_CONTACTS]),
        left_out=max(len(path) - MOST_EDGES, 0) + max(len(contacts) - MOST_CONTACTS, 0), confidence=confidence, reasons=reasons,
    )  # fmt: skip


def _path(ordered: Sequence[Sighting], entry: Entry) -> list[Edge]:
    """Return the way from the entry on: what came before it is not of this attack."""
    later = ordered[next(i for i, seen in enumerate(ordered) if seen is entry.start) :]
    path = Path(later)
    add_late_source(path, (entry.node, *entry.beside), later)
    begin = {entry.node, entry.root, *entry.beside}
    found = path.connected(begin | {source for node in begin for source in path.sources(node)})
    return sorted(found, key=lambda edge: edge.time)


def _contacts(ordered: Sequence[Sighting]) -> dict[tuple[Node, Node], Edge]:
    found = Path()
    for seen in ordered:
        for source, target, evidence in _pairs(seen):
            if source != target and len(found.edges) < MOST_EDGES + MOST_CONTACTS:
                found.add(source, target, seen, evidence)
    return found.edges


def _pairs(seen: Sighting) -> Iterator[tuple[Node, Node, Evidence]]:
    yield from ((origin, place, Evidence.NAMED) for origin in seen.origins for place in (*seen.places, *seen.victims))
    yield from ((account, place, Evidence.ACCOUNT) for account in seen.accounts for place in seen.places)
    yield from ((place, called, Evidence.NAMED) for place in seen.places for called in seen.called)


def _steps(ordered: Sequence[Sighting]) -> tuple[Step, ...]:
    """Return what was seen under each tactic, in the order of its first sighting."""
    groups: dict[str, list[Sighting]] = {}
    for seen in ordered:
        groups.setdefault(seen.tactic, []).append(seen)
    return tuple(_step(tactic, some) for tactic, some in groups.items())


def _step(tactic: str, some: Sequence[Sighting]) -> Step:
    nodes = dict.fromkeys(node for seen in some for node in seen.nodes if node.is_inside)
    return Step(
        tactic=tactic, techniques=tuple(dict.fromkeys(name for seen in some for name in seen.line.techniques)),
        rules=tuple(dict.fromkeys(seen.line.rule.name or seen.line.rule.uid for seen in some)),
        first=some[0].time, last=max(seen.line.last for seen in some), nodes=tuple(nodes)[:MOST_STEP_NODES],
        lines=tuple(seen.line.uid for seen in some[:MOST_LINES]), alerts=sum(seen.line.alerts for seen in some),
    )  # fmt: skip


def _confidence(entry: Entry, path: Sequence[Edge], ordered: Sequence[Sighting]) -> tuple[float, tuple[str, ...]]:
    """Return how sure the entry is: a product of what speaks against it, each with its reason."""
    inferred = sum(edge.evidence is Evidence.INFERRED for edge in path) / len(path) if path else 0.0
    pause = max((b.time - a.time for a, b in pairwise(ordered)), default=timedelta())
    factors = (
        (1.0 if entry.seen else 0.7, "an alert shows the way in" if entry.seen else "no alert shows the way in"),
        (0.5 + 0.5 * entry.explains, f"{entry.explains:.0%} of the lines follow from it"),
        (1.0 / (1.0 + entry.rivals), f"{entry.rivals} others explain about as much" if entry.rivals else ""),
        (1.0 - 0.3 * inferred, f"{inferred:.0%} of the path is inferred, no alert names it" if inferred else ""),
        (0.5 if entry.hub else 1.0, "a known hub: nothing else was there" if entry.hub else ""),
        (0.5 if pause > _PAUSE else 1.0, f"{pause.days} days of silence within: it may be two attacks" if pause > _PAUSE else ""),
    )
    confidence = 1.0
    for factor, _ in factors:
        confidence *= factor
    return round(confidence, 3), tuple(reason for _, reason in factors if reason)
