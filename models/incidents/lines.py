"""The lines that are kept: a table of numbers for arithmetic, and beside it what an analyst wants to read."""

from __future__ import annotations

import hashlib
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert, Entity, Observable
from models.incidents.attack import tactic_place
from models.incidents.incident import Line
from models.incidents.links import BIN_SECONDS, LOWEST, Sides, logit
from models.incidents.tokens import Token

NAMED_ALERTS = 100
_BY_SEVERITY = (0.05, 0.01, 0.02, 0.08, 0.3, 0.6, 0.6)
"""What an alert counts for where no model spoke, by its severity (0 unknown … 6 fatal)."""

Key = tuple[str, str, str, tuple[Entity, ...], tuple[Observable, ...], int]
"""Tenant, product, rule, entities, observables, bin."""


def line_key(alert: Alert) -> Key:
    """Return what repeats of an alert have in common: rule, entities and observables, and the bin of its time."""
    return alert.tenant, alert.product, alert.rule.uid, alert.entities, alert.observables, bin_of(alert.time)


def bin_of(time: datetime) -> int:
    """Return the number of the bin that ``time`` falls into."""
    return int(time.timestamp() // BIN_SECONDS)


def _digest(key: Key) -> bytes:
    """Return eight bytes that name a line."""
    *names, entities, observables, begun = key
    parts = [*names, str(begun), *(f"{e.kind}\x1e{e.role}\x1e{e.uid}" for e in entities)]
    parts += [f"{o.kind}\x1e{o.value}" for o in observables]
    return hashlib.blake2b("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8).digest()


class Kept:
    """A line as it grows: its first alert stands for what all have in common."""

    __slots__ = ("alert", "alerts", "digest", "first", "key", "last", "place", "score", "tokens", "uids")

    def __init__(self, key: Key, alert: Alert, tokens: tuple[Token, ...], digest: bytes) -> None:
        self.key, self.alert, self.tokens, self.digest = key, alert, tokens, digest
        self.place = key[-1], int.from_bytes(digest, "big")
        """Its place in the one order of lines: by bin, then by digest."""
        self.first = self.last = alert.time
        self.score = 0.0
        self.alerts = 0
        self.uids: list[str] = []

    def add(self, alert: Alert, score: float) -> None:
        """Count an alert in."""
        self.first, self.last = min(self.first, alert.time), max(self.last, alert.time)
        self.alerts += 1
        self.score = max(self.score, score)
        if len(self.uids) < NAMED_ALERTS:
            self.uids.append(alert.uid)

    @property
    def uid(self) -> str:
        """What names the line, the same on every machine."""
        return self.digest.hex()

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
            alerts=self.alerts,
            alert_uids=tuple(self.uids),
        )


def severity_score(severity: int) -> float:
    """Return what an alert counts for where no model spoke."""
    return _BY_SEVERITY[severity]


class LineTable:
    """Lines by number. Numbers of lines that were let go are used again, so memory follows what is kept."""

    def __init__(self) -> None:
        self.kept: dict[int, Kept] = {}
        self.bins: NDArray[np.int64] = np.zeros(64, np.int64)
        self.order: NDArray[np.uint64] = np.zeros(64, np.uint64)
        self._margin = np.zeros(64)
        self._tactic = np.zeros(64, np.int64)
        self._rule = np.zeros(64, np.int64)
        self._product = np.zeros(64, np.int64)
        self._numbers: dict[Key, int] = {}
        self._begun: dict[int, list[int]] = {}
        self._free: list[int] = []
        self._names: dict[object, int] = {}

    def __len__(self) -> int:
        return len(self.kept)

    def number(self, key: Key) -> int | None:
        """Return the number of the line of that key, if it is kept."""
        return self._numbers.get(key)

    def add(self, key: Key, alert: Alert, tokens: tuple[Token, ...]) -> int:
        """Begin a line; return its number."""
        number = self._free.pop() if self._free else len(self.kept)
        if number >= len(self.bins):
            self._grow()
        self.kept[number] = line = Kept(key, alert, tokens, _digest(key))
        self._numbers[key] = number
        self._begun.setdefault(key[-1], []).append(number)
        self.bins[number], self.order[number] = line.place
        places = [place for place in map(tactic_place, alert.tactics) if place is not None]
        self._tactic[number] = max(places, default=-1)
        self._rule[number] = self._name((alert.product, alert.rule.uid))
        self._product[number] = self._name(alert.product)
        self._margin[number] = LOWEST
        return number

    def rise(self, number: int, score: float) -> bool:
        """Bring the margin of a line up to ``score``; return whether it rose."""
        margin = logit(score)
        if margin <= self._margin[number]:
            return False
        self._margin[number] = margin
        return True

    def margin(self, number: int) -> float:
        """Return the log-odds of the line's score."""
        return float(self._margin[number])

    def before(self, bin_: int) -> list[int]:
        """Return the lines from before ``bin_``."""
        return [number for begun, numbers in self._begun.items() if begun < bin_ for number in numbers]

    def drop_before(self, bin_: int) -> None:
        """Let the lines from before ``bin_`` go."""
        for begun in [begun for begun in self._begun if begun < bin_]:
            for number in self._begun.pop(begun):
                del self._numbers[self.kept.pop(number).key]
                self._free.append(number)

    def sides(self, earlier: NDArray[np.int64], later: NDArray[np.int64]) -> Sides:
        """Return what the link model asks of pairs of lines."""
        both = np.stack([earlier, later], axis=1)
        return Sides(self._margin[both], self._tactic[both], self._rule[both], self._product[both])

    def place(self, number: int) -> tuple[int, int]:
        """Return a line's place in the one order of lines."""
        return self.kept[number].place

    def _name(self, name: object) -> int:
        return self._names.setdefault(name, len(self._names))

    def _grow(self) -> None:
        for name in ("bins", "order", "_margin", "_tactic", "_rule", "_product"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
