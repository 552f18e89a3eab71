"""Kinds of attack never seen: one model for each tenant and kind left out, judged by the whole decision."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from models.calibration import Calibrator
from models.policy import Guardrails
from tests.training.datasets import SECRET, SMALL
from training.dataset import load_dataset
from training.fit import TrainingRows
from training.simulator import simulate
from training.unseen import unseen_kinds


def test_each_kind_is_left_out_in_each_tenant_that_has_it(tmp_path: Path) -> None:
    simulate(2, 6, 3, tmp_path / "world")
    dataset = load_dataset(tmp_path / "world" / "history", "history", SECRET, labels=True)
    some = np.isin(dataset.kind, [-1, 0, 1])
    rows, n = TrainingRows.gather(dataset), len(dataset)

    def measured(limit: float) -> list[tuple[str, str, bool, float]]:
        found = unseen_kinds(rows, some, lambda t, of: (Calibrator(1.0, 0.0), np.full(n, limit)), SMALL, guardrails=Guardrails())
        assert all(one.lost_by_score or not one.lost_whole for one in found), "a doubt only ever shows more"
        return [(one.tenant, one.kind, one.lost_by_score, one.benign_groups) for one in found]

    pairs = {
        (dataset.tenants[t], dataset.verdicts.kinds[k]) for t, k in zip(dataset.tenant, dataset.kind, strict=True) if k in (0, 1)
    }
    nothing, everything = measured(-np.inf), measured(2.0)
    assert {one[:2] for one in nothing} == pairs
    assert not any(lost or hidden for _, _, lost, hidden in nothing)
    assert all(lost and hidden > 0.0 for _, _, lost, hidden in everything)
