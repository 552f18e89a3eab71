"""Telling: from trees of line numbers to an incident that a person or a machine can read, each link with its why."""

from __future__ import annotations

from datetime import datetime

from models.incidents.attack import tactic_place
from models.incidents.correlator import Correlator
from models.incidents.forest import Edge, Grove
from models.incidents.incident import Incident, Link
from models.incidents.lines import Kept
from models.incidents.postings import HUB_LINES
from models.incidents.printable import printable
from models.incidents.tokens import ACTOR, Sort

_SHARED_TOLD = 3
_SORT = {Sort.NODE: "", Sort.USER: "user ", Sort.OUTSIDE: ""}


def tell(correlator: Correlator, grove: Grove, uid: str) -> Incident:
    """Return a grove as an incident of the name ``uid``."""
    lines = sorted((correlator.lines.kept[number] for number in grove.lines), key=_by_time)
    return Incident(
        uid=uid,
        tenant=lines[0].alert.tenant,
        lines=tuple(line.told() for line in lines),
        links=tuple(_link(correlator, edge) for edge in grove.edges),
    )


def _by_time(line: Kept) -> tuple[datetime, int]:
    """Return what lines are told in the order of; places tell no more than bins of time."""
    return line.first, line.place


def _link(correlator: Correlator, edge: Edge) -> Link:
    earlier, later = sorted((correlator.lines.kept[edge.earlier], correlator.lines.kept[edge.later]), key=_by_time)
    why = why_linked(correlator, earlier, later)
    if correlator.joined(edge.earlier, edge.later):
        why = ("joined by an analyst", *why)
    elif correlator.bridged(edge):
        why = ("both were linked with what is older than a week", *why)
    return Link(earlier.uid, later.uid, round(edge.probability, 4), why)


def why_linked(correlator: Correlator, earlier: Kept, later: Kept) -> tuple[str, ...]:
    """Return what two lines have in common, rarest first, how close they are, and how the one leads on to the other."""
    parts = {(token.sort, token.uid): token.part for token in earlier.tokens}
    named = {t: correlator.named(later, t) for t in later.tokens if (t.sort, t.uid) in parts}
    both = sorted((t for t in named if named[t] <= HUB_LINES), key=lambda t: (named[t], t.uid))
    why = [f"both name {_SORT[t.sort]}{printable(t.uid)}, which {_count(named[t], 'line')} named in a week" for t in both]
    if len(both) > _SHARED_TOLD:
        why[_SHARED_TOLD:] = [f"and {_count(len(both) - _SHARED_TOLD, 'more thing')}"]
    why.append(f"{_apart((later.first - earlier.first).total_seconds())} apart")
    moved = [t.uid for t in both if t.sort is Sort.NODE and (t.part ^ parts[t.sort, t.uid]) & ACTOR]
    why += [f"{printable(uid)} acts in one and is acted upon in the other" for uid in moved[:_SHARED_TOLD]]
    why += _progress(earlier, later)
    return tuple(why)


def _count(count: int, name: str) -> str:
    return f"{count} {name}" if count == 1 else f"{count} {name}s"


def _apart(seconds: float) -> str:
    for size, name in ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= size:
            return _count(round(seconds / size), name)
    return "less than a minute"


def _progress(earlier: Kept, later: Kept) -> list[str]:
    places = [[(p, t) for t in line.alert.tactics if (p := tactic_place(t)) is not None] for line in (earlier, later)]
    if all(places) and max(places[1])[0] > max(places[0])[0]:
        return [f"leads on from {max(places[0])[1]} to {max(places[1])[1]}"]
    return []
