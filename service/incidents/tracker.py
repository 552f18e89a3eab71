"""The tracker: which incidents there are, as alerts come: what correlation joins, under names that stay."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from features.alert import Alert
from models.incidents.correlator import RAISED_FROM, Correlator
from models.incidents.incident import Incident
from models.incidents.lines import bin_of
from models.incidents.link_model import LinkModel
from models.incidents.links import BIN_SECONDS
from models.incidents.tokens import Resolve
from service.incidents.batch import Batch
from service.incidents.book import Book
from service.incidents.content import compose, earlier_part, trimmed
from service.incidents.edits import Edits
from service.incidents.feed import Heard
from service.incidents.held import Held
from service.incidents.identity import inherit
from service.incidents.piles import Piles
from service.incidents.records import Event, Record, Status
from service.incidents.regrowth import Group, groups

_FORGET_BINS = int(3600.0 / BIN_SECONDS)
"""How often lines past the window are let go, by when alerts are received."""


Appraise = Callable[[Incident], float]
"""Says how likely an incident matters."""


def _new_uid() -> str:
    return secrets.token_hex(8)


class Tracker:
    """Takes alerts in the order of receipt and says what is to be written. ``fold`` what was correlated before, ``restore`` the
    incidents, then ``take`` what is new. Not to be used after something it said could not be written: then make another."""

    def __init__(
        self, model: LinkModel, appraise: Appraise, resolve: Resolve | None = None, new_uid: Callable[[], str] = _new_uid
    ) -> None:
        self.correlator = Correlator(model, resolve)
        self.book = Book(self.correlator)
        self.edits = Edits()
        self.new_uid, self._appraise = new_uid, appraise
        self._piles = Piles(self.book.held)
        self._hour = 0

    # -- alerts ------------------------------------------------------------------------------------------------------

    def fold(self, heard: Sequence[Heard]) -> None:
        """Take alerts that were taken before."""
        for some in self._portions(heard):
            self._add(some)
            self.correlator.settle()

    def take(self, heard: Sequence[Heard], now: float) -> Batch:
        """Take new alerts; return what they change."""
        batch = Batch(now, mark=heard[-1].seq)
        for some in self._portions(heard):
            self._take(some, batch)
        return batch

    def _take(self, heard: Sequence[Heard], batch: Batch) -> None:
        touched = self._add(heard)
        concerned = touched | {number for grove in self.correlator.settle().made for number in grove.lines}
        told = sorted((number for number in concerned if self._is_told(number)), key=self.correlator.lines.place)
        self.regrow(told, batch)
        for number in touched:
            self.book.write(self.book.uids[number], batch)

    def _add(self, heard: Sequence[Heard]) -> set[int]:
        touched = set()
        for seq, alert, score, anomaly in heard:
            number = self.correlator.add(alert, score, anomaly)
            if number not in self.book.uids:
                self.edits.apply(self.correlator, self.book.begin(number), self.book.numbers)
            self.book.hear(number, seq)
            touched.add(number)
        return touched

    def _is_told(self, number: int) -> bool:
        return self.book.uids[number] in self.book.holder or self.correlator.lines.kept[number].score >= RAISED_FROM

    # -- incidents ---------------------------------------------------------------------------------------------------

    def regrow(self, starts: Iterable[int], batch: Batch, edited: Collection[Held] = ()) -> None:
        """Say what is an incident now of all that lines hang together with; ``edited``: incidents that an analyst changed."""
        found, concerned = groups(self.book, starts, edited)
        heirs = inherit([group.claims for group in found], lambda uid: (concerned[uid].created, uid))
        for i, (group, heir) in enumerate(zip(found, heirs.heir, strict=True)):
            if heir is not None:
                absorbed = [concerned[uid] for uid, at in heirs.absorbed.items() if at == i]
                self._become(concerned[heir], group, absorbed, batch, changed=concerned[heir] in edited)
            elif not group.numbers() or self._score(group) < RAISED_FROM:
                for line in self._lines(group):  # they were an incident only together with others
                    self.book.remove(line, batch)
            elif (pile := self._pile(group)) is not None:
                self.book.lay(self._lines(group)[0], pile, batch)
            else:
                self._become(self._raise(group, batch), group, (), batch, changed=True)

    def _lines(self, group: Group) -> list[str]:
        return [self.book.uids[number] for number in group.numbers()] + [line.uid for line in group.past]

    def _score(self, group: Group) -> float:
        kept = self.correlator.lines.kept
        return max([kept[number].score for number in group.numbers()] + [line.score for line in group.past])

    def _pile(self, group: Group) -> Held | None:
        """Return the incident upon which a line that hangs together with nothing is laid, if it is one of too many."""
        lines = self._lines(group)
        if len(lines) != 1:
            return None
        kept = self.book.kept(lines[0])
        alone = Incident(uid="", tenant=kept.alert.tenant, lines=(kept.told(),))
        return self._piles.upon(alone, self.book.holder.get(lines[0]))

    def _raise(self, group: Group, batch: Batch) -> Held:
        tenant = self.correlator.lines.kept[group.numbers()[0]].alert.tenant
        one = Held(self.new_uid(), tenant, batch.now)
        self.book.held[one.uid] = one
        came_from = {"from": sorted(group.claims)} if group.claims else {}
        batch.say(one.uid, "raised", **came_from)
        batch.raised += 1
        return one

    def _become(self, one: Held, group: Group, absorbed: Sequence[Held], batch: Batch, *, changed: bool) -> None:
        """Give an incident what it holds now."""
        past, links, cut = trimmed(group.past, group.links)
        content = compose(self.correlator, (one.uid, one.tenant), group.pieces, (past, links), self.book.before)
        if content == one.incident and not absorbed and not changed:
            return
        self._say_changes(one, {line.uid for line in content.lines}, absorbed, batch)
        one.left_out += sum(line.alerts for line in cut) + sum(other.left_out for other in absorbed)
        for line in cut:
            self.book.holder.pop(line.uid, None)
        one.hold(content, self._appraise(content))
        for line in content.lines:
            self.book.place(line.uid, one, batch)
        self._piles.add(one)
        for other in absorbed:
            self._absorb(other, one, batch)
        batch.keep(one)

    def _say_changes(self, one: Held, lines: set[str], absorbed: Sequence[Held], batch: Batch) -> None:
        """Note what an incident that is not new has gained and lost."""
        if one.revision == 0 or batch.by:
            return
        came = lines.difference(one.lines, *(other.lines for other in absorbed))
        left = sum(line not in lines and line in self.book.numbers for line in one.lines)
        if absorbed:
            batch.say(one.uid, "merged", **{"with": [other.uid for other in absorbed]})
        if came:
            batch.say(one.uid, "joined", lines=len(came))
        if left:
            batch.say(one.uid, "left", lines=left)

    def _absorb(self, other: Held, into: Held, batch: Batch) -> None:
        if other.status is Status.ESCALATED:
            into.status = Status.ESCALATED
        other.status = Status.MERGED
        del self.book.held[other.uid]
        into.piled |= other.piled
        into.last = max(into.last, other.last)
        for line in other.piled:
            self.book.holder[line] = batch.lines[line] = into.uid
        batch.say(other.uid, "merged", into=into.uid)
        batch.keep(other, merged_into=into.uid)

    # -- the window --------------------------------------------------------------------------------------------------

    def _portions(self, heard: Sequence[Heard]) -> Iterator[Sequence[Heard]]:
        """Yield alerts by the hour in which they are received, and forget before each: what is left of trees follows from when lines go,
        and is to be the same however many alerts are taken at once."""
        begin = 0
        for at, one in enumerate(heard):
            hour = bin_of(one.alert.received_time) // _FORGET_BINS
            if hour > self._hour:
                if at > begin:
                    yield heard[begin:at]
                self._hour, begin = hour, at
                self._forget(one.alert)
        yield heard[begin:]

    def _forget(self, now: Alert) -> None:
        """Let lines go that are past the window by an alert's time; incidents without any other leave the memory, and go on in the
        records."""
        self.correlator.forget(now)
        gone = self.book.forget()
        self.edits.forget([line for line in gone if line not in self.book.holder])
        for incident in sorted(self.book.holders(gone)):
            self.outlive(self.book.held[incident])

    def outlive(self, one: Held) -> None:
        """See to an incident of which lines are past the window."""
        left = [line for line in one.lines if line in self.book.numbers]
        for line in [line for line in one.piled if line not in self.book.numbers]:
            one.piled.remove(line)
            del self.book.holder[line]
        if not left and not one.piled:
            self.book.release(one)
            self.edits.forget(one.lines)
        elif self.edits.follow([line for line in one.lines if line not in self.book.numbers], left):
            self.tell_edits(left)

    def hold(self, one: Held) -> None:
        """Take an incident into memory."""
        self.book.hold(one)
        self._piles.add(one)

    def restore(self, stored: Iterable[Record], placed: Mapping[str, str], edits: Iterable[Event]) -> None:
        """Take the incidents that were there, the lines that are ``placed`` in them, and what analysts did to them, after the
        alerts they hold were folded."""
        for event in edits:
            self.edits.learn(event.body)
        for one in map(Held.of, stored):
            self.hold(one)
        for uid in placed.keys() & self.book.numbers.keys():
            self.book.unwritten.pop(uid, None)
            if uid not in self.book.holder:
                self.book.holder[uid] = placed[uid]
                self.book.held[placed[uid]].piled.add(uid)
        for one in list(self.book.held.values()):
            for line in one.incident.lines:
                beyond = earlier_part(line, self.book.kept(line.uid).told()) if line.uid in self.book.numbers else None
                if beyond is not None:
                    self.book.before[line.uid] = beyond
            self._hold_left(one)
            self.outlive(one)
        self.tell_edits(self.edits.lines)
        self.correlator.settle()

    def _hold_left(self, one: Held) -> None:
        """Let the correlator hold together what is left of an incident that lost lines, where nothing else does any more."""
        numbers = self.book.numbers
        if any(line not in numbers for line in one.lines):
            for link in filter(self.book.is_parted, one.incident.links):
                self.correlator.hold(numbers[link.earlier], numbers[link.later], link.probability)

    def reappraise(self) -> dict[str, float]:
        """Ask anew how likely the incidents in memory that are not closed matter, as after a change of models; return what changed."""
        changed = {}
        for one in self.book.held.values():
            score = one.score if one.status is Status.CLOSED else self._appraise(one.incident)
            if score != one.score:
                one.hold(one.incident, score)
                changed[one.uid] = score
        return changed

    def tell_edits(self, lines: Iterable[str]) -> None:
        """Let the correlator know what holds for lines."""
        for line in lines:
            if line in self.book.numbers:
                self.edits.apply(self.correlator, line, self.book.numbers)

    def note(self, record: Record) -> None:
        """Take note of what was done to an incident by others than correlation, but for its lines."""
        one = self.book.held.get(record.uid)
        if one is not None:
            one.status, one.revision, one.updated = record.status, record.revision, record.updated
