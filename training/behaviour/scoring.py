"""``tamis score-events``: the anomaly of each account's day, or of each segment of commands, as a table.

Days are judged by the service's engine: each by what was known by its end.
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
from models.behaviour.judgement import DayJudgement
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


class Scores(NamedTuple):
    """A table of scores, the rows that could not be read, and how many events had a time that cannot be."""

    table: pa.Table
    rejected: Sequence[RecordError] = ()
    unbelievable: int = 0


def score(source: Source, model: BehaviourModel | None, *, false_discovery: float) -> Scores:
    """Score what is at ``source`` by ``model``, or by what is learned from itself."""
    if source.fmt == SEGMENTS:
        return Scores(segment_table(model.sequences if model else None, masquerade(source.path)))
    loaded = read_events(source.path, source.fmt, source.tenant)
    model = model or learn_events(loaded.events, source.path).model
    engine = BehaviourEngine(model, false_discovery=false_discovery)
    days = [one for judged in walk_days(engine, loaded.events) for one in judged]
    if not days:
        raise DataError(str(source.path), "holds no event that can be judged")
    table = pa.Table.from_pylist([_day_row(one) for one in days], schema=_DAYS)
    return Scores(table, loaded.rejected, engine.unbelievable)


def walk_days(engine: BehaviourEngine, events: Sequence[Event]) -> Iterator[list[DayJudgement]]:
    """Yield what the engine says of each day, at its end; ``events`` are in order of time."""
    for day, some in groupby(events, key=lambda event: event.time.date()):
        engine.observe(list(some))
        if FIRST.date() <= day < END.date():
            yield engine.close(day + timedelta(days=1))


def _day_row(one: DayJudgement) -> dict[str, object]:
    row = {name: getattr(one, name) for name in _DAYS.names}
    return {**row, "kind": one.kind.value}
