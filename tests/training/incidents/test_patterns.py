"""Learning patterns: what is asked of a world, and trees that say what the default weights leave unsaid."""

from __future__ import annotations

from pathlib import Path

import lightgbm
import numpy as np

from models.incidents.link_model import ASKED_FROM
from models.incidents.patterns import EVIDENCE, FALLING, RISING
from tests.training.datasets import SECRET
from training.incidents.patterns import Asked, asked, learn
from training.incidents.worlds import scored_world


def _pairs(count: int) -> Asked:
    """Return pairs that are of one incident where tactics go on and those of a busy host, which the margin says nothing of."""
    rng = np.random.default_rng(0)
    found = rng.normal(0.0, 1.0, (count, len(EVIDENCE)))
    found[:, EVIDENCE.index("step")] = rng.integers(-3, 4, count)
    found[:, EVIDENCE.index("lines")] = rng.uniform(0.0, 5.0, count)
    chance = 1.0 / (1.0 + np.exp(-2.0 * found[:, EVIDENCE.index("step")] + found[:, EVIDENCE.index("lines")]))
    return Asked(found, np.zeros(count), rng.random(count) < chance)


def test_trees_learn_what_the_margin_leaves_and_bend_the_way_they_must() -> None:
    pairs = _pairs(4_000)
    text = learn([pairs])
    trees = lightgbm.Booster(model_str=text)
    said = trees.predict(pairs.evidence, raw_score=True)
    assert said[pairs.same].mean() - said[~pairs.same].mean() > 1.0
    assert "leaf_count" not in text
    for names, sign in ((RISING, 1.0), (FALLING, -1.0)):
        for name in names:
            more = pairs.evidence.copy()
            more[:, EVIDENCE.index(name)] += 1.0
            assert (sign * (trees.predict(more, raw_score=True) - said)).min() > -1e-9


def test_nothing_is_asked_of_pairs_that_the_default_weights_think_nothing_of(tmp_path: Path) -> None:
    found = asked(scored_world(tmp_path, 5, 0.3, SECRET, days=15, teachers=0))
    assert len(found.evidence) == len(found.margin) == len(found.same)
    assert found.margin.min() >= ASKED_FROM
    assert found.evidence.shape[1] == len(EVIDENCE)
    assert 0.0 < found.same.mean() < 1.0
