"""The lines that are kept: what an analyst wants to read, and beside it a table of numbers for arithmetic."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Collection
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.alert import Alert, Entity, Observable
from models.incidents.attack import tactic_place
from models.incidents.incident import Line
from models.incidents.links import BIN_SECONDS, LATE_BINS, LOWEST, Sides
from models.incidents.tokens import Token

NAMED_ALERTS = 100
PLACE_BITS = 128
"""Bits of a line's place that its digest takes; its bin stands above them."""
RANK_BITS = 32
"""Bits of a line's rank, the upper part of its place, that its digest takes."""
_HALVES = struct.Struct(">QQ").unpack

_BY_SEVERITY = (0.05, 0.01, 0.02, 0.08, 0.3, 0.6, 0.6)
"""What an alert counts for where no model spoke, by its severity (0 unknown … 6 fatal)."""

Key = tuple[str, str, str, tuple[Entity, ...], tuple[Observable, ...], int]
"""Tenant, product, rule, entities, observables, bin."""


def line_key(alert: Alert) -> Key:
    """Return what repeats of an alert have in common: rule, entities and observables, and the bin of its time.

    A time more than a day after the alert came in is a clock that is wrong: it counts as that day, else it would be kept for
    ever.
    """
    begun = min(bin_of(alert.time), bin_of(alert.received_time) + LATE_BINS)
    return alert.tenant, alert.product, alert.rule.uid, alert.entities, alert.observables, begun


