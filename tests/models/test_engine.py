"""The engine: one path for service and batch, and its state goes on whatever is decided."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from features.alert import Alert
from features.default_view import DEFAULT_VIEW
from features.encode import FactEncoder, label_facts
from models.bundle import ModelBundle
from models.decision import Action, ReasonCode
from models.engine import ScoringEngine, counter_digest
from tests.conftest import build_alert, build_label
from tests.features.blocks import SECRET, same_bits
from tests.models.bundles import make_bundle

ALERTS = [
    build_alert(i, at=60.0 * (i % 50), tenant=("acme", "beta", "new")[i % 3], rule=f"r{i % 4}", host=f"h{i % 5}")
    for i in range(400)
]


def _engine(bundle: ModelBundle | None) -> ScoringEngine:
    return ScoringEngine(bundle, FactEncoder(SECRET))


def _features(engine: ScoringEngine, alerts: list[Alert]) -> np.ndarray:
    return engine.score(engine.encoder.alerts(alerts)).features


def test_without_a_bundle_everything_is_queued_and_folded_all_the_same() -> None:
    engine = _engine(None)
    scored = engine.score(engine.encoder.alerts(ALERTS[:10]))
    assert set(scored.actions) == {Action.QUEUE}
    assert set(scored.reason_codes) == {(ReasonCode.NO_MODEL,)}
    assert np.isnan(scored.score).all()
    assert scored.priority.tolist() == [50] * 10
    assert engine.state.keys > 0
    assert _features(engine, ALERTS[:1])[0, DEFAULT_VIEW.index("tenant_1d")] > 0.0


def test_folding_leaves_the_state_that_scoring_leaves() -> None:
    scoring, folding = _engine(None), _engine(None)
    scoring.score(scoring.encoder.alerts(ALERTS[:200]))
    folding.fold(folding.encoder.alerts(ALERTS[:200]))
    assert same_bits(_features(scoring, ALERTS[200:]), _features(folding, ALERTS[200:]))


def test_one_by_one_and_in_batches_the_same_is_decided(tmp_path: Path) -> None:
    make_bundle(tmp_path / "b")
    bundle = ModelBundle.load(tmp_path / "b")
    whole, single = _engine(bundle), _engine(bundle)
    batch = whole.score(whole.encoder.alerts(ALERTS))
    ones = [single.score(single.encoder.alerts([alert])) for alert in ALERTS]
    assert same_bits(batch.features, np.concatenate([one.features for one in ones]))
    assert same_bits(batch.score, np.concatenate([one.score for one in ones]))
    assert same_bits(batch.anomaly, np.concatenate([one.anomaly for one in ones]))
    assert batch.actions == [one.actions[0] for one in ones]
    assert batch.reason_codes == [one.reason_codes[0] for one in ones]


def test_a_rule_that_no_label_told_of_is_never_suppressed(tmp_path: Path) -> None:
    make_bundle(tmp_path / "b")
    engine = _engine(ModelBundle.load(tmp_path / "b"))
    scored = engine.score(engine.encoder.alerts(ALERTS))
    for alert, action in zip(ALERTS, scored.actions, strict=True):
        assert alert.rule.uid == "r1" or action is not Action.SUPPRESS


def test_labels_are_folded_into_what_comes_after() -> None:
    engine = _engine(None)
    block = engine.encoder.alerts(ALERTS[:1])
    engine.score(block)
    engine.fold(label_facts(block, [build_label(ALERTS[0], after=0.0)]))
    assert _features(engine, ALERTS[:1])[0, DEFAULT_VIEW.index("rule_attacks_30d")] == 1.0


def test_the_counters_of_another_model_over_the_same_view_go_on(tmp_path: Path) -> None:
    make_bundle(tmp_path / "a")
    make_bundle(tmp_path / "b", seed=1)
    first, second = ModelBundle.load(tmp_path / "a"), ModelBundle.load(tmp_path / "b")
    assert counter_digest(first) == counter_digest(second) == counter_digest(None) == _engine(first).counter_digest


def test_nothing_is_scored_into_nothing() -> None:
    engine = _engine(None)
    assert engine.score(engine.encoder.alerts([])).actions == []
