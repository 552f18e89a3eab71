"""``python -m models.incidents.warm``: compile the walks over runs once, so that no start has to wait for it (numba keeps it on disk)."""

from __future__ import annotations

import numpy as np

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


if __name__ == "__main__":
    main()
