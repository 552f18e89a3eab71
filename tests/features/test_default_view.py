"""The view that models are trained on: complete, in words, and no verdict acts before its time."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from features.alert import Alert
from features.counters import Op
from features.default_view import DEFAULT_VIEW, ENCODINGS, HALF_LIVES, JUDGED_FEATURES
from features.encode import VALUES, FactBlock, FactEncoder
from features.label import Label, Verdict
from features.timeline import merge
from tests.conftest import build_alert, build_label
from tests.features.blocks import SECRET, same_bits, seeds, state_of


def test_every_feature_has_its_own_name_and_words() -> None:
    assert len(set(DEFAULT_VIEW.names)) == len(DEFAULT_VIEW.names)
    assert all(feature.text for feature in DEFAULT_VIEW.features)
    DEFAULT_VIEW.compiled()


def test_half_lives_go_from_short_to_long() -> None:
    assert list(HALF_LIVES) == sorted(HALF_LIVES)
    assert DEFAULT_VIEW.spec.half_lives == HALF_LIVES


def test_the_clock_is_no_feature() -> None:
    assert "hour" in VALUES
    assert not [feature.name for feature in DEFAULT_VIEW.features if feature.op is Op.VALUE and feature.a == "hour"]


def test_what_knows_the_rule_by_name_is_marked() -> None:
    assert {feature.a for feature in DEFAULT_VIEW.features if feature.identity} == set(ENCODINGS)


def test_what_a_pair_is_counted_for_is_told_by_the_pair() -> None:
    """A distinct or fresh sum is right only if a value of the pair belongs to one key: a rule belongs to one product."""
    columns = {key.name: {*key.columns, *({"product"} if "rule" in key.columns else ())} for key in DEFAULT_VIEW.spec.keys}
    for key in DEFAULT_VIEW.spec.keys:
        if key.distinct or key.fresh:
            assert set(key.columns) <= columns[key.distinct or key.fresh], key.name


@settings(max_examples=25, deadline=None)
@given(seed=seeds, changed=st.integers(0, 9), verdict=st.sampled_from([None, *Verdict]))
def test_a_label_influences_no_feature_before_its_own_time(seed: int, changed: int, verdict: Verdict | None) -> None:
    alerts, labels = _story(seed)
    label = labels[changed]
    others = [*labels[:changed], *labels[changed + 1 :]]
    changed_labels = others if verdict is None else [*others, msgspec.structs.replace(label, verdict=verdict)]
    before, after = _walk(alerts, labels), _walk(alerts, changed_labels)
    received = np.array([alert.received_time.timestamp() for alert in alerts])
    early = received <= label.received_time.timestamp()
    assert same_bits(np.ascontiguousarray(before[early]), np.ascontiguousarray(after[early]))
    others_too = [i for i, name in enumerate(DEFAULT_VIEW.names) if name not in JUDGED_FEATURES]
    assert same_bits(np.ascontiguousarray(before[:, others_too]), np.ascontiguousarray(after[:, others_too]))


@pytest.mark.parametrize(
    ("verdict", "attacks", "benign"),
    [
        (Verdict.TRUE_POSITIVE, 1.0, 0.0),
        (Verdict.FALSE_POSITIVE, 0.0, 1.0),
        (Verdict.BENIGN_POSITIVE, 0.0, 1.0),
        (Verdict.DUPLICATE, 0.0, 0.0),
    ],
)
def test_a_label_is_felt_by_the_next_alert_of_its_kind(verdict: Verdict, attacks: float, benign: float) -> None:
    alerts = [build_alert(0), build_alert(1, at=60.0), build_alert(2, at=120.0), build_alert(3, at=120.0, rule="r2", host="h2")]
    rows = _walk(alerts, [build_label(alerts[0], verdict, after=90.0)])
    for name, wanted in (("rule_attacks_30d", attacks), ("rule_benign_30d", benign), ("entity_rule_attacks_30d", attacks)):
        column = rows[:, DEFAULT_VIEW.index(name)].tolist()
        assert column == pytest.approx([0.0, 0.0, wanted, 0.0], abs=1e-4)


def _story(seed: int) -> tuple[list[Alert], list[Label]]:
    random = np.random.default_rng(seed)
    alerts = [
        build_alert(i, at=float(random.integers(0, 600)), rule=f"r{random.integers(2)}", host=f"h{random.integers(2)}")
        for i in range(30)
    ]
    alerts = [
        msgspec.structs.replace(alert, received_time=alert.time + timedelta(seconds=int(random.integers(0, 60))))
        for alert in alerts
    ]
    alerts.sort(key=lambda alert: alert.received_time)
    judged = [alerts[i] for i in random.choice(30, 10, replace=False)]
    return alerts, [
        build_label(alert, list(Verdict)[random.integers(3)], after=float(random.integers(60, 300))) for alert in judged
    ]


def _walk(alerts: list[Alert], labels: list[Label]) -> NDArray[np.float64]:
    block = FactEncoder(SECRET).alerts(alerts)
    wide = FactBlock(
        block.time, block.kind, block.weight, block.columns, np.hstack([block.values, np.zeros((len(block), len(ENCODINGS)))])
    )
    received = np.array([alert.received_time.timestamp() for alert in alerts])
    row_of = {(alert.tenant, alert.uid): i for i, alert in enumerate(alerts)}
    line = merge(wide, received, np.arange(len(alerts)), [(2**62, label) for label in labels], row_of)
    return DEFAULT_VIEW.read(state_of(), line.block)[line.alert_at]
