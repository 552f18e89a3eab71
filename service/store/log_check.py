"""Walking the decision log: every row that is not as it was written, is missing, or was put in."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from service.errors import StartError
from service.store.anchors import Anchor
from service.store.decision_log import COLUMNS, GENESIS, SEALED, DecisionLog, Of, canonical

_DECIDED = len(COLUMNS.split(", ")) + 1
_MOST_CANDIDATES = 8
_ROWS = (
    f"SELECT {', '.join('d.' + name for name in SEALED.split(', '))}, d.chain, a.tenant, a.received, a.fact, a.uid, a.digest, a.payload, "  # noqa: S608
    'e.alert_seq, e.time, e."by", e.seal FROM decisions d LEFT JOIN alerts a ON a.seq = d.alert_seq '
    "LEFT JOIN erasures e ON e.alert_seq = d.alert_seq ORDER BY d.id"
)
_UNDECIDED = "SELECT a.seq, a.tenant, a.uid FROM alerts a WHERE NOT EXISTS (SELECT 1 FROM decisions d WHERE d.alert_seq = a.seq)"


class Fault(NamedTuple):
    """What is wrong with row ``row`` of the log (0: with an alert that has none), and of which alert it is as far as known."""

    row: int
    tenant: str
    alert: str
    what: str


class Checked(NamedTuple):
    """What a walk found."""

    rows: int
    erased: int
    anchors: int
    faults: list[Fault]


class _Row(NamedTuple):
    """A row of the log with what is stored of its alert; anything in it may have been tampered with."""

    decided: tuple[Any, ...]
    of: Of
    chain: Any
    uid: Any
    digest: Any
    payload: Any
    erasure: tuple[Any, ...]

    @property
    def number(self) -> int:
        return int(self.decided[0])


@contextmanager
def open_snapshot(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the records as they are at one moment, for reading only; the service may be running.

    Raises ``StartError`` where there are none, they cannot be read, or come from a version before the log was chained.
    """
    if not path.exists():
        raise StartError(f"{path}: there are no records yet")
    connection = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=5.0, isolation_level=None)
    connection.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
    try:
        connection.execute("BEGIN")
        columns = {row[1] for row in connection.execute("PRAGMA table_info(decisions)")}
        if "chain" not in columns:
            raise StartError(f"{path}: the decisions are not chained yet; start the service once")
        yield connection
    except sqlite3.Error as error:
        raise StartError(f"{path} cannot be read: {error}") from error
    finally:
        connection.close()


def check(connection: sqlite3.Connection, log: DecisionLog, anchors: Sequence[Anchor]) -> Checked:
    """Walk the whole log."""
    walk = _Walk(log, anchors)
    for values in connection.execute(_ROWS):
        row = _row(values)
        walk.chain(row)
        walk.alert(row)
    walk.end()
    for seq, tenant, uid in connection.execute(_UNDECIDED):
        walk.faults.append(Fault(0, str(tenant), str(uid), f"alert {seq} has no decision: what was decided on it was taken out"))
    return Checked(walk.rows, walk.erased, len(anchors), walk.faults)


class _Walk:
    """One pass. A row may be chained to what stands in the row before or, where only that was changed, to what should stand there."""

    def __init__(self, log: DecisionLog, anchors: Sequence[Anchor]) -> None:
        self._log = log
        self._anchors = sorted(anchors, key=lambda anchor: anchor.row, reverse=True)
        self._given = len(anchors)
        self._before: list[bytes] = [GENESIS]
        self._last = 0
        self.rows = self.erased = 0
        self.faults: list[Fault] = []

    def chain(self, row: _Row) -> None:
        """Look whether the row is what was chained, and what the anchors say of it."""
        made = self._made(row)
        if row.chain in made:
            self._before = [row.chain]
        elif row.number > self._last + 1:
            self._missing(self._last + 1, row.number - 1, "; so the row after them cannot be held against them")
            self._before = [row.chain, *made]
        else:
            self._fault(row, "it was changed, or put in")
            self._before = [row.chain, *made][:_MOST_CANDIDATES]
        self._anchored(row)
        self.rows += 1
        self._last = row.number

    def alert(self, row: _Row) -> None:
        """Look whether what is stored of the alert is what the record says of it, if it was not erased."""
        log, of = self._log, row.of
        if row.uid is None:
            self._fault(row, "its alert is missing")
            return
        try:
            if row.erasure[0] is not None:
                self.erased += 1
                _, time, by, seal = row.erasure
                sealed = log.seal(row.decided[1], time, by, of.subject, of.content, row.uid, row.payload)
                if seal != sealed or row.digest != b"":
                    self._fault(row, "its alert is marked as erased, but not by the service")
            elif log.content(row.digest, row.payload) != of.content or log.subject(of.tenant, row.uid) != of.subject:
                self._fault(row, "what is stored of its alert was changed")
        except (TypeError, UnicodeEncodeError):
            self._fault(row, "what is stored of its alert was changed")

    def end(self) -> None:
        """Look whether the log goes as far as it was anchored."""
        if self.rows and not self._given:
            self.faults.append(Fault(0, "", "", "there are no anchors: the file in which they are kept was taken away"))
        for anchor in self._anchors:
            if anchor.row > self._last:
                self._missing(self._last + 1, anchor.row, f": the log went so far on {anchor.time:%Y-%m-%d %H:%M} UTC")
                break

    def _made(self, row: _Row) -> list[bytes]:
        try:
            record = canonical(row.decided, row.of)
        except (TypeError, UnicodeEncodeError):
            return []
        return [self._log.chained(before, record) for before in self._before if isinstance(before, bytes)]

    def _anchored(self, row: _Row) -> None:
        while self._anchors and self._anchors[-1].row <= row.number:
            anchor = self._anchors.pop()
            if anchor.row == row.number and row.chain != bytes.fromhex(anchor.chain):
                self._fault(row, f"it is not the row that was anchored on {anchor.time:%Y-%m-%d %H:%M} UTC")

    def _missing(self, first: int, last: int, why: str) -> None:
        rows = f"row {first} is" if first == last else f"rows {first} to {last} are"
        self.faults.append(Fault(first, "", "", f"{rows} missing{why}"))

    def _fault(self, row: _Row, what: str) -> None:
        if not self.faults or self.faults[-1].row != row.number:
            self.faults.append(Fault(row.number, str(row.of.tenant), str(row.uid), what))


def _row(values: tuple[Any, ...]) -> _Row:
    decided, rest = values[:_DECIDED], values[_DECIDED:]
    subject, content, chain, tenant, received, fact, uid, digest, payload, *erasure = rest
    return _Row(decided, Of(subject, content, tenant, received, fact), chain, uid, digest, payload, tuple(erasure))
