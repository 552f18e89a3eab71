"""Segments of commands, scored against what each account is known to type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from models.behaviour.sequences import Scorer, SequenceModel
from training.behaviour.loaders import Typed

SEGMENTS = "masquerade"
"""The format whose rows are segments of commands."""
TRAINING_SEGMENTS = 50
"""Segments 0–49 of each user are known to be their own."""
_SCHEMA = pa.schema([("user", pa.string()), ("segment", pa.int64()), ("anomaly_score", pa.float64())])


def fit_sequences(typed: Mapping[str, Sequence[Typed]]) -> SequenceModel:
    """Learn from the training segments of every user."""
    return SequenceModel.fit(
        {user: [one.commands for one in own if one.segment < TRAINING_SEGMENTS] for user, own in typed.items()}
    )


def knowing_all(model: SequenceModel | None, typed: Mapping[str, Sequence[Typed]]) -> SequenceModel:
    """Return the model with the users that it does not know learned from their own training segments."""
    known = model.accounts if model is not None else {}
    strangers = fit_sequences({user: own for user, own in typed.items() if user not in known})
    return SequenceModel(accounts=dict(sorted({**known, **strangers.accounts}.items())))


def scored_segments(model: SequenceModel, user: str, typed: Sequence[Typed]) -> list[tuple[Typed, float]]:
    """Return the segments after the training ones, each with its score, in their order."""
    scorer = Scorer(model, user)
    return [(one, scorer.score(one.commands)) for one in typed if one.segment >= TRAINING_SEGMENTS]


def segment_table(model: SequenceModel | None, typed: Mapping[str, Sequence[Typed]]) -> pa.Table:
    """Return ``user, segment, anomaly_score`` of every segment after the training ones."""
    whole = knowing_all(model, typed)
    rows = [
        {"user": user, "segment": one.segment, "anomaly_score": score}
        for user, own in typed.items()
        for one, score in scored_segments(whole, user, own)
    ]
    return pa.Table.from_pylist(rows, schema=_SCHEMA)
