"""A real bundle, small: trained on noise in which the first column tells."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from features.default_view import DEFAULT_VIEW
from models.bundle import Golden
from models.bundle_files import write_bundle
from models.calibration import Calibrator, priority
from models.classifier import AlertClassifier
from models.ledger import LabelLedger
from models.rule_encoder import RuleCount, RuleEncoder
from models.support import Support
from tests.proofs import TENTH, proven

WINDOW = ("2026-01-01", "2026-02-01")
CALIBRATOR = Calibrator(1.0, 0.0)


@cache
def _trained(seed: int) -> tuple[AlertClassifier, np.ndarray]:
    rows = np.random.default_rng(seed).exponential(2.0, (400, len(DEFAULT_VIEW.features)))
    rows[:40, 5:9] = np.nan
    model = AlertClassifier(trees=5, leaves=4, seed=seed, threads=1)
    return model.fit(rows, (rows[:, 0] > 3.0).astype(np.int8), feature_names=DEFAULT_VIEW.names), rows


def bundle_parts(seed: int = 0, also: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the files of a bundle, and what it is to hold ``also``."""
    model, rows = _trained(seed)
    raw = np.asarray(model.booster_.predict(rows[:8], raw_score=True, num_threads=1))
    score = CALIBRATOR(raw)
    parts: dict[str, Any] = {
        "calibrator.json": CALIBRATOR,
        "encoder.json": RuleEncoder.fit([RuleCount("acme", "edr", "r1", 1.0, 2.0), RuleCount("beta", "edr", "r1", 0.0, 2.0)]),
        "support.json": Support({}),
        "view.json": DEFAULT_VIEW,
        "golden.json": Golden(rows[:8].tolist(), raw.tolist(), score.tolist(), priority(score).tolist()),
        "labels.json": LabelLedger(),
    }
    files = {name: msgspec.json.encode(part) for name, part in parts.items()}
    files |= {"classifier.txt": model.booster_.model_to_string().encode(), "MODEL_CARD.md": b"# Small\n", **(also or {})}
    return files | proven(files, [0.9] * 40, WINDOW, objective=TENTH, escalate_from=0.9)


def make_bundle(path: Path, seed: int = 0, view: str = DEFAULT_VIEW.fingerprint, **changed: bytes) -> str:
    """Write a bundle, with some files changed; return its digest."""
    parts = {**bundle_parts(seed), **{name.replace("_", "."): content for name, content in changed.items()}}
    labels = {"attack": 1, "benign": 1, "units": 40}
    return write_bundle(path, parts, view=view, run="", window=WINDOW, labels=labels, data=f"{seed:064d}")
