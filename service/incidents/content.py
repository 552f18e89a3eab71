"""What an incident holds: lines that correlation still knows, and those that have left its window, as they were."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from itertools import pairwise

import msgspec

from models.incidents.correlator import Correlator
from models.incidents.forest import Grove, Parts, groves
from models.incidents.incident import Incident, Line, Link
from models.incidents.lines import NAMED_ALERTS
from models.incidents.telling import tell

MOST_PAST_LINES = 1_000
"""Lines past the window that an incident goes on to hold, the latest of them; the alerts of others stay counted."""
JOINED = "joined by an analyst"
PAST = "by way of lines no longer listed"


def connected(correlator: Correlator, grove: Grove, without: Container[int]) -> list[Grove]:
    """Return the parts of a grove that hang together when lines are left out."""
    lines = [number for number in grove.lines if number not in without]
    inside = set(lines)
    edges = [edge for edge in grove.edges if edge.earlier in inside and edge.later in inside]
    if len(edges) == len(lines) - 1:  # still a tree
        return [Grove(tuple(lines), tuple(edges))]
    return groves(lines, edges, {})


def compose(
    correlator: Correlator,
    name: tuple[str, str],
    pieces: Sequence[Grove],
    past: tuple[Iterable[Line], Iterable[Link]],
    before: dict[str, Line],
) -> Incident:
    """Return the content of an incident: the lines of ``pieces``, and ``past`` lines with the links that hold on to them.

    ``name``: its uid and tenant; ``before``: what was counted of lines before correlation knew them (again).
    """
    uid, tenant = name
    numbers = sorted((number for piece in pieces for number in piece.lines), key=correlator.lines.place)
    edges = tuple(edge for piece in pieces for edge in piece.edges)
    lines, found = list(past[0]), list(past[1])
    if numbers:
        told = tell(correlator, Grove(tuple(numbers), edges), uid)
        lines += [_together(before[line.uid], line) if line.uid in before else line for line in told.lines]
        found += told.links
    lines.sort(key=lambda line: (line.first, line.uid))
    return Incident(uid=uid, tenant=tenant, lines=tuple(lines), links=tree(found, (line.uid for line in lines)))


def tree(links: Iterable[Link], lines: Iterable[str]) -> tuple[Link, ...]:
    """Return those of the links between ``lines`` that close no circle, earlier ones first served."""
    parts = Parts(lines)
    known = parts.above
    kept = [link for link in links if link.earlier in known and link.later in known and parts.join(link.earlier, link.later)]
    return tuple(sorted(kept, key=lambda link: (link.earlier, link.later)))


def part(incident: Incident, uid: str, lines: Container[str]) -> Incident:
    """Return the part of an incident that has only ``lines``; what no longer hangs together is joined, last line to last line."""
    kept = [line for line in incident.lines if line.uid in lines]
    links = [link for link in incident.links if link.earlier in lines and link.later in lines]
    whole = tree([*links, *(join(one, other) for one, other in pairwise(kept))], (line.uid for line in kept))
    return Incident(uid=uid, tenant=incident.tenant, lines=tuple(kept), links=whole)


def join(one: Line, other: Line) -> Link:
    """Return the link by which an analyst holds two lines together."""
    earlier, later = sorted((one, other), key=lambda line: (line.first, line.uid))
    return Link(earlier.uid, later.uid, 1.0, (JOINED,))


def trimmed(past: Sequence[Line], links: Sequence[Link]) -> tuple[list[Line], list[Link], list[Line]]:
    """Return the past lines that are kept, the links that hold on to them, and the lines that are not kept.

    What hung together by way of lines that are cut is linked past them.
    """
    ordered = sorted(past, key=lambda line: (line.first, line.uid))
    at = max(len(ordered) - MOST_PAST_LINES, 0)
    cut, kept = ordered[:at], ordered[at:]
    if not cut:
        return kept, list(links), []
    stays = {line.uid for line in kept}
    ends = {line.uid: line.uid for line in cut}

    def end(line: str) -> str:
        """Return what a line that is cut stands for: a kept line that it hung together with, as soon as there is one."""
        while line in ends and ends[line] != line:
            line = ends[line]
        return line

    found = []
    for link in sorted(links, key=lambda link: (link.later not in stays, link.earlier, link.later)):
        one, other = end(link.earlier), end(link.later)
        if one in ends:
            ends[one] = other
        elif other in ends:
            ends[other] = one
        elif one != other:
            found.append(link if (one, other) == (link.earlier, link.later) else Link(one, other, link.probability, (PAST,)))
    return kept, found, cut


def earlier_part(stored: Line, known: Line | None) -> Line | None:
    """Return what a stored line counts beyond what is ``known`` of it now; ``None`` if nothing."""
    if known is None:
        return stored
    if stored.alerts <= known.alerts:
        return None
    uids = tuple(uid for uid in stored.alert_uids if uid not in set(known.alert_uids))
    return msgspec.structs.replace(stored, alerts=stored.alerts - known.alerts, alert_uids=uids)


def _together(before: Line, line: Line) -> Line:
    return msgspec.structs.replace(
        line,
        first=min(before.first, line.first),
        last=max(before.last, line.last),
        score=max(before.score, line.score),
        anomaly=max(before.anomaly, line.anomaly),
        alerts=before.alerts + line.alerts,
        alert_uids=tuple(dict.fromkeys((*before.alert_uids, *line.alert_uids)))[:NAMED_ALERTS],
    )
