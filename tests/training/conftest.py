"""A bundle that is real but small, and a history of two simulated tenants, shared by the tests of this folder."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from features.default_view import DEFAULT_VIEW
from models.bundle import Golden
from models.bundle_files import write_bundle
from models.calibration import Calibrator, priority
from models.classifier import AlertClassifier
from models.ledger import LabelLedger
from models.rule_encoder import RuleCount, RuleEncoder
from models.support import Support
from tests.proofs import TENTH, proven
from training.settings import Settings


@dataclasses.dataclass(frozen=True)
class SmallBundle:
    """A bundle on disk, and rows of features that it was trained on."""

    path: Path
    digest: str
    features: np.ndarray
    columns: list[str]


def make_bundle(path: Path, seed: int = 0) -> SmallBundle:
    """Fit on noise in which the first column tells, and write the bundle."""
    rng = np.random.default_rng(seed)
    view = DEFAULT_VIEW
    features = rng.exponential(2.0, (400, len(view.features)))
    target = (features[:, 0] > 3.0).astype(np.int8)
    model = AlertClassifier(trees=5, leaves=4, seed=seed, threads=1).fit(features, target, feature_names=view.names)
    raw = np.asarray(model.booster_.predict(features[:8], raw_score=True, num_threads=1))
    calibrator = Calibrator(1.0, 0.0)
    encoder = RuleEncoder.fit([RuleCount("acme", "edr", "r1", 1.0, 2.0), RuleCount("beta", "edr", "r1", 0.0, 2.0)])
    score = calibrator(raw)
    golden = Golden(features[:8].tolist(), raw.tolist(), score.tolist(), priority(score).tolist())
    parts = {
        "classifier.txt": model.booster_.model_to_string().encode(),
        "calibrator.json": msgspec.json.encode(calibrator),
        "encoder.json": msgspec.json.encode(encoder),
        "support.json": msgspec.json.encode(Support({})),
        "view.json": msgspec.json.encode(view),
        "golden.json": msgspec.json.encode(golden),
        "labels.json": msgspec.json.encode(LabelLedger()),
        "MODEL_CARD.md": b"# Small\n\nA bundle for tests.\n",
    }
    window = ("2026-01-01", "2026-02-01")
    digest = write_bundle(
        path,
        parts | proven(parts, [0.9] * 40, window, objective=TENTH, escalate_from=0.9),
        view=view.fingerprint,
        run="",
        window=window,
        labels={"attack": int(target.sum()), "benign": int((1 - target).sum()), "units": 40},
        data=f"{seed:064d}",
    )
    return SmallBundle(path, digest, features, view.names)


@pytest.fixture(scope="session")
def bundle_maker() -> Callable[[Path, int], SmallBundle]:
    """How to make a small bundle."""
    return make_bundle


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings under which nothing outside the test's folder is touched."""
    return Settings(var=tmp_path / "var")
