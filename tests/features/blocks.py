"""Random blocks of facts, and the counts by definition, computed without the kernel."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.counters import CounterState
from features.default_view import DEFAULT_VIEW
from features.encode import COLUMNS, FactBlock
from features.view import FeatureView

SECRET = b"s" * 32
DAY = 86400.0


def random_block(
    seed: int,
    n: int,
    *,
    names: int = 4,
    span: float = 3 * DAY,
    absent: float = 0.2,
    labels: float = 0.2,
    view: FeatureView = DEFAULT_VIEW,
) -> FactBlock:
    """Return n facts at times out of order, some equal, some columns absent, some facts labels (some of them taken back)."""
    random = np.random.default_rng(seed)
    time = 1.7e9 + np.round(random.uniform(0.0, span, n), random.integers(0, 4))
    again = random.random(n) < 0.2
    time[again] = time[random.integers(0, n, int(again.sum()))] if n else time[again]
    columns = random.integers(1, names + 1, (n, len(COLUMNS))).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    columns[random.random((n, len(COLUMNS))) < absent] = 0
    columns[:, COLUMNS.index("tenant")] = random.integers(1, 3, n)
    rule = columns[:, COLUMNS.index("rule")]  # a rule belongs to one product, as the encoder makes it
    columns[:, COLUMNS.index("product")] = np.where(rule == 0, 0, rule % np.uint64(2) + np.uint64(1))
    kind = np.where(random.random(n) < labels, random.integers(1, 3, n), 0).astype(np.uint8)
    weight = np.where((kind > 0) & (random.random(n) < 0.2), -1.0, 1.0)
    values = random.random((n, len(view.spec.values)))
    values[random.random(values.shape) < 0.1] = np.nan
    return FactBlock(time, kind, weight, columns, values)


def state_of(view: FeatureView = DEFAULT_VIEW, max_keys: int = 2**22) -> CounterState:
    """Return an empty state."""
    return CounterState(view.spec, SECRET, max_keys)


def one_by_one(state: CounterState, block: FactBlock, view: FeatureView = DEFAULT_VIEW) -> NDArray[np.float64]:
    """Read a block a fact at a time."""
    rows = [view.read(state, block.take(slice(i, i + 1))) for i in range(len(block))]
    return np.concatenate(rows) if rows else np.zeros((0, len(view.features)))


def same_bits(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
    """Whether two arrays are equal bit for bit, NaN included."""
    return a.shape == b.shape and a.tobytes() == b.tobytes()


def column_mask(block: FactBlock, row: int, columns: tuple[str, ...]) -> NDArray[np.bool_] | None:
    """Return which facts share the named columns (and the tenant) with ``row``; ``None`` where one is absent there."""
    at = [COLUMNS.index(name) for name in ("tenant", *columns)]
    if (block.columns[row, at] == 0).any():
        return None
    return (block.columns[:, at] == block.columns[row, at]).all(axis=1)


seeds = st.integers(0, 2**32 - 1)
