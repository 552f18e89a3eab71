"""The walk: every alert's features as of then, a chunk at a time, so that memory stays flat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.counters import CounterState
from features.encode import FactBlock, FactKind
from features.timeline import Timeline
from features.view import FeatureView
from models.rule_encoder import RuleEncoder, RuleTable
from training.dataset import Dataset

CHUNK = 50_000


class Walked(NamedTuple):
    """Some alerts (``alert``: their rows in the data set), their features n × F as of then, and the facts themselves."""

    alert: NDArray[np.int64]
    features: NDArray[np.float64]
    block: FactBlock
    known_rule: NDArray[np.bool_]


def walk(
    dataset: Dataset, timeline: Timeline, view: FeatureView, encoder: RuleEncoder, state: CounterState | None = None
) -> Iterator[Walked]:
    """Yield the alerts of ``timeline`` in the order of receipt with their features as of then.

    Rule encodings are read for each tenant from the others in ``encoder``.
    """
    state = state or CounterState(view.spec, dataset.encoder.secret)
    table = RuleTable(encoder, dataset.encoder.rules, dataset.encoder.tenants)
    alert_of = np.full(len(timeline.block), -1, np.int64)
    alert_of[timeline.alert_at] = np.arange(len(dataset))
    for start in range(0, len(timeline.block), CHUNK):
        span = slice(start, start + CHUNK)
        block = timeline.block.take(span)
        values, known = table.read(block)
        wide = block.widen(values)
        features = view.read(state, wide)
        is_alert = block.kind == FactKind.ALERT
        yield Walked(alert_of[span][is_alert], features[is_alert], wide.take(np.flatnonzero(is_alert)), known[is_alert])
