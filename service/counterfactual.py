"""What a feature row would have been had one label never been given: exact, for the counters decay and add."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.counters import KeySpec, Op
from features.encode import COLUMNS, FactBlock, FactKind
from features.view import FeatureView

_NOTHING = 1e-9
"""A count below this is the rounding of one that is 0, and a tree may split just there."""


def without(
    view: FeatureView,
    rows: NDArray[np.float64],
    alerts: tuple[FactBlock, NDArray[np.int64]],
    given: FactBlock,
    others: tuple[FactBlock, NDArray[np.int64]],
) -> NDArray[np.float64]:
    """Return ``rows`` f8[n, F], as they were read for ``alerts``, without what the label folded.

    ``given`` are the label's facts, all under the keys of one alert, folded before each of ``alerts``; ``others`` are the
    facts of all other labels. Alerts and others come with their numbers (order of receipt), i8, ascending for ``others``.
    Only counts are taken back; a count is read as of the later of the alert's time and its key's last fact.
    """
    out = rows.copy()
    for f, feature in enumerate(view.features):
        if feature.op is not Op.COUNT:
            continue
        key = view.spec.keys[view.spec.key_index(feature.a)]
        mine = given.take(np.flatnonzero(given.kind == key.feeds))
        if key.feeds is FactKind.ALERT or len(mine) == 0:
            continue
        same = _under(key, mine, alerts[0])
        then = np.maximum(alerts[0].time[same], _last(key, mine, others, alerts[1][same]))
        now = np.maximum(then, mine.time.max())
        rate = 1.0 / (feature.half_life * key.pace)
        share = (mine.weight * np.exp2(-(now[:, None] - mine.time) * rate)).sum(axis=1)
        left = (rows[same, f] - share) * np.exp2((now - then) * rate)
        out[same, f] = np.where(left < _NOTHING, 0.0, left)
    return out


def _under(key: KeySpec, mine: FactBlock, facts: FactBlock) -> NDArray[np.int64]:
    """Return the rows of ``facts`` that have the very key under which ``mine`` were folded."""
    at = [COLUMNS.index(column) for column in ("tenant", *key.columns)]
    name = mine.columns[0, at]
    if not name.all():
        return np.zeros(0, np.int64)
    return np.flatnonzero((facts.columns[:, at] == name).all(axis=1))


def _last(
    key: KeySpec, mine: FactBlock, others: tuple[FactBlock, NDArray[np.int64]], number: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the latest time of the key's other facts that were folded before each ``number``; −∞ where there is none."""
    rows = _under(key, mine, others[0])
    rows = rows[others[0].kind[rows] == key.feeds]
    latest = np.concatenate([[-np.inf], np.maximum.accumulate(others[0].time[rows])])
    return np.asarray(latest[np.searchsorted(others[1][rows], number)], np.float64)
