"""A whole file of events at once: the numbers of the live engine, by columns, on two cores."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.accounts import Accounts
from features.event_columns import EventColumns, read_columns
from features.event_encode import EventBlock, EventEncoder
from models.behaviour.day import END, FIRST
from models.behaviour.day_gather import DayGatherer, Gathered, Seen
from models.behaviour.day_judges import DayJudge, judge_vectors
from models.behaviour.day_vector import DayKey
from models.behaviour.signals import Floats
from models.behaviour.walk import EventWalk, Walked
from models.behaviour.watch import Judged

SIZE = 200_000
"""Events at a time: what is read of them takes some 150 MiB."""
GRACE_DAYS = 1
"""A day is closed when events of the day after, and so many days more, have come."""
_DAY = 86400.0


class ScoredBlock(NamedTuple):
    """Some events: their ``rows`` in the table, scores and signals; and the days that ended meanwhile."""

    rows: NDArray[np.int64]
    scores: Floats
    signals: Floats
    ended: Gathered


class TableWalk:
    """The state of all accounts while tables are walked, one after the other, each in the order of receipt.

    ``late`` counts events whose day was closed before they came, ``unbelievable`` those whose time cannot be, ``incomplete`` those
    without tenant, account, action or time.
    """

    def __init__(self, secret: bytes, accounts: Accounts | None = None, *, pool: ThreadPoolExecutor | None = None) -> None:
        self.late = self.unbelievable = self.incomplete = 0
        self.walk, self.days = EventWalk(secret, pool), DayGatherer()
        self._encoder, self._closed = EventEncoder(secret, accounts), 0

    def blocks(self, table: pa.Table, *, size: int = SIZE, grace_days: int = GRACE_DAYS) -> Iterator[ScoredBlock]:
        """Walk the rows of a table of native events. Raises ``SourceError`` where a column is missing."""
        columns = read_columns(table)
        self.incomplete += columns.incomplete
        believable = (columns.time >= FIRST.timestamp()) & (columns.time < END.timestamp())
        self.unbelievable += int(np.count_nonzero(~believable))
        yield from self._blocks(columns.take(np.flatnonzero(believable)), size, grace_days)

    def _blocks(self, columns: EventColumns, size: int, grace_days: int) -> Iterator[ScoredBlock]:
        """Walk block by block; while one is walked, the one before is gathered and the next encoded."""
        before: tuple[NDArray[np.int64], EventBlock, Future[Walked]] | None = None
        for rows, block in self._encoder.columns(columns, size):
            if before is not None:
                before[2].result()
            started = self.walk.start(block)
            if before is not None:
                yield self._scored(*before, grace_days)
            before = (rows, block, started)
        if before is not None:
            yield self._scored(*before, grace_days)

    def _scored(self, rows: NDArray[np.int64], block: EventBlock, started: Future[Walked], grace_days: int) -> ScoredBlock:
        walked = started.result()
        ordinal = block.time // _DAY
        in_time = ordinal >= self._closed
        self.late += int(np.count_nonzero(~in_time))
        self.days.add(Seen(block, walked, rows), in_time)
        newest = int(np.quantile(ordinal, 0.99, method="lower"))  # one wrong clock does not close the days of all
        self._closed = max(self._closed, newest - grace_days)
        return ScoredBlock(rows, walked.scores, walked.signals, self.days.take(self._closed))

    def rest(self) -> Gathered:
        """Return the days that are still open, at the end."""
        self._closed = (END - FIRST).days
        return self.days.take(self._closed)


class ScoredDays(NamedTuple):
    """Days in the order of time, and what the judge says of each."""

    keys: list[DayKey]
    events: list[int]
    judged: list[Judged]


class TableScores(NamedTuple):
    """The score of each row of the table (NaN: not judged), and the days."""

    events: Floats
    days: ScoredDays


def score_table(table: pa.Table, walk: TableWalk, judge: DayJudge | None = None, *, size: int = SIZE) -> TableScores:
    """Score every event of a table, and with a ``judge`` every day of its accounts and hosts."""
    scores, days = np.full(len(table), np.nan), ScoredDays([], [], [])
    with _uncollected():
        for block in walk.blocks(table, size=size):
            scores[block.rows] = block.scores
            _judge(judge, block.ended, days)
        _judge(judge, walk.rest(), days)
    return TableScores(scores, days)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no cycles meanwhile: millions of names and days are made that stay, and to go through them again and again takes long."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _judge(judge: DayJudge | None, ended: Gathered, days: ScoredDays) -> None:
    if judge is not None:
        days.keys.extend(ended.vectors.keys)
        days.events.extend(ended.vectors.events.tolist())
        days.judged.extend(one for one in judge_vectors(judge, ended.vectors) if one is not None)
