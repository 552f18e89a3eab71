"""Small real bundles, trained on noise: they test how a bundle is served, not how good it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import lightgbm
import msgspec
import numpy as np

from features.default_view import DEFAULT_VIEW
from features.view import FeatureView
from models.audit import Audit
from models.behaviour.model import BehaviourModel
from models.bundle import Golden
from models.bundle_files import write_bundle
from models.bundle_store import BundleStore
from models.calibration import Calibrator, priority
from models.ledger import LabelLedger
from models.live_policy import Mode, Setting
from models.policy import Guardrails
from models.policy_store import PolicyStore
from models.rule_encoder import RuleCount, RuleEncoder
from models.support import Support
from tests.proofs import proven

AUDIT, LEDGER, GUARDRAILS = Audit(), LabelLedger(), Guardrails()
AUDIT_LINE = 1e6
"""So many draws of a line a day that the limit is never felt."""


def make_bundle(
    path: Path,
    seed: int = 0,
    view: FeatureView = DEFAULT_VIEW,
    *,
    audit: Audit = AUDIT,
    ledger: LabelLedger = LEDGER,
    columns: Sequence[str] = DEFAULT_VIEW.names[:3],
    limit: float = 9.0,
    units: int = 500,
    guardrails: Guardrails = GUARDRAILS,
    behaviour: BehaviourModel | None = None,
) -> str:
    """Write a bundle; return its digest. Another ``seed`` gives another model; it looks at the sum of ``columns``.

    Of fewer than 299 ``units`` its certificate is refused."""
    random = np.random.default_rng(seed)
    rows = random.exponential(3.0, (400, len(view.features)))
    target = (rows[:, [view.names.index(name) for name in columns]].sum(axis=1) > limit).astype(float)
    data = lightgbm.Dataset(rows, target, feature_name=view.names)
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "num_leaves": 7, "seed": seed, "num_threads": 1}, data, 10)
    calibrator, some = Calibrator(1.0, 0.1), rows[:5]
    raw = np.asarray(booster.predict(some, raw_score=True))
    score = calibrator(raw)
    window = ("2023-01-01", "2023-02-01")
    golden = Golden(some.tolist(), raw.tolist(), score.tolist(), priority(score).tolist())
    parts = {
        "classifier.txt": booster.model_to_string().encode(),
        "MODEL_CARD.md": b"# a test",
        **{
            name: msgspec.json.encode(part)
            for name, part in (
                ("calibrator.json", calibrator),
                ("encoder.json", RuleEncoder.fit([RuleCount("x", "wazuh", "r1", 1.0, 2.0 + seed)])),
                ("support.json", Support({})),
                ("view.json", view),
                ("golden.json", golden),
                ("labels.json", ledger),
            )
        },
    }
    if behaviour is not None:
        parts |= behaviour.to_files()
    parts |= proven(parts, [0.9] * units, window, escalate_from=0.99, audit=audit, guardrails=guardrails)
    return write_bundle(path, parts, view=view.fingerprint, run="", window=window, labels={}, data="")


def automate(var: Path, tenant: str = "acme", mode: Mode = Mode.AUTOMATE) -> None:
    """Let a tenant's decisions out; it has no incidents of its own in these bundles."""
    setting = Setting(tenant=tenant, mode=mode, transferred=True)
    PolicyStore(var / "policy").change(
        lambda policy: msgspec.structs.replace(policy, modes=(*(s for s in policy.modes if s.tenant != tenant), setting)),
        by="test", time=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip


def publish(var: Path, work: Path, seed: int = 0, *, let_out: bool = True, **given: Any) -> str:
    """Make a bundle and make it champion under ``var``, for a tenant that is let out where nothing else was said."""
    make_bundle(work, seed, **given)
    if let_out and not PolicyStore(var / "policy").newest():
        automate(var)
    return BundleStore(var / "bundles").publish(work, by="test", time=datetime.now(UTC))
