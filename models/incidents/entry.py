"""Where an attack most likely got in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import NamedTuple

from models.incidents.path import BURST, Evidence, Path, spread
from models.incidents.sightings import Node, Sighting

_MOST_ROOTS = 100
"""Possible entries that are held against each other: the earliest."""
_AS_GOOD = 0.8
"""A rival that explains this share of what the best explains is as good as it."""


class Entry(NamedTuple):
    """The likely entry ``node``; ``root`` is where its traces begin, which may be the machine of the account that was the entry.

    ``beside``: machines that fell together with it. ``start``: the sighting from which on it is the attacker's. ``explains``:
    share of the lines that follow from it; ``rivals``: how many others explain about as much. ``seen``: an alert speaks of the
    way in. ``hub``: a known hub, as nothing else was there.
    """

    node: Node
    root: Node
    beside: tuple[Node, ...]
    start: Sighting
    explains: float
    rivals: int
    seen: bool
    hub: bool


def find_entry(ordered: Sequence[Sighting], path: Path, hubs: Collection[Node] = ()) -> Entry | None:
    """Return the entry: of all that nothing of the house leads to, what most of the incident follows from.

    Equal ones: the one seen first. A hub only where nothing else is there. ``None`` if no line names anything of the house.
    """
    roots = _roots(path, hubs)
    if not roots:
        return None
    follows = _follows(ordered, path, roots)
    best = max(roots, key=lambda node: (node not in hubs, follows[node]))
    rivals = sum(node not in hubs and follows[node] >= _AS_GOOD * follows[best] for node in roots if node != best)
    start, seen = _start(best, ordered, path)
    beside = _beside(best, roots, path)
    node = best if seen or beside else _owner(best, ordered)
    return Entry(node, best, beside, start, follows[best] / len(ordered), rivals, seen, best in hubs)


def _roots(path: Path, hubs: Collection[Node]) -> list[Node]:
    """Return what of the house nothing of the house leads to, in the order of time, hubs last.

    An account that is only ever used on machines leads to none of them: it is known by them.
    """
    only_used = {
        source for (source, _), edge in path.edges.items()
        if edge.evidence is Evidence.ACCOUNT and source not in path.reached[source].victims
    }  # fmt: skip
    led = {
        target for (source, target), edge in path.edges.items()
        if source.is_inside and source not in only_used and target in path.reached and edge.time <= path.reached[target].time
    }  # fmt: skip
    roots = [node for node in path.reached if node not in led and node not in only_used]
    return sorted(roots, key=lambda node: node in hubs)[:_MOST_ROOTS]


def _follows(ordered: Sequence[Sighting], path: Path, roots: Sequence[Node]) -> dict[Node, int]:
    """Return for each root how many lines happened on what was reached from it."""
    after: dict[Node, list[Node]] = {}
    for source, target in path.edges:
        after.setdefault(source, []).append(target)
    where = Counter((*seen.places, *seen.victims) for seen in ordered)
    reach = {root: spread([root], after) for root in roots}
    return {root: sum(n for nodes, n in where.items() if not found.isdisjoint(nodes)) for root, found in reach.items()}


def _start(root: Node, ordered: Sequence[Sighting], path: Path) -> tuple[Sighting, bool]:
    """Return from which sighting on the root is the attacker's, and whether that shows the way in.

    It is the first of initial access on it, else the first of all; or the first that names the address outside that led there.
    """
    ways_in = [seen for seen in ordered if seen.tactic == "initial-access" and root in (*seen.places, *seen.victims)]
    first = ways_in[0] if ways_in else path.reached[root]
    outside = {source for source in path.sources(root) if not source.is_inside}
    for seen in ordered:
        if seen is first or not outside.isdisjoint(seen.origins):
            return seen, bool(ways_in or outside)
    return first, bool(ways_in or outside)


def _beside(root: Node, roots: Sequence[Node], path: Path) -> tuple[Node, ...]:
    """Return the other machines that fell within minutes of a machine, with nothing that leads from the one to the other.

    One cause hit them all, as software that all of them run: it was not by the person who uses one of them.
    """
    if root.is_account:
        return ()
    near = (node for node in roots if node != root and not node.is_account)
    return tuple(node for node in near if abs(path.reached[node].time - path.reached[root].time) < BURST)


def _owner(root: Node, ordered: Sequence[Sighting]) -> Node:
    """Return who alone uses a machine on which the way in was not seen, as it came by that person; else the machine."""
    users = {seen.accounts for seen in ordered if root in seen.places}
    accounts = users.pop() if len(users) == 1 else ()
    return accounts[0] if len(accounts) == 1 else root
