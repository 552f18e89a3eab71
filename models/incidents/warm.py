"""``python -m models.incidents.warm``: compile what correlates once, so that no start has to wait for it (numba keeps it on disk)."""

from __future__ import annotations

import numpy as np

from models.incidents.forest import Edge, groves, said_of
from models.incidents.lines import LineTable
from models.incidents.run_kernel import PART_BITS
from models.incidents.runs import Runs


def main() -> None:
    """Use every compiled function on made-up lines, so many that their runs outgrow the pool."""
    numbers = np.repeat(np.arange(10), 60)
    runs = Runs(LineTable())
    of = np.tile(np.arange(60), 10)
    runs.put(of, numbers << PART_BITS)
    runs.stand(of, numbers, np.zeros_like(of))
    runs.take(of, numbers)
    runs.cut(of, 0)
    groves([0, 1], [Edge(0, 1, 0.9)], {}, said=[said_of(1, {0: 0.9})])


if __name__ == "__main__":
    main()
