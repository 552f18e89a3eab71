"""What hangs together now: the trees of correlation, and what incidents hold on to from before its window."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from models.incidents.forest import Grove, Parts
from models.incidents.incident import Line, Link
from service.incidents.book import Book
from service.incidents.content import connected
from service.incidents.held import Held


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


def groups(book: Book, starts: Iterable[int], also: Collection[Held] = ()) -> tuple[list[Group], dict[str, Held]]:
    """Return what ``starts`` (lines in the window) and the incidents ``also`` hang together with, and all incidents concerned.

    Lines of closed incidents stay what they are, and join nothing.
    """
    pieces, held = _reach(book, starts, also)
    past = {uid: [line for line in one.incident.lines if line.uid not in book.numbers] for uid, one in held.items()}
    node: dict[str, int] = {book.uids[number]: i for i, piece in enumerate(pieces) for number in piece.lines}
    for i, lines in enumerate(past.values(), len(pieces)):
        node |= dict.fromkeys((line.uid for line in lines), i)
    links = [
        link
        for one in held.values()
        for link in one.incident.links
        if not (link.earlier in book.numbers and link.later in book.numbers) and link.earlier in node and link.later in node
    ]
    parts = Parts(range(len(pieces) + len(past)))
    for link in links:
        parts.join(node[link.later], node[link.earlier])
    found: dict[int, Group] = {}
    for i, piece in enumerate(pieces):
        group = found.setdefault(parts.root(i), Group())
        group.pieces.append(piece)
        group.claims.update(one.uid for n in piece.lines if (one := book.lister(book.uids[n])) is not None)
    for i, (uid, lines) in enumerate(past.items(), len(pieces)):
        if lines:
            group = found.setdefault(parts.root(i), Group())
            group.past += lines
            group.claims[uid] += len(lines)
    for link in links:
        found[parts.root(node[link.earlier])].links.append(link)
    return list(found.values()), held


def _reach(book: Book, starts: Iterable[int], also: Collection[Held]) -> tuple[list[Grove], dict[str, Held]]:
    """Return the trees that lines are in, and those of all incidents that any of these lines is of, and so on."""
    pieces: list[Grove] = []
    held = {one.uid: one for one in also}
    ahead = [*starts, *(number for one in also for number in _numbers(book, one))]
    seen: set[int] = set()
    while ahead:
        number = ahead.pop()
        if number in seen:
            continue
        grove = book.correlator.grove(number)
        seen.update(grove.lines)
        closed = {n for n in grove.lines if book.is_closed(book.uids[n])}
        for piece in connected(book.correlator, grove, closed):
            pieces.append(piece)
            for n in piece.lines:
                one = book.lister(book.uids[n])
                if one is not None and one.uid not in held:
                    held[one.uid] = one
                    ahead += _numbers(book, one)
    return pieces, held


def _numbers(book: Book, one: Held) -> list[int]:
    return [book.numbers[line.uid] for line in one.incident.lines if line.uid in book.numbers]
