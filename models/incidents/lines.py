"""The lines that are kept: a table of numbers for arithmetic, and beside it what an analyst wants to read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from models.incidents.attack import tactic_place
from models.incidents.incident import Line
from models.incidents.links import BIN_SECONDS, Sides, logit
from models.incidents.tokens import Token

NAMED_ALERTS = 100
_BY_SEVERITY = (0.05, 0.01, 0.02, 0.08, 0.3, 0.6, 0.6)
"""What an alert counts for where no model spoke, by its severity (0 unknown … 6 fatal)."""

Key = tuple[object, ...]


def line_key(alert: Alert) -> Key:
    """Return what repeats of an alert have in common: rule, entities and observables, and the bin of its time."""
    return alert.tenant, alert.product, alert.rule.uid, alert.entities, alert.observables, bin_of(alert.time)


def bin_of(time: datetime) -> int:
    """Return the number of the bin that ``time`` falls into."""
    return int(time.timestamp() // BIN_SECONDS)


class Kept:
    """A line as it grows: its first alert stands for what all have in common."""

    __slots__ = ("alert", "alerts", "digest", "first", "key", "last", "score", "tokens", "uids")

    def __init__(self, key: Key, alert: Alert, tokens: tuple[Token, ...], digest: bytes) -> None:
        self.key, self.alert, self.tokens, self.digest = key, alert, tokens, digest
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
        digest = hashlib.blake2b(repr(key).encode("utf-8", "backslashreplace"), digest_size=8).digest()
        self.kept[number] = Kept(key, alert, tokens, digest)
        self._numbers[key] = number
        self.bins[number] = bin_of(alert.time)
        self.order[number] = int.from_bytes(digest, "big")
        places = [place for place in map(tactic_place, alert.tactics) if place is not None]
        self._tactic[number] = max(places, default=-1)
        self._rule[number] = self._name((alert.product, alert.rule.uid))
        self._product[number] = self._name(alert.product)
        self._margin[number] = float(logit(0.0))
        return number

    def raise_score(self, number: int) -> bool:
        """Bring the margin up to the line's score; return whether it rose."""
        margin = float(logit(self.kept[number].score))
        rose = margin > self.margin(number)
        self._margin[number] = margin
        return rose

    def margin(self, number: int) -> float:
        """Return the log-odds of the line's score."""
        return float(self._margin[number])

    def drop(self, numbers: Iterable[int]) -> None:
        """Let lines go."""
        for number in numbers:
            del self._numbers[self.kept.pop(number).key]
            self._free.append(number)

    def sides(self, earlier: NDArray[np.int64], later: NDArray[np.int64]) -> Sides:
        """Return what the link model asks of pairs of lines."""
        both = np.stack([earlier, later], axis=1)
        return Sides(self._margin[both], self._tactic[both], self._rule[both], self._product[both])

    def place(self, number: int) -> tuple[int, int]:
        """Return a line's place in the one order of lines: by bin, then by digest."""
        return int(self.bins[number]), int(self.order[number])

    def _name(self, name: object) -> int:
        return self._names.setdefault(name, len(self._names))

    def _grow(self) -> None:
        for name in ("bins", "order", "_margin", "_tactic", "_rule", "_product"):
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.zeros_like(column)]))
