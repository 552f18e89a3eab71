"""Small data sets, written as a history and read back as training reads any, and bundles made on them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from features.default_view import DEFAULT_VIEW
from features.history import HistoryWriter
from features.label import Label, Provenance, Verdict
from models.bundle import Golden, ModelBundle
from models.bundle_files import write_bundle
from models.calibration import Calibrator, priority
from models.classifier import AlertClassifier
from models.ledger import LabelLedger
from models.rule_encoder import RuleEncoder
from models.support import Support
from tests.conftest import build_alert, build_label
from tests.proofs import TENTH, proven
from training.dataset import Dataset, load_dataset
from training.fit import FitParameters

SECRET = bytes(range(32))
SMALL = FitParameters(trees=20, leaves=7)
ATTACK, BENIGN = Verdict.TRUE_POSITIVE, Verdict.FALSE_POSITIVE


def dataset_of(folder: Path, alerts: Sequence[Alert], labels: Sequence[Label] = (), without: Collection[str] = ()) -> Dataset:
    """Write a history and load it."""
    with HistoryWriter(folder / "history") as writer:
        writer.alerts(alerts)
        writer.labels(labels)
    return load_dataset(folder / "history", "history", SECRET, labels=True, without_labels_of=without)


def apart(count: int) -> list[Alert]:
    """Return alerts of which each is a group of its own."""
    return [build_alert(i, at=i * 400.0, host=f"h{i}") for i in range(count)]


def by_many(alerts: Sequence[Alert], attack: NDArray[np.bool_], voices: int = 10) -> list[tuple[int, Label]]:
    """Return a verdict on each alert, by ``voices`` analysts in turn; none of them is anybody's import."""
    return [
        (i, build_label(alert, ATTACK if yes else BENIGN, analyst=f"p{i % voices}", provenance=Provenance.HUMAN))
        for i, (alert, yes) in enumerate(zip(alerts, attack.tolist(), strict=True))
    ]


def bundle_that(
    path: Path, tells: Callable[[NDArray[np.float64]], NDArray[np.bool_]], window: tuple[str, str], seed: int = 0
) -> ModelBundle:
    """Return a bundle whose booster calls attack what ``tells`` says of rows of features; its certificate is refused."""
    view = DEFAULT_VIEW
    features = np.random.default_rng(seed).exponential(4.0, (2000, len(view.features)))
    model = AlertClassifier(trees=40, leaves=7, learning_rate=0.3, feature_fraction=1.0, seed=seed)
    model.fit(features, tells(features).astype(np.int8), feature_names=view.names)
    calibrator, given = Calibrator(1.0, 0.0), features[:8]
    raw = np.asarray(model.booster_.predict(given, raw_score=True, num_threads=1))
    score = calibrator(raw)
    parts = {
        "calibrator.json": calibrator,
        "encoder.json": RuleEncoder(0.5, {}),
        "support.json": Support({}),
        "view.json": view,
        "golden.json": Golden(given.tolist(), raw.tolist(), score.tolist(), priority(score).tolist()),
        "labels.json": LabelLedger(),
    }
    files = {name: msgspec.json.encode(part) for name, part in parts.items()}
    files |= {"classifier.txt": model.booster_.model_to_string().encode(), "MODEL_CARD.md": b"# Told\n"}
    files |= proven(files, [0.9] * 2, window, objective=TENTH)
    write_bundle(path, files, view=view.fingerprint, run="", window=window, labels={}, data="0" * 64)
    return ModelBundle.load(path)
