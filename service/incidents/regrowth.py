"""What hangs together now: the trees of correlation, and what incidents hold on to from before its window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from models.incidents.correlator import Correlator
from models.incidents.forest import Grove
from models.incidents.incident import Line, Link
from service.incidents.content import connected
from service.incidents.held import Held


class Known(NamedTuple):
    """What is known of lines: the numbers of those in the window, by uid, and back; and of which open incident a line is."""

    correlator: Correlator
    numbers: Mapping[str, int]
    uids: Mapping[int, str]
    holder: Callable[[str], Held | None]
    closed: Callable[[str], bool]


@dataclass
class Group:
    """Lines that are one incident: trees, and the past of incidents, joined by ``links`` of which one end at least is past."""

    pieces: list[Grove] = field(default_factory=list)
    past: list[Line] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    claims: Counter[str] = field(default_factory=Counter)
    """How many of its lines were in which incident before."""

    def numbers(self) -> list[int]:
        """Return the numbers of its lines in the window."""
        return [number for piece in self.pieces for number in piece.lines]


def groups(known: Known, starts: Iterable[int], also: Collection[Held] = ()) -> tuple[list[Group], dict[str, Held]]:
    """Return what ``starts`` (lines in the window) and the incidents ``also`` hang together with, and all incidents concerned.

    Lines of closed incidents stay what they are, and join nothing.
    """
    pieces, held = _reach(known, starts, also)
    past = {uid: [line for line in one.incident.lines if line.uid not in known.numbers] for uid, one in held.items()}
    node: dict[str, int] = {known.uids[number]: i for i, piece in enumerate(pieces) for number in piece.lines}
    for i, lines in enumerate(past.values(), len(pieces)):
        node |= dict.fromkeys((line.uid for line in lines), i)
    links = [
        link
        for one in held.values()
        for link in one.incident.links
        if not (link.earlier in known.numbers and link.later in known.numbers) and link.earlier in node and link.later in node
    ]
    roots = _roots(len(pieces) + len(past), [(node[link.earlier], node[link.later]) for link in links])
    found: dict[int, Group] = {}
    for i, piece in enumerate(pieces):
        group = found.setdefault(roots[i], Group())
        group.pieces.append(piece)
        group.claims.update(one.uid for n in piece.lines if (one := known.holder(known.uids[n])) is not None)
    for i, (uid, lines) in enumerate(past.items(), len(pieces)):
        if lines:
            group = found.setdefault(roots[i], Group())
            group.past += lines
            group.claims[uid] += len(lines)
    for link in links:
        found[roots[node[link.earlier]]].links.append(link)
    return list(found.values()), held


def _reach(known: Known, starts: Iterable[int], also: Collection[Held]) -> tuple[list[Grove], dict[str, Held]]:
    """Return the trees that lines are in, and those of all incidents that any of these lines is of, and so on."""
    pieces: list[Grove] = []
    held = {one.uid: one for one in also}
    ahead = [*starts, *(number for one in also for number in _numbers(known, one))]
    seen: set[int] = set()
    while ahead:
        number = ahead.pop()
        if number in seen:
            continue
        grove = known.correlator.grove(number)
        seen.update(grove.lines)
        closed = {n for n in grove.lines if known.closed(known.uids[n])}
        for piece in connected(known.correlator, grove, closed):
            pieces.append(piece)
            for n in piece.lines:
                one = known.holder(known.uids[n])
                if one is not None and one.uid not in held:
                    held[one.uid] = one
                    ahead += _numbers(known, one)
    return pieces, held


def _numbers(known: Known, one: Held) -> list[int]:
    return [known.numbers[line.uid] for line in one.incident.lines if line.uid in known.numbers]


def _roots(count: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    above = list(range(count))

    def root(i: int) -> int:
        while above[i] != i:
            above[i] = above[above[i]]
            i = above[i]
        return i

    for one, other in pairs:
        above[root(one)] = root(other)
    return [root(i) for i in range(count)]
