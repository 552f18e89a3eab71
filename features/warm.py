"""``python -m features.warm``: compile the kernel and the tally once, so that no start has to wait for it (numba keeps it on disk)."""

from __future__ import annotations

import numpy as np

from features import tally
from features.counters import CounterState
from features.default_view import DEFAULT_VIEW
from features.encode import COLUMNS, FactBlock
from features.event_encode import EVENT_COLUMNS
from features.event_view import WHAT_VIEW, what_state


def main() -> None:
    """Walk enough made-up facts to use every compiled function, growth of the table included."""
    n = 4096
    columns = np.arange(1, n * len(COLUMNS) + 1, dtype=np.uint64).reshape(n, -1)
    values = np.zeros((n, len(DEFAULT_VIEW.spec.values)))
    block = FactBlock(np.arange(n, dtype=np.float64), np.zeros(n, np.uint8), np.ones(n), columns, values)
    DEFAULT_VIEW.read(CounterState(DEFAULT_VIEW.spec, bytes(32)), block)
    columns = np.arange(1, n * len(EVENT_COLUMNS) + 1, dtype=np.uint64).reshape(n, -1)
    events = FactBlock(block.time, block.kind, block.weight, columns, np.zeros((n, 0)))
    WHAT_VIEW.read(what_state(bytes(32)), events)
    at, numbers, sums = np.zeros(1, np.intp), np.ones((1, 1)), np.zeros((1, 1), np.int64)
    tally.highest(at, at, numbers, at, (numbers, sums))
    tally.add(at, at, numbers, numbers)
    tally.add(at, at, sums, sums)
    tally.distinct(at)


if __name__ == "__main__":
    main()
