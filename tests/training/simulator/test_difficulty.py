"""How hard the simulated world is: a rule's name does not tell an attack, behaviour does for the most part, nothing does wholly."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.default_view import DEFAULT_VIEW
from models.rule_encoder import RuleEncoder
from training.dataset import Dataset, load_dataset
from training.metrics import average_precision, group_scores
from training.simulator import simulate
from training.walk import walk


class Difficulty(NamedTuple):
    """Average precision over groups in the second half of time, learned from the truth of the first."""

    look_up: float
    classifier: float


def measure(tenants: int, days: int, seed: int, folder: Path) -> Difficulty:
    """Simulate a world and try both on it."""
    simulated = simulate(tenants, days, seed, folder)
    dataset = load_dataset(simulated.history, "history", bytes(32), labels=False)
    table = pd.read_parquet(simulated.truth).set_index("alert_uid")["attack"]
    target = table.loc[dataset.uids].to_numpy().astype(np.int8)
    features = np.empty((len(dataset), len(DEFAULT_VIEW.names)))
    for walked in walk(dataset, dataset.timeline([]), DEFAULT_VIEW, RuleEncoder(0.5, {})):
        features[walked.alert] = walked.features
    early = dataset.block.time < (dataset.block.time.min() + dataset.block.time.max()) / 2.0
    rates = pd.Series(target[early]).groupby(dataset.rule[early]).mean()
    look_up = pd.Series(dataset.rule).map(rates).fillna(0.0).to_numpy()
    model = lgb.LGBMClassifier(
        n_estimators=200, num_leaves=31, learning_rate=0.05, n_jobs=1, random_state=0, deterministic=True, verbose=-1
    )
    score = model.fit(features[early], target[early]).predict_proba(features)[:, 1]
    return Difficulty(_quality(dataset, target, look_up, ~early), _quality(dataset, target, score, ~early))


def _quality(dataset: Dataset, target: NDArray[np.int8], score: NDArray[np.float64], late: NDArray[np.bool_]) -> float:
    return average_precision(group_scores(score[late], target[late], dataset.group[late], dataset.tenant[late]))


def test_neither_trivial_nor_hopeless(tmp_path: Path) -> None:
    found = measure(3, 60, 0, tmp_path / "out")
    assert 0.3 <= found.look_up <= 0.7
    assert found.look_up + 0.15 < found.classifier < 0.95
