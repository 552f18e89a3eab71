"""Learn the default link model in simulated worlds: ``python -m training.incidents.linking SEED…`` prints its weights."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from models.incidents.links import FEATURES
from training.incidents.worlds import NOISES, scored_world
from training.links import link_examples

_SECRET = bytes(32)


def main(seeds: Sequence[int]) -> None:
    """Simulate a world for each seed and level of noise, and print intercept and weights."""
    with tempfile.TemporaryDirectory() as folder:
        worlds = [scored_world(Path(folder), seed, noise, _SECRET) for seed in seeds for noise in NOISES]
    examples = [link_examples(world.alerts, world.score, world.incident, world.resolve) for world in worlds]
    x, y = np.concatenate([x for x, _, _ in examples]), np.concatenate([y for _, y, _ in examples])
    fitted = LogisticRegression(max_iter=5_000).fit(x, y)
    sys.stdout.write(f"{sum(count for _, _, count in examples)} incidents, {len(y):,} pairs, {int(y.sum()):,} of one incident\n")
    sys.stdout.write(f"intercept: {fitted.intercept_[0]:.2f}\n")
    for name, weight in zip(FEATURES, fitted.coef_[0], strict=True):
        sys.stdout.write(f'"{name}": {weight:.2f}, ')
    sys.stdout.write("\n")


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]])
