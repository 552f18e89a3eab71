"""A chain in an analyst's words."""

from __future__ import annotations

from datetime import datetime, timedelta

from models.incidents.chain import Chain
from models.incidents.path import Edge, Evidence
from models.incidents.printable import printable
from models.incidents.sightings import Node

_MOST_ROWS = 30
_KINDS = {"user": "account", "address": "", "domain": ""}
_EVIDENCE = {
    Evidence.NAMED: "an alert names both",
    Evidence.ACCOUNT: "the account was used there",
    Evidence.INFERRED: "inferred, no alert says it",
}


def text(chain: Chain) -> str:
    """Return the chain as a paragraph and a numbered list of its path, as plain text.

    Names are made printable and cut, but not escaped: a page must do that.
    """
    rows = [f"{number}. {_row(edge)}" for number, edge in enumerate(chain.path[:_MOST_ROWS], 1)]
    more = len(chain.path) - _MOST_ROWS + chain.left_out
    if more > 0 and len(chain.path) > _MOST_ROWS:
        rows.append(f"… and {more} more")
    return "\n".join([_paragraph(chain), *([""] if rows else []), *rows])


def named(node: Node, most: int = 60) -> str:
    """Return a node with its kind, as one reads it."""
    return f"{_KINDS.get(node.kind, printable(node.kind, 20))} {printable(node.uid, most)}".strip()


def moment(time: datetime) -> str:
    """Return a time to the minute."""
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _paragraph(chain: Chain) -> str:
    sentences = [_beginning(chain), _spread(chain), _course(chain)]
    sentences += [f"Not seen: {gap.tactic} ({gap.why})." for gap in chain.missing]
    return " ".join(sentence for sentence in sentences if sentence)


def _beginning(chain: Chain) -> str:
    reasons = "; ".join(chain.reasons)
    if chain.entry is None:
        return f"Where it began cannot be told: {reasons}."
    sources = [named(edge.source) for edge in chain.path if edge.target == chain.entry and not edge.source.is_inside]
    origin = f", from {', '.join(sources[:3])}" if sources else ""
    sure = f" Confidence {chain.confidence:.0%}: {reasons}."
    return f"It most likely got in by {named(chain.entry)}{origin}.{sure}"


def _spread(chain: Chain) -> str:
    reached = dict.fromkeys(edge.target for edge in chain.path if edge.target != chain.entry)
    machines = sum(not node.is_account for node in reached)
    accounts = len(reached) - machines
    parts = [f"{n} {word}{'s' * (n != 1)}" for n, word in ((machines, "machine"), (accounts, "account")) if n]
    return f"From there it reached {' and '.join(parts)}." if parts and chain.entry else ""


def _course(chain: Chain) -> str:
    if not chain.steps:
        return ""
    last = max(step.last for step in chain.steps)
    names = ", ".join(step.tactic or "no tactic" for step in chain.steps)
    first = chain.steps[0].first
    return f"Seen from {moment(first)} for {_long(last - first)}: {names}."


def _long(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes / 60:.0f} h" if minutes < 2880 else f"{minutes / 1440:.0f} days"


def _row(edge: Edge) -> str:
    what = ", ".join(part for part in (edge.tactic, f"rule {printable(edge.rule, 60)}", _EVIDENCE[edge.evidence]) if part)
    return f"{moment(edge.time)}  {named(edge.source)} → {named(edge.target)}: {what}"
