"""The tracker: which incidents there are, as alerts come: what correlation joins, under names that stay."""

from __future__ import annotations

import math
import secrets
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence

from models.incidents.correlator import RAISED_FROM, Correlator
from models.incidents.incident import Line
from models.incidents.lines import bin_of
from models.incidents.links import BIN_SECONDS, LinkModel
from models.incidents.tokens import Resolve
from service.incidents.batch import Batch
from service.incidents.content import compose, earlier_part, trimmed
from service.incidents.edits import Edits
from service.incidents.feed import Heard
from service.incidents.held import Held
from service.incidents.identity import inherit
from service.incidents.records import Event, Record, Status
from service.incidents.regrowth import Group, Known, groups

_FORGET_BINS = int(3600.0 / BIN_SECONDS)
"""How often lines past the window are let go, in the time of the alerts."""


def _new_uid() -> str:
    return secrets.token_hex(8)


class Tracker:
    """Takes alerts in the order of receipt and says what is to be written. ``fold`` what was correlated before, ``restore`` the
    incidents, then ``take`` what is new. Not to be used after something it said could not be written: then make another."""

    def __init__(self, model: LinkModel, resolve: Resolve | None = None, new_uid: Callable[[], str] = _new_uid) -> None:
        self.correlator = Correlator(model, resolve)
        self.edits = Edits()
        self.held: dict[str, Held] = {}
        self.new_uid = new_uid
        self._numbers: dict[str, int] = {}
        self._uids: dict[int, str] = {}
        self._holder: dict[str, str] = {}
        self._before: dict[str, Line] = {}
        self._unwritten: dict[str, array[int]] = {}
        """Alerts, by line, of which it is not written down in which line they are: their line was of no incident."""
        self._forgot = 0
        self.known = Known(self.correlator, self._numbers, self._uids, self._open_holder, self._is_closed)

    # -- alerts ------------------------------------------------------------------------------------------------------

    def fold(self, heard: Sequence[Heard]) -> None:
        """Take alerts that were taken before."""
        self._add(heard)
        self.correlator.settle()
        self._forget(heard)

    def take(self, heard: Sequence[Heard], now: float) -> Batch:
        """Take new alerts; return what they change."""
        batch = Batch(now, mark=heard[-1].seq)
        touched = self._add(heard)
        concerned = touched | {number for grove in self.correlator.settle().made for number in grove.lines}
        told = sorted((number for number in concerned if self._is_told(number)), key=self.correlator.lines.place)
        self.regrow(told, batch)
        for number in touched:
            self._write_alerts(self._uids[number], batch)
        self._forget(heard)
        return batch

    def _add(self, heard: Sequence[Heard]) -> set[int]:
        touched = set()
        for seq, alert, score in heard:
            number = self.correlator.add(alert, score)
            if number not in self._uids:
                self._begin(number)
            self._unwritten.setdefault(self._uids[number], array("q")).append(seq)
            touched.add(number)
        return touched

    def _begin(self, number: int) -> None:
        uid = self.correlator.lines.kept[number].uid
        self._uids[number], self._numbers[uid] = uid, number
        self.edits.apply(self.correlator, uid, self._numbers)
        if uid in self._holder:  # it had left the window, and is there again
            stored = next((line for line in self.held[self._holder[uid]].incident.lines if line.uid == uid), None)
            if stored is not None:
                self._before[uid] = stored

    def _is_told(self, number: int) -> bool:
        return self._uids[number] in self._holder or self.correlator.lines.kept[number].score >= RAISED_FROM

    # -- incidents ---------------------------------------------------------------------------------------------------

    def regrow(self, starts: Iterable[int], batch: Batch, edited: Collection[Held] = ()) -> None:
        """Say what is an incident now of all that lines hang together with; ``edited``: incidents that an analyst changed."""
        found, concerned = groups(self.known, starts, edited)
        heirs = inherit([group.claims for group in found], lambda uid: (concerned[uid].created, uid))
        for i, (group, heir) in enumerate(zip(found, heirs.heir, strict=True)):
            if heir is None and self._score(group) < RAISED_FROM:
                self._let_go(group, batch)
                continue
            one = self._raise(group, batch) if heir is None else concerned[heir]
            absorbed = [concerned[uid] for uid, at in heirs.absorbed.items() if at == i]
            self._become(one, group, absorbed, batch, changed=heir is None or one in edited)

    def _score(self, group: Group) -> float:
        kept = self.correlator.lines.kept
        return max([kept[number].score for number in group.numbers()] + [line.score for line in group.past])

    def _raise(self, group: Group, batch: Batch) -> Held:
        tenant = self.correlator.lines.kept[group.numbers()[0]].alert.tenant  # what is past is of some incident already
        one = Held(self.new_uid(), tenant, batch.now)
        self.held[one.uid] = one
        came_from = {"from": sorted(group.claims)} if group.claims else {}
        batch.say(one.uid, "raised", **came_from)
        batch.raised += 1
        return one

    def _become(self, one: Held, group: Group, absorbed: Sequence[Held], batch: Batch, *, changed: bool) -> None:
        """Give an incident what it holds now."""
        past, cut = trimmed(group.past)
        content = compose(self.correlator, (one.uid, one.tenant), group.pieces, (past, group.links), self._before)
        if content == one.incident and not absorbed and not changed:
            return
        self._say_changes(one, {line.uid for line in content.lines}, absorbed, batch)
        one.left_out += sum(line.alerts for line in cut) + sum(other.left_out for other in absorbed)
        for line in cut:
            self._holder.pop(line.uid, None)
        one.hold(content)
        for line in content.lines:
            if self._holder.get(line.uid) != one.uid:
                self._holder[line.uid] = batch.lines[line.uid] = one.uid
            self._write_alerts(line.uid, batch)
        for other in absorbed:
            if other.status is Status.ESCALATED:
                one.status = Status.ESCALATED
            self._absorb(other, one, batch)
        batch.records[one.uid] = one.revise(batch.now)

    def _say_changes(self, one: Held, lines: set[str], absorbed: Sequence[Held], batch: Batch) -> None:
        """Note what an incident that is not new has gained and lost."""
        if one.revision == 0 or batch.by:
            return
        came = lines.difference(one.lines, *(other.lines for other in absorbed))
        left = sum(line not in lines and line in self._numbers for line in one.lines)
        if absorbed:
            batch.say(one.uid, "merged", **{"with": [other.uid for other in absorbed]})
        if came:
            batch.say(one.uid, "joined", lines=len(came))
        if left:
            batch.say(one.uid, "left", lines=left)

    def _absorb(self, other: Held, into: Held, batch: Batch) -> None:
        other.status = Status.MERGED
        del self.held[other.uid]
        batch.say(other.uid, "merged", into=into.uid)
        other.revise(batch.now)
        batch.records[other.uid] = other.record(merged_into=into.uid)

    def _let_go(self, group: Group, batch: Batch) -> None:
        """Lines that were an incident only together with others are in none any more."""
        for number in group.numbers():
            if self._holder.pop(self._uids[number], None) is not None:
                batch.lines[self._uids[number]] = None

    def _write_alerts(self, line: str, batch: Batch) -> None:
        if line in self._holder and line in self._unwritten:
            batch.alerts += [(seq, line) for seq in self._unwritten.pop(line)]

    def _open_holder(self, line: str) -> Held | None:
        one = self.held.get(self._holder.get(line, ""))
        return one if one is not None and one.status is not Status.CLOSED else None

    def _is_closed(self, line: str) -> bool:
        one = self.held.get(self._holder.get(line, ""))
        return one is not None and one.status is Status.CLOSED

    # -- the window --------------------------------------------------------------------------------------------------

    def _forget(self, heard: Sequence[Heard]) -> None:
        """Let lines go that are past the window; incidents without any other leave the memory, and go on in the records."""
        now = max(bin_of(one.alert.received_time) for one in heard)
        if now < self._forgot + _FORGET_BINS:
            return
        self._forgot = now
        self.correlator.forget()
        gone = [(number, uid) for number, uid in self._uids.items() if number not in self.correlator.lines.kept]
        concerned: dict[str, list[str]] = {}
        for number, uid in gone:
            del self._uids[number], self._numbers[uid]
            self._before.pop(uid, None)
            self._unwritten.pop(uid, None)
            if uid in self._holder:
                concerned.setdefault(self._holder[uid], []).append(uid)
            else:
                self.edits.forget([uid])
        for incident in concerned:
            self.outlive(self.held[incident])

    def outlive(self, one: Held) -> None:
        """See to an incident of which lines are past the window."""
        left = [line for line in one.lines if line in self._numbers]
        if not left:
            self.release(one)
            return
        if self.edits.follow([line for line in one.lines if line not in self._numbers], left):
            self.tell_edits(left)

    def hold(self, one: Held) -> None:
        """Take an incident into memory."""
        self.held[one.uid] = one
        self._holder.update(dict.fromkeys(one.lines, one.uid))

    def release(self, one: Held) -> None:
        """Let an incident leave the memory."""
        self.held.pop(one.uid, None)
        for line in one.lines:
            if self._holder.get(line) == one.uid:
                del self._holder[line]
        self.edits.forget(one.lines)

    def restore(self, stored: Iterable[Record], edits: Iterable[Event]) -> None:
        """Take the incidents that were there, and what analysts did to them, after the alerts they hold were folded."""
        for event in edits:
            self.edits.learn(event.body)
        for one in map(Held.of, stored):
            self.hold(one)
            for line in one.incident.lines:
                self._unwritten.pop(line.uid, None)
                if line.uid in self._numbers:
                    beyond = earlier_part(line, self.correlator.lines.kept[self._numbers[line.uid]].told())
                    if beyond is not None:
                        self._before[line.uid] = beyond
            self.outlive(one)
        self.tell_edits(self.edits.lines)
        self.correlator.settle()

    def tell_edits(self, lines: Iterable[str]) -> None:
        """Let the correlator know what holds for lines."""
        for line in lines:
            if line in self._numbers:
                self.edits.apply(self.correlator, line, self._numbers)

    def oldest(self) -> float:
        """Return since when lines are known, in epoch seconds; without any, for ever."""
        bins = [self.correlator.lines.kept[number].bin for number in self._uids]
        return min(bins) * BIN_SECONDS if bins else math.inf

    def holders(self, lines: Iterable[str]) -> set[str]:
        """Return the incidents in memory that lines are in."""
        return {self._holder[line] for line in lines if line in self._holder}

    def note(self, record: Record) -> None:
        """Take note of what was done to an incident by others than correlation, but for its lines."""
        if record.uid in self.held:
            one = self.held[record.uid]
            one.status, one.revision, one.updated = record.status, record.revision, record.updated
