"""Learn the default weights of links and of priority in simulated worlds: ``python -m training.incidents.linking SEED…`` prints them."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from models.incidents.links import USUAL, usual_features
from models.incidents.priority import FEATURES as PRIORITY_FEATURES
from models.incidents.priority import known_criticality, priority_features
from training.correlate import Correlated, correlate
from training.incidents.worlds import NOISES, Scored, scored_world
from training.links import examples
from training.priority import fit_priority, outcomes

_SECRET = bytes(32)


def main(seeds: Sequence[int]) -> None:
    """Simulate a world for each seed and level of noise, and print intercept and weights."""
    with tempfile.TemporaryDirectory() as folder:
        worlds = [scored_world(Path(folder), seed, noise, _SECRET, teachers=0) for seed in seeds for noise in NOISES]
    told = [examples(world.alerts, world.score, world.incident, world.resolve) for world in worlds]
    x, y = np.concatenate([usual_features(one.shared, one.sides) for one in told]), np.concatenate([one.same for one in told])
    fitted = LogisticRegression(max_iter=5_000).fit(x, y)
    sys.stdout.write(f"links, of {sum(one.incidents for one in told)} incidents and {len(y):,} pairs\n")
    _print(float(fitted.intercept_[0]), USUAL, fitted.coef_[0].tolist())
    shown = [
        past_incidents(world, correlate(world.alerts, world.score, world.resolve, anomaly=world.anomaly)) for world in worlds
    ]
    priority = fit_priority(np.concatenate([x for x, _ in shown]), np.concatenate([y for _, y in shown]))
    sys.stdout.write(f"priority, of {priority.incidents:,} incidents\n")
    _print(priority.intercept, PRIORITY_FEATURES, priority.weights)


def past_incidents(world: Scored, found: Correlated) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what the incidents shown in a world look like f8[n, F], and whether any alert of each is an attacker's b[n]."""
    attack = np.array([bool(name) for name in world.incident])
    real = outcomes(found, attack, np.ones(len(attack), bool))
    critical = known_criticality(lambda: world.context)
    x = np.stack([priority_features(incident, critical) for incident in found.incidents.values()])
    return x, np.array([real[name] for name in found.incidents])


def _print(intercept: float, names: Sequence[str], weights: Sequence[float]) -> None:
    told = ", ".join(f'"{name}": {weight:.2f}' for name, weight in zip(names, weights, strict=True))
    sys.stdout.write(f"{intercept:.2f}, {{{told}}}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]])
