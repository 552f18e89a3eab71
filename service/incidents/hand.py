"""By hand: what an analyst merges and splits."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import filterfalse

import msgspec

from models.incidents.forest import Grove
from service.incidents.batch import Batch
from service.incidents.content import join, part
from service.incidents.edits import split_number
from service.incidents.held import Held
from service.incidents.tracker import Tracker


def merge(tracker: Tracker, into: Held, others: Sequence[Held], reason: str, batch: Batch) -> str:
    """Make incidents one; return its uid, that of the one with most lines. Earlier splits between them are no more."""
    joins, lifted, parts = [], [], [one.lines for one in (into, *others)]
    for other in others:
        for name in tracker.edits.between(into.lines, other.lines):
            lifted.append(name)
            tracker.correlator.unite(split_number(name))
        tracker.edits.lift(lifted)
        link = join(into.incident.lines[-1], other.incident.lines[-1])
        joins.append((link.earlier, link.later))
        into.hold(msgspec.structs.replace(into.incident, links=(*into.incident.links, link)), into.score)
    settle(tracker, joins, [into, *others], batch)
    uid = next(record.uid for record in batch.records.values() if record.merged_into is None)
    names = [one.uid for one in (into, *others) if one.uid != uid]
    batch.say(uid, "merged", **{"with": names}, parts=parts, joins=joins, lifted=lifted, reason=reason)
    return uid


def split(tracker: Tracker, one: Held, lines: Collection[str], reason: str, batch: Batch) -> str:
    """Take lines out of an incident, into one of their own; return its uid. Each of the two stays together;
    either may now be one with a third that only the other spoke against."""
    rest = [line for line in one.lines if line not in lines]
    taken = [line for line in one.lines if line in lines]
    other = Held(tracker.new_uid(), one.tenant, batch.now)
    tracker.edits.split(other.uid, (rest, taken))
    tracker.tell_edits(one.lines)
    changed = tracker.correlator.settle().made
    whole = msgspec.structs.replace(one.incident, links=tuple(filterfalse(tracker.book.is_parted, one.incident.links)))
    before = {(link.earlier, link.later) for link in whole.links}
    for half, some in ((other, set(taken)), (one, set(rest))):
        half.hold(part(whole, half.uid, some), one.score)
    tracker.hold(other)
    batch.lines |= dict.fromkeys(taken, other.uid)
    joins = [pair for half in (one, other) for link in half.incident.links if (pair := (link.earlier, link.later)) not in before]
    batch.say(one.uid, "split", into=other.uid, sides=(rest, taken), joins=joins, reason=reason)
    batch.say(other.uid, "raised", **{"from": [one.uid]}, reason=reason)
    batch.raised += 1
    settle(tracker, joins, [one, other], batch, changed)
    return other.uid


def settle(
    tracker: Tracker, joins: Sequence[tuple[str, str]], edited: Sequence[Held], batch: Batch, before: Iterable[Grove] = ()
) -> None:
    """Hold lines together, and say what incidents there are then; ``before``: trees that changed already."""
    for pair in joins:
        tracker.edits.join(*pair)
    tracker.tell_edits([line for pair in joins for line in pair])
    changed = tracker.correlator.settle().made
    tracker.regrow([number for grove in (*before, *changed) for number in grove.lines], batch, edited)
    for one in edited:
        if one.uid in tracker.book.held:
            tracker.outlive(one)
