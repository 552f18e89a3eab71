"""The comparison of detectors: measures on scores that are known, and the same samples for all."""

from __future__ import annotations

import numpy as np
import pytest

from models.behaviour.day_vector import NAMES
from training.behaviour.detectors_compared import PYOD, compared, ours, quality, rivals, table
from training.behaviour.samples import Sample


def sample(seed: int = 0) -> Sample:
    """Return days of which every tenth later one has a few features far out."""
    rng = np.random.default_rng(seed)
    past, later = (rng.exponential(size=(600, len(NAMES))) for _ in range(2))
    strange = np.arange(600) % 10 == 0
    later[strange, :12] *= 6
    return Sample(past, later, strange)


def test_the_measures_are_those_of_known_scores() -> None:
    strange = np.arange(100) % 10 == 0
    assert quality(strange, strange.astype(float)) == (1.0, 1.0, 1.0)
    half = np.where(np.arange(100) % 20 == 0, 2.0, 1.0)
    assert quality(strange, half).recall == pytest.approx(0.5)
    assert quality(strange, np.zeros(100)).auc == 0.5


def test_the_arrays_are_as_good_as_scikit_learn_and_find_what_is_strange() -> None:
    detectors = ours() | {name: one for name, one in rivals().items() if "scikit-learn" in name}
    measured = compared([sample()], detectors)
    forest, theirs = measured["isolation forest (arrays)"][0], measured["IsolationForest (scikit-learn)"][0]
    assert forest == pytest.approx(theirs, abs=1e-9)
    assert all(one.auc > 0.85 for some in measured.values() for one in some)
    assert "(1 samples)" in table(measured)


@pytest.mark.skipif(not PYOD, reason="PyOD comes with the extra dev")
def test_pyod_stands_beside_them() -> None:
    assert {name.split()[0] for name in rivals()} == {"IsolationForest", "IForest", "ECOD", "COPOD", "HBOS"}
    assert compared([sample()], {"ECOD": rivals()["ECOD (PyOD)"]})["ECOD"][0].auc > 0.85
