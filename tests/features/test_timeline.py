"""Alerts and labels in one order of receipt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.encode import FactEncoder, FactKind
from features.history import HistoryWriter
from features.label import Label, Verdict
from features.timeline import Timeline, history_facts, merge
from tests.conftest import build_alert, build_label
from tests.features.blocks import SECRET

ALERTS = [build_alert(i, at=100.0 * i) for i in range(3)]


def _merge(labels: list[tuple[int, Label]]) -> Timeline:
    block = FactEncoder(SECRET).alerts(ALERTS)
    row_of = {(alert.tenant, alert.uid): i for i, alert in enumerate(ALERTS)}
    return merge(block, np.array([alert.received_time.timestamp() for alert in ALERTS]), np.arange(3), labels, row_of)


def test_a_label_stands_where_it_was_received() -> None:
    line = _merge([(9, build_label(ALERTS[0], after=150.0))])
    assert line.block.kind.tolist() == [FactKind.ALERT, FactKind.ALERT, FactKind.TRUE_POSITIVE, FactKind.ALERT]
    assert line.alert_at.tolist() == [0, 1, 3]


def test_a_superseded_label_is_taken_out_at_its_own_time() -> None:
    first = build_label(ALERTS[0], Verdict.TRUE_POSITIVE, after=10.0)
    second = build_label(ALERTS[0], Verdict.FALSE_POSITIVE, after=150.0, supersedes=first.uid)
    block = _merge([(7, first), (8, second)]).block
    told = block.kind != FactKind.ALERT
    facts = list(zip(block.kind[told].tolist(), block.weight[told].tolist(), block.time[told].tolist(), strict=True))
    one, two = first.time.timestamp(), second.time.timestamp()
    assert facts == [(FactKind.TRUE_POSITIVE, 1.0, one), (FactKind.TRUE_POSITIVE, -1.0, one), (FactKind.BENIGN, 1.0, two)]


@pytest.mark.parametrize("verdict", [Verdict.UNDETERMINED, Verdict.DUPLICATE])
def test_a_verdict_taken_back_leaves_nothing(verdict: Verdict) -> None:
    labels = [(7, build_label(ALERTS[0], after=10.0)), (8, build_label(ALERTS[0], verdict, after=20.0))]
    block = _merge(labels).block
    assert block.weight[block.kind != FactKind.ALERT].tolist() == [1.0, -1.0]


def test_labels_on_unknown_alerts_are_left_out() -> None:
    stranger = build_alert(99)
    line = _merge([(7, build_label(stranger)), (8, build_label(build_alert(0, tenant="other")))])
    assert len(line.block) == 3


def test_a_label_received_with_its_alert_comes_after_it() -> None:
    line = _merge([(1, build_label(ALERTS[1], after=0.0))])
    assert line.block.kind.tolist() == [0, 0, 1, 0]


def test_the_facts_of_a_history_are_those_of_its_alerts_and_labels(tmp_path: Path) -> None:
    labels = [build_label(ALERTS[0], after=150.0)]
    with HistoryWriter(tmp_path / "h") as history:
        history.alerts(ALERTS)
        history.labels(labels)
    parts = list(history_facts(tmp_path / "h", FactEncoder(SECRET), size=2))
    assert [len(part) for part in parts] == [2, 2]
    wanted = _merge([(3, labels[0])]).block
    assert np.concatenate([part.time for part in parts]).tolist() == wanted.time.tolist()
    assert np.concatenate([part.kind for part in parts]).tolist() == wanted.kind.tolist()
