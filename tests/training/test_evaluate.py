"""What an evaluation counts as lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.conftest import build_alert, build_label
from tests.training.datasets import ATTACK, dataset_of
from training.evaluate import zero_miss_threshold


def test_a_scan_of_which_one_alert_is_seen_is_not_lost(tmp_path: Path) -> None:
    """Where nobody names incidents all that a rule says of an entity on a day is lost only whole, as in a certificate."""
    scan = [build_alert(i, at=i * 10.0, rule="scan", host="h1") for i in range(5)]
    alerts = [*scan, build_alert(5, rule="other", host="h1")]
    told = dataset_of(tmp_path, alerts, [build_label(alert, ATTACK, uid=alert.uid, incident_uid="") for alert in alerts])
    assert zero_miss_threshold(told, np.array([0.01, 0.01, 0.8, 0.01, 0.01, 0.5])) == pytest.approx(0.5, rel=0.1)
