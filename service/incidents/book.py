"""The book: which lines are in the window, which incident each line is of, and which alerts are still to be written down."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable

from models.incidents.correlator import Correlator
from models.incidents.incident import Line, Link
from models.incidents.lines import Kept
from models.incidents.links import BIN_SECONDS
from service.incidents.batch import Batch
from service.incidents.held import Held
from service.incidents.records import Status


class Book:
    """What is known of lines beside what correlation knows. Lines are named by their uids; ``held`` are the incidents that have
    lines in the window."""

    def __init__(self, correlator: Correlator) -> None:
        self.correlator = correlator
        self.held: dict[str, Held] = {}
        self.numbers: dict[str, int] = {}
        """Under which number correlation knows a line that is in the window."""
        self.uids: dict[int, str] = {}
        self.holder: dict[str, str] = {}
        """The incident in memory that a line is of, past lines too."""
        self.before: dict[str, Line] = {}
        """What was counted of a line before correlation knew it (again)."""
        self.unwritten: dict[str, array[int]] = {}
        """Alerts, by line, of which it is not written down in which line they are: their line was of no incident."""

    def kept(self, line: str) -> Kept:
        """Return a line that is in the window."""
        return self.correlator.lines.kept[self.numbers[line]]

    def begin(self, number: int) -> str:
        """Take note of a line that correlation has begun; return its uid."""
        uid = self.correlator.lines.kept[number].uid
        self.uids[number], self.numbers[uid] = uid, number
        if uid in self.holder:  # it had left the window, and is there again
            stored = next((line for line in self.held[self.holder[uid]].incident.lines if line.uid == uid), None)
            if stored is not None:
                self.before[uid] = stored
        return uid

    def hear(self, number: int, seq: int) -> None:
        """Take note of an alert of a line."""
        self.unwritten.setdefault(self.uids[number], array("q")).append(seq)

    def forget(self) -> list[str]:
        """Let the lines go that correlation has let go; return them."""
        gone = [(number, uid) for number, uid in self.uids.items() if number not in self.correlator.lines.kept]
        for number, uid in gone:
            del self.uids[number], self.numbers[uid]
            self.before.pop(uid, None)
            self.unwritten.pop(uid, None)
        return [uid for _, uid in gone]

    def oldest(self) -> float:
        """Return since when lines are known, in epoch seconds; without any, for ever."""
        bins = [self.correlator.lines.kept[number].bin for number in self.uids]
        return min(bins) * BIN_SECONDS if bins else math.inf

    # -- incidents ---------------------------------------------------------------------------------------------------

    def hold(self, one: Held) -> None:
        """Take an incident into memory."""
        self.held[one.uid] = one
        self.holder.update(dict.fromkeys(one.lines, one.uid))

    def release(self, one: Held) -> None:
        """Let an incident leave the memory."""
        self.held.pop(one.uid, None)
        for line in (*one.lines, *one.piled):
            if self.holder.get(line) == one.uid:
                del self.holder[line]

    def holders(self, lines: Iterable[str]) -> set[str]:
        """Return the incidents in memory that lines are of."""
        return {self.holder[line] for line in lines if line in self.holder}

    def lister(self, line: str) -> Held | None:
        """Return the incident that lists a line and may change."""
        one = self.held.get(self.holder.get(line, ""))
        return one if one is not None and one.status is not Status.CLOSED and line not in one.piled else None

    def is_closed(self, line: str) -> bool:
        """Whether a line is of a closed incident."""
        one = self.held.get(self.holder.get(line, ""))
        return one is not None and one.status is Status.CLOSED

    def is_parted(self, link: Link) -> bool:
        """Whether correlation knows both ends of a link, and does not join them any more."""
        ends = [self.numbers[line] for line in (link.earlier, link.later) if line in self.numbers]
        return len({self.correlator.grove(end).lines[0] for end in ends}) > 1

    # -- what changes ------------------------------------------------------------------------------------------------

    def place(self, line: str, one: Held, batch: Batch) -> None:
        """A line is of an incident now, wherever it was before."""
        pile = self.held.get(self.holder.get(line, ""))
        if pile is not None and line in pile.piled:
            pile.piled.remove(line)
            pile.left_out -= self.kept(line).alerts - len(self.unwritten.get(line, ()))
            batch.keep(pile)
        if self.holder.get(line) != one.uid:
            self.holder[line] = batch.lines[line] = one.uid
        self.write(line, batch)

    def lay(self, line: str, pile: Held, batch: Batch) -> None:
        """Count a line in that an incident does not list (see :mod:`service.incidents.piles`)."""
        more = len(self.unwritten.get(line, ())) if line in pile.piled else self.kept(line).alerts
        if line not in pile.piled:
            self.place(line, pile, batch)
            pile.piled.add(line)
        self.write(line, batch)
        pile.left_out += more
        pile.last = max(pile.last, self.kept(line).last.timestamp())
        batch.keep(pile)

    def remove(self, line: str, batch: Batch) -> None:
        """A line is of no incident any more."""
        if self.holder.pop(line, None) is not None:
            batch.lines[line] = None

    def write(self, line: str, batch: Batch) -> None:
        """Have it written down which alerts are in a line, if it is of an incident."""
        if line in self.holder and line in self.unwritten:
            batch.alerts += [(seq, line) for seq in self.unwritten.pop(line)]
