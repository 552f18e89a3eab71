"""``tamis score-events``: the anomaly of each user-day, or of each segment of commands, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.errors import RecordError
from models.behaviour.conformal import discoveries
from models.behaviour.day import Day, days
from models.behaviour.sequences import Scorer, SequenceModel
from models.behaviour.watch import Judged, Watch
from training.behaviour.learning import fields_of, walk, weights_by_project
from training.behaviour.loaders import Typed, git_activity, masquerade
from training.errors import DataError

TRAINING_SEGMENTS = 50
"""Of ``masquerade``, segments 0–49 of each user are known to be their own."""


def score_segments(path: Path) -> pa.Table:
    """Learn every user's first segments and score the rest, in their order: ``user, segment, anomaly_score``."""
    typed = masquerade(path)
    model = fit_sequences(typed)
    rows = [
        {"user": user, "segment": one.segment, "anomaly_score": score}
        for user, own in typed.items()
        for one, score in scored_segments(model, user, own)
    ]
    schema = pa.schema([("user", pa.string()), ("segment", pa.int64()), ("anomaly_score", pa.float64())])
    return pa.Table.from_pylist(rows, schema=schema)


def fit_sequences(typed: dict[str, list[Typed]]) -> SequenceModel:
    """Learn from the training segments of every user."""
    return SequenceModel.fit(
        {user: [one.commands for one in own if one.segment < TRAINING_SEGMENTS] for user, own in typed.items()}
    )


def scored_segments(model: SequenceModel, user: str, typed: Sequence[Typed]) -> list[tuple[Typed, float]]:
    """Return the segments after the training ones, each with its score."""
    scorer = Scorer(model, user)
    return [(one, scorer.score(one.commands)) for one in typed if one.segment >= TRAINING_SEGMENTS]


def score_days(path: Path, *, false_discovery: float) -> tuple[pa.Table, list[RecordError]]:
    """Score each user-day of ``git-activity`` by what was known by its end, with weights from the other projects."""
    loaded = git_activity(path)
    history = days(loaded.events)
    if not history:
        raise DataError(str(path), "holds no event that can be judged")
    walked = walk(history)
    weights, watch = weights_by_project(walked, fields_of(history)), Watch()
    judged = [watch.judge(day, evidence, weights[day.group]) for day, evidence in walked.days]
    return _table(history, judged, false_discovery), loaded.rejected


def _table(history: Sequence[Day], judged: Sequence[Judged], false_discovery: float) -> pa.Table:
    p_value = np.array([one.p_value for one in judged])
    return pa.table(
        {
            "tenant": [day.tenant for day in history],
            "entity": [day.entity for day in history],
            "day": pa.array([day.date for day in history], pa.date32()),
            "anomaly_score": [one.score for one in judged],
            "p_value": p_value,
            "flagged": flagged([(day.tenant, day.ordinal) for day in history], p_value, false_discovery),
            "events": [day.events for day in history],
            "reasons": pa.array([one.reasons for one in judged], pa.list_(pa.string())),
        }
    )


def flagged(day: Sequence[tuple[str, int]], p_value: NDArray[np.float64], rate: float) -> NDArray[np.bool_]:
    """Return which of each tenant's and day's users are called out at that rate of false discovery."""
    at: dict[tuple[str, int], list[int]] = {}
    for index, key in enumerate(day):
        at.setdefault(key, []).append(index)
    out = np.zeros(len(p_value), bool)
    for rows in at.values():
        out[rows] = discoveries(p_value[rows].tolist(), rate)
    return out
