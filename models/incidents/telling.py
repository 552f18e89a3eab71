"""Telling: from trees of line numbers to an incident that a person or a machine can read, each link with its why."""

from __future__ import annotations

from models.incidents.attack import tactic_place
from models.incidents.correlator import Correlator
from models.incidents.forest import Edge, Grove
from models.incidents.incident import Incident, Link
from models.incidents.lines import Kept
from models.incidents.tokens import ACTOR, Sort

_SHARED_TOLD = 3
_SORT = {Sort.NODE: "", Sort.USER: "user ", Sort.OUTSIDE: ""}


def tell(correlator: Correlator, grove: Grove, uid: str) -> Incident:
    """Return a grove as an incident of the name ``uid``."""
    kept = correlator.lines.kept
    return Incident(
        uid=uid,
        tenant=kept[grove.lines[0]].alert.tenant,
        lines=tuple(kept[number].told() for number in grove.lines),
        links=tuple(_link(correlator, edge) for edge in grove.edges),
    )


def _link(correlator: Correlator, edge: Edge) -> Link:
    earlier, later = correlator.lines.kept[edge.earlier], correlator.lines.kept[edge.later]
    why = why_linked(correlator, earlier, later)
    if correlator.joined(edge.earlier, edge.later):
        why = ("joined by an analyst", *why)
    return Link(earlier.uid, later.uid, round(edge.probability, 4), why)


def why_linked(correlator: Correlator, earlier: Kept, later: Kept) -> tuple[str, ...]:
    """Return what two lines have in common, rarest first, how close they are, and how the one leads on to the other."""
    parts = {(token.sort, token.uid): token.part for token in earlier.tokens}
    both = [token for token in later.tokens if (token.sort, token.uid) in parts]
    named = {token: correlator.named(later, token) for token in both}
    both.sort(key=lambda token: (named[token], token.uid))
    why = [f"both name {_SORT[t.sort]}{t.uid}, which {_lines(named[t])} named in a week" for t in both[:_SHARED_TOLD]]
    if len(both) > _SHARED_TOLD:
        why.append(f"and {len(both) - _SHARED_TOLD} more things")
    why.append(f"{_apart(abs((later.first - earlier.first).total_seconds()))} apart")
    for token in both:
        if token.sort is Sort.NODE and (token.part ^ parts[token.sort, token.uid]) & ACTOR:
            why.append(f"{token.uid} acts in one and is acted upon in the other")
    why += _progress(earlier, later)
    return tuple(why)


def _lines(count: int) -> str:
    return f"{count} line" if count == 1 else f"{count} lines"


def _apart(seconds: float) -> str:
    for size, name in ((86400.0, "day"), (3600.0, "hour"), (60.0, "minute")):
        if seconds >= size:
            count = round(seconds / size)
            return f"{count} {name}" if count == 1 else f"{count} {name}s"
    return "less than a minute"


def _progress(earlier: Kept, later: Kept) -> list[str]:
    places = [[(p, t) for t in line.alert.tactics if (p := tactic_place(t)) is not None] for line in (earlier, later)]
    if all(places) and max(places[1])[0] > max(places[0])[0]:
        return [f"leads on from {max(places[0])[1]} to {max(places[1])[1]}"]
    return []
