"""``tamis score-events``: the anomaly of each account's day or event, or of each segment of commands, as a table.

They are judged by the service's engine: an event by what was known before it, a day by what was known by its end.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import NamedTuple

import pyarrow as pa

from features.errors import RecordError
from features.event_columns import EventColumns, read_columns
from models.behaviour.day import END, date_of
from models.behaviour.engine import BehaviourEngine, Observed
from models.behaviour.event_scores import reasons
from models.behaviour.judgement import DayJudgement
from models.behaviour.model import BehaviourModel
from training.behaviour.fitting import Source, learn_events
from training.behaviour.loaders import masquerade, read_event_table
from training.behaviour.segments import SEGMENTS, segment_table
from training.errors import DataError

_DAYS = pa.schema(
    [
        ("tenant", pa.string()), ("entity", pa.string()), ("day", pa.date32()), ("anomaly_score", pa.float64()),
        ("p_value", pa.float64()), ("events", pa.int64()), ("reasons", pa.list_(pa.string())), ("flagged", pa.bool_()),
        ("kind", pa.string()),
    ]
)  # fmt: skip


_EVENTS = pa.schema(
    [
        ("tenant", pa.string()), ("entity", pa.string()), ("uid", pa.string()), ("time", pa.timestamp("us", "UTC")),
        ("anomaly_score", pa.float64()), ("reasons", pa.list_(pa.string())), ("kind", pa.string()),
    ]
)  # fmt: skip


_OF_ACCOUNT = ("tenant", "uid", "kind")


class Scores(NamedTuple):
    """A table of scores, the rows that could not be read, and how many events had a time that cannot be."""

    table: pa.Table
    rejected: Sequence[RecordError] = ()
    unbelievable: int = 0


def score(source: Source, model: BehaviourModel | None, *, false_discovery: float, by_event: bool = False) -> Scores:
    """Score what is at ``source`` by ``model``, or by what is learned from itself. Segments have no days: one row each."""
    if source.fmt == SEGMENTS:
        return Scores(segment_table(model.sequences if model else None, masquerade(source.path)))
    table, rejected = read_event_table(source.path, source.fmt, source.tenant)
    if model is None:
        model = learn_events(table, source.path).model
    with _uncollected(), ThreadPoolExecutor(1) as pool:
        engine = BehaviourEngine(model, false_discovery=false_discovery, days=not by_event, pool=pool)
        columns, told = read_columns(table), table.select(["uid", "time"])
        del table
        scored = _by_event(engine, columns, told) if by_event else _by_day(engine, columns)
    if not len(scored):
        raise DataError(str(source.path), "holds no event that can be judged")
    return Scores(scored, rejected, engine.unbelievable)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Look for no cycles meanwhile: millions of values and days are made that stay, and to go through them again and again takes long."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _by_event(engine: BehaviourEngine, columns: EventColumns, named: pa.Table) -> pa.Table:
    parts = [_EVENTS.empty_table()]
    for rows, block, walked in engine.observe_columns(columns):
        told, whose = named.slice(rows[0], rows[-1] - rows[0] + 1).take(pa.array(rows - rows[0])), pa.array(block.who)
        of = {name: pa.array([getattr(one, name) for one in block.accounts], pa.string()).take(whose) for name in _OF_ACCOUNT}
        cells = {
            "tenant": of["tenant"], "entity": of["uid"], "uid": told["uid"].cast(pa.string()), "time": told["time"],
            "anomaly_score": walked.scores, "reasons": reasons(walked.signals), "kind": of["kind"],
        }  # fmt: skip
        parts.append(pa.table([cells[name] for name in _EVENTS.names], schema=_EVENTS))
    return pa.concat_tables(parts)


def _by_day(engine: BehaviourEngine, columns: EventColumns) -> pa.Table:
    parts = [_DAYS.empty_table()]
    for _, days in walk_days(engine, columns):
        parts.append(pa.Table.from_pylist([_row(one) for one in days], schema=_DAYS))
    return pa.concat_tables(parts)


def walk_days(engine: BehaviourEngine, columns: EventColumns) -> Iterator[tuple[Observed | None, list[DayJudgement]]]:
    """Yield what the engine says of some events, and of the days that ended before the last of them; all are in order of time."""
    for observed in engine.observe_columns(columns):
        yield observed, engine.close(date_of(int(observed.block.time[-1] // 86400.0)))
    yield None, engine.close(END.date())


def _row(one: DayJudgement) -> dict[str, object]:
    return {**{name: getattr(one, name) for name in _DAYS.names}, "kind": one.kind.value}
