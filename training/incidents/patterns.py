"""Learn the patterns of links in simulated worlds: ``python -m training.incidents.patterns SEED…`` writes their trees into the code.

They are learned beyond the default weights, which :mod:`training.incidents.linking` prints and which must be in the code before.
"""

from __future__ import annotations

import lzma
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import lightgbm
import numpy as np
from numpy.typing import NDArray

from models.incidents.link_model import ASKED_FROM, among, default_margin
from models.incidents.links import USUAL, usual_features
from models.incidents.patterns import EVIDENCE, FALLING, RISING, TREES, evidence, without_tactics
from training.incidents.worlds import NOISES, Scored, scored_world
from training.links import examples

_SECRET = bytes(32)
_TENANTS = 12
_ROUNDS = 200
_PARAMETERS = {
    "objective": "binary", "num_leaves": 64, "learning_rate": 0.15, "min_data_in_leaf": 50, "lambda_l2": 5.0, "feature_fraction": 0.6,
    "max_bin": 63, "use_missing": False, "seed": 0, "num_threads": 1, "deterministic": True, "force_row_wise": True, "verbosity": -1,
    "monotone_constraints": [(name in RISING) - (name in FALLING) for name in EVIDENCE],
}  # fmt: skip
"""Chosen in worlds of other seeds than those learned from and than those that are measured."""
_UNREAD = frozenset({
    "tree_sizes", "split_gain", "leaf_weight", "leaf_count", "internal_value", "internal_weight", "internal_count",
})  # fmt: skip
"""What LightGBM writes of trees and no prediction reads."""


class Asked(NamedTuple):
    """n pairs of lines that the trees are asked about: ``evidence`` f8[n, E], what the default weights say ``margin`` f8[n] in
    log-odds, and whether both are of one incident ``same`` b[n]."""

    evidence: NDArray[np.float64]
    margin: NDArray[np.float64]
    same: NDArray[np.bool_]


def main(seeds: Sequence[int]) -> None:
    """Simulate a world for each seed and level of noise, learn from the pairs of lines in them, and write the trees."""
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            for noise in NOISES:
                found.append(asked(scored_world(Path(folder), seed, noise, _SECRET, tenants=_TENANTS, teachers=0)))
                sys.stdout.write(
                    f"seed {seed}, noise {noise}: {len(found[-1].same):,} pairs, {found[-1].same.sum():,} of one incident\n"
                )
                sys.stdout.flush()
    TREES.write_bytes(lzma.compress(learn(found).encode(), preset=9))


def asked(world: Scored) -> Asked:
    """Return what the trees can learn from a world."""
    told = examples(world.alerts, world.score, world.incident, world.resolve)
    usual = usual_features(told.shared, told.sides)
    margin = default_margin(usual)
    mine = margin >= ASKED_FROM
    return Asked(evidence(*among(mine, told.shared, told.sides), usual[mine]), margin[mine], told.same[mine])


def learn(worlds: Sequence[Asked]) -> str:
    """Return trees, as LightGBM writes them, that add to the default weights what these leave unexplained.

    Each pair is learned from twice, as it is and as if no tactic were known: many products tell none.
    """
    told = [*worlds, *map(_without_tactics, worlds)]
    x, margin, same = (np.concatenate(column) for column in zip(*told, strict=True))
    data = lightgbm.Dataset(x, same, init_score=margin, feature_name=list(EVIDENCE))
    return _lean(lightgbm.train(_PARAMETERS, data, _ROUNDS).model_to_string())


def _without_tactics(world: Asked) -> Asked:
    found = without_tactics(world.evidence)
    return world._replace(evidence=found, margin=default_margin(found[:, : len(USUAL)]))


def _lean(trees: str) -> str:
    """Return trees without what no prediction reads, two thirds of their text."""
    told = trees[: trees.index("end of trees")].splitlines()
    return "\n".join([line for line in told if line.partition("=")[0] not in _UNREAD] + ["end of trees", ""])


if __name__ == "__main__":
    main([int(seed) for seed in sys.argv[1:]])