def bin_of(time: datetime) -> int:
    """Return the number of the bin that ``time`` falls into."""
    return int(time.timestamp() // BIN_SECONDS)


def _digest(key: Key) -> bytes:
    """Return sixteen bytes that name a line. The lengths of the parts go before, so that no two keys read the same."""
    tenant, product, rule, entities, observables, begun = key
    parts = [tenant, product, rule, str(begun), str(len(entities))]
    for entity in entities:
        parts += (entity.kind, entity.role, entity.uid)
    for observable in observables:
        parts += (observable.kind, observable.value)
    text = f"{list(map(len, parts))}{''.join(parts)}"
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=PLACE_BITS // 8).digest()


class Kept(msgspec.Struct, gc=False, eq=False):
    """A line as it grows. Its earliest alert (by time, then uid) speaks for all of them, so that it does not matter which came
    first."""

    number: int
    key: Key
    alert: Alert
    tokens: tuple[Token, ...]
    digest: bytes
    bin: int
    last: datetime
    margin: float = LOWEST
    """Log-odds of its score."""
    score: float = 0.0
    anomaly: float = 0.0
    alerts: int = 0
    uids: tuple[str, ...] = ()
    postings: tuple[int, ...] = ()
    """The runs of its tokens, in the same order."""

    @classmethod
    def begin(cls, number: int, key: Key, alert: Alert, tokens: tuple[Token, ...]) -> Kept:
        """Return a line of no alert yet."""
        return cls(number, key, _lean(alert), tokens, _digest(key), key[-1], alert.time)

    def add(self, alert: Alert, score: float, anomaly: float) -> None:
        """Count an alert in."""
        self.last = max(self.last, alert.time)
        self.alerts += 1
        self.score = max(self.score, score)
        self.anomaly = max(self.anomaly, anomaly)
        if len(self.uids) < NAMED_ALERTS:
            self.uids += (alert.uid,)

    @property
    def place(self) -> int:
        """Its place in the one order of lines: by bin, then by digest."""
        return (self.bin << PLACE_BITS) | int.from_bytes(self.digest, "big")

    @property
    def first(self) -> datetime:
        """When its first alert happened."""
        return self.alert.time

    @property
    def uid(self) -> str:
        """What names the line, the same on every machine."""
        return self.digest.hex()

    def is_after(self, alert: Alert) -> bool:
        """Return whether an alert came before what speaks for the line so far."""
        mine = self.alert
        return alert.time < mine.time or (alert.time == mine.time and alert.uid < mine.uid)

    def told(self) -> Line:
        """Return the line as a record."""
        alert = self.alert
        return Line(
            uid=self.uid,
            first=self.first,
            last=self.last,
            product=alert.product,
            rule=alert.rule,
            severity=alert.severity,
            tactics=alert.tactics,
            techniques=alert.techniques,
            entities=alert.entities,
            observables=alert.observables,
            score=self.score,
            anomaly=self.anomaly,
            alerts=self.alerts,
            alert_uids=self.uids,
        )


def _lean(alert: Alert) -> Alert:
    """Return an alert without the texts that nobody reads here: a week of them is kept."""
    return msgspec.structs.replace(alert, message="", raw="") if alert.raw or alert.message else alert


def severity_score(severity: int) -> float:
    """Return what an alert counts for where no model spoke."""
    return _BY_SEVERITY[severity]


class LineTable:
    """Lines by number. Numbers of lines that were let go are used again, so memory follows what is kept."""

    def __init__(self) -> None:
        self.kept: dict[int, Kept] = {}
        self.bins: NDArray[np.int64] = np.zeros(64, np.int64)
        self._rank: NDArray[np.int64] = np.zeros(64, np.int64)
        self._digest: NDArray[np.uint64] = np.zeros((64, 2), np.uint64)
        self.margins: NDArray[np.float64] = np.zeros(64)
        self._tactic = np.zeros(64, np.int64)
        self._rule = np.zeros(64, np.int64)
        self._product = np.zeros(64, np.int64)
        self._numbers: dict[Key, int] = {}
        self._begun: dict[int, list[int]] = {}
        self._free: list[int] = []

    def __len__(self) -> int:
        return len(self.kept)

    @property
    def order(self) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """By number, the upper bits of places, which tell all but a few lines apart, and u8[n, 2] the lower ones: their digests."""
        return self._rank, self._digest

    def find(self, key: Key) -> Kept | None:
        """Return the line of that key, if it is kept."""
        number = self._numbers.get(key)
        return None if number is None else self.kept[number]

    def add(self, key: Key, alert: Alert, tokens: tuple[Token, ...]) -> Kept:
        """Begin a line."""
        number = self._free.pop() if self._free else len(self.kept)
        if number >= len(self.bins):
            self._grow()
        self.kept[number] = line = Kept.begin(number, key, alert, tokens)
        self._numbers[key] = number
        self._begun.setdefault(line.bin, []).append(number)
        high, low = _HALVES(line.digest)
        self.bins[number] = line.bin
        self._rank[number] = line.bin << RANK_BITS | high >> 64 - RANK_BITS
        self._digest[number] = high, low
        self.margins[number] = LOWEST
        self._tactic[number] = _furthest(alert)
        self._rule[number] = hash((alert.product, alert.rule.uid))
        self._product[number] = hash(alert.product)
        return line

    def recast(self, line: Kept, alert: Alert, tokens: tuple[Token, ...]) -> None:
        """Let an alert that came before speak for a line."""
        line.alert, line.tokens = _lean(alert), tokens
        self._tactic[line.number] = _furthest(alert)

    def rise(self, line: Kept, margin: float) -> None:
        """Bring the log-odds of a line's score up."""
        line.margin = self.margins[line.number] = margin

    def before(self, bin_: int) -> list[Kept]:
        """Return the lines from before ``bin_``."""
        return [self.kept[number] for begun, numbers in self._begun.items() if begun < bin_ for number in numbers]

    def drop(self, lines: Collection[Kept]) -> None:
        """Let all lines of some bins go."""
        for begun in {line.bin for line in lines}:
            del self._begun[begun]
        for line in lines:
            del self._numbers[line.key], self.kept[line.number]
            self._free.append(line.number)

    def sides(self, earlier: NDArray[np.int64], later: NDArray[np.int64]) -> Sides:
        """Return what the link model asks of pairs of lines."""
        both = np.stack([earlier, later], axis=1)
        return Sides(self.margins[both], self._tactic[both], self._rule[both], self._product[both])

    def place(self, number: int) -> int:
        """Return a line's place in the one order of lines."""
        return self.kept[number].place

    def ordered(self, numbers: Collection[int]) -> list[int]:
        """Return lines in their one order."""
        if len(numbers) < 2:
            return list(numbers)
        some = np.fromiter(numbers, np.int64, len(numbers))
        high, low = self._digest[some].T
        ordered: list[int] = some[np.lexsort((low, high, self._rank[some]))].tolist()
        return ordered

    def _grow(self) -> None:
        for name in ("bins", "_rank", "_digest", "margins", "_tactic", "_rule", "_product"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros_like(column)]))


def _furthest(alert: Alert) -> int:
    """Return the place in the matrix of the furthest of an alert's tactics, −1 without any."""
    places = [place for place in map(tactic_place, alert.tactics) if place is not None]
    return max(places, default=-1)
