"""``tamis score-events``: the anomaly of each account's day or event, or of each segment of commands, as a table.

They are judged by the service's engine: an event by what was known before it, a day by what was known by its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import NamedTuple

import pyarrow as pa

from features.errors import RecordError
from features.event import Event
from models.behaviour.day import END, FIRST
from models.behaviour.engine import BehaviourEngine
from models.behaviour.judgement import DayJudgement, EventJudgement
from models.behaviour.model import BehaviourModel
from training.behaviour.fitting import Source, learn_events
from training.behaviour.loaders import masquerade, read_events
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


class Scores(NamedTuple):
    """A table of scores, the rows that could not be read, and how many events had a time that cannot be."""

    table: pa.Table
    rejected: Sequence[RecordError] = ()
    unbelievable: int = 0


def score(source: Source, model: BehaviourModel | None, *, false_discovery: float, by_event: bool = False) -> Scores:
    """Score what is at ``source`` by ``model``, or by what is learned from itself. Segments have no days: one row each."""
    if source.fmt == SEGMENTS:
        return Scores(segment_table(model.sequences if model else None, masquerade(source.path)))
    loaded = read_events(source.path, source.fmt, source.tenant)
    model = model or learn_events(loaded.events, source.path).model
    engine, parts = BehaviourEngine(model, false_discovery=false_discovery), []
    for events, days in walk_days(engine, loaded.events):
        judged, schema = (events, _EVENTS) if by_event else (days, _DAYS)
        parts.append(pa.Table.from_pylist([_row(one, schema) for one in judged], schema=schema))
    if not any(len(part) for part in parts):
        raise DataError(str(source.path), "holds no event that can be judged")
    return Scores(pa.concat_tables(parts), loaded.rejected, engine.unbelievable)


def walk_days(engine: BehaviourEngine, events: Sequence[Event]) -> Iterator[tuple[list[EventJudgement], list[DayJudgement]]]:
    """Yield what the engine says of each day's events, and of the day at its end; ``events`` are in order of time."""
    for day, some in groupby(events, key=lambda event: event.time.date()):
        judged = engine.observe(list(some))
        yield judged, engine.close(day + timedelta(days=1)) if FIRST.date() <= day < END.date() else []


def _row(one: EventJudgement | DayJudgement, schema: pa.Schema) -> dict[str, object]:
    row = {name: getattr(one, name) for name in schema.names}
    return {**row, "kind": one.kind.value}
