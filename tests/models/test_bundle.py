"""The bundle: every byte accounted for, or refused."""

from __future__ import annotations

import json
import pickletools
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from features.default_view import ANOMALY_FEATURES, DEFAULT_VIEW
from features.encode import COLUMNS, FactBlock, RuleRef
from features.view import FeatureView
from models.bundle import Golden, ModelBundle
from models.bundle_files import write_bundle
from models.classifier import AlertClassifier
from models.decision import Action, ReasonCode
from models.errors import BundleError
from models.evidence import anomaly
from models.incidents.model import IncidentModel
from models.limits import LimitTable
from tests.features.blocks import random_block
from tests.models.bundles import WINDOW, bundle_parts, make_bundle

FILES = (
    "MODEL_CARD.md",
    "calibrator.json",
    "classifier.txt",
    "encoder.json",
    "golden.json",
    "incidents.json",
    "labels.json",
    "manifest.json",
    "policy.json",
    "support.json",
    "units.json",
    "view.json",
)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A sound bundle."""
    make_bundle(tmp_path / "bundle")
    return tmp_path / "bundle"


def test_a_sound_bundle_loads_and_gives_its_golden_scores(bundle: Path) -> None:
    loaded = ModelBundle.load(bundle)
    golden = msgspec.json.decode((bundle / "golden.json").read_bytes(), type=Golden)
    rows = np.array(golden.features, np.float64)
    assert loaded.calibrator(loaded.raw(rows)).tolist() == golden.score
    assert loaded.view == DEFAULT_VIEW
    assert loaded.manifest.window == WINDOW
    assert sorted(path.name for path in bundle.iterdir()) == sorted(FILES)


def test_the_same_parts_have_the_same_digest_and_others_another(tmp_path: Path) -> None:
    first, again, other = make_bundle(tmp_path / "a"), make_bundle(tmp_path / "b"), make_bundle(tmp_path / "c", seed=1)
    assert first == again == ModelBundle.load(tmp_path / "a").digest
    assert other != first


def test_a_bundle_is_replaced_whole(bundle: Path) -> None:
    (bundle / "left-over").write_text("x")
    make_bundle(bundle, seed=1)
    assert sorted(path.name for path in bundle.iterdir()) == sorted(FILES)
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BundleError, match="incomplete or unreadable"):
        ModelBundle.load(bundle)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0.0, 0.3, 0.99])
def test_a_truncated_file_is_refused(bundle: Path, name: str, share: float) -> None:
    data = (bundle / name).read_bytes()
    (bundle / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(BundleError):
        ModelBundle.load(bundle)


@pytest.mark.parametrize("name", [name for name in FILES if name != "manifest.json"])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.99])
def test_a_flipped_bit_is_refused(bundle: Path, name: str, share: float) -> None:
    data = bytearray((bundle / name).read_bytes())
    data[int(len(data) * share)] ^= 1
    (bundle / name).write_bytes(bytes(data))
    with pytest.raises(BundleError, match=f"{name}: does not have the digest"):
        ModelBundle.load(bundle)


@pytest.mark.parametrize("changed", [{"format": 1}, {"view": "0" * 64}, {"files": {}}, {"labels": None}, {"window": ["x"]}])
def test_a_manifest_that_says_something_else_is_refused(bundle: Path, changed: dict[str, Any]) -> None:
    manifest = json.loads((bundle / "manifest.json").read_text())
    (bundle / "manifest.json").write_text(json.dumps({**manifest, **changed}))
    with pytest.raises(BundleError):
        ModelBundle.load(bundle)


def _golden(**changed: Any) -> bytes:
    return json.dumps({**json.loads(bundle_parts()["golden.json"]), **changed}).encode()


@pytest.mark.parametrize(
    "changed",
    [
        {"raw": [0.0] * 8},
        {"score": [0.5] * 8},
        {"priority": [50] * 8},
        {"features": [], "raw": [], "score": [], "priority": []},
        {"features": [[1.0, 2.0]]},
        {"features": [[1.0], [1.0, 2.0]]},
    ],
)
def test_golden_rows_that_give_something_else_are_refused(tmp_path: Path, changed: dict[str, Any]) -> None:
    make_bundle(tmp_path / "b", golden_json=_golden(**changed))
    with pytest.raises(BundleError, match=r"golden.json"):
        ModelBundle.load(tmp_path / "b")


def test_without_past_incidents_a_bundle_holds_the_defaults(tmp_path: Path) -> None:
    write_bundle(tmp_path / "b", bundle_parts(), view=DEFAULT_VIEW.fingerprint, run="", window=WINDOW, labels={}, data="")
    assert ModelBundle.load(tmp_path / "b").incidents == IncidentModel()


@pytest.mark.parametrize(
    "name",
    [
        "calibrator.json",
        "encoder.json",
        "policy.json",
        "view.json",
        "golden.json",
        "labels.json",
        "incidents.json",
        "support.json",
        "classifier.txt",
    ],
)
def test_a_file_of_another_kind_is_refused_though_its_digest_holds(tmp_path: Path, name: str) -> None:
    parts = {**bundle_parts(), name: b"[1]"}
    write_bundle(tmp_path / "b", parts, view=DEFAULT_VIEW.fingerprint, run="", window=WINDOW, labels={}, data="")
    with pytest.raises(BundleError):
        ModelBundle.load(tmp_path / "b")


def test_a_classifier_of_other_features_is_refused(tmp_path: Path) -> None:
    view = FeatureView(DEFAULT_VIEW.spec, DEFAULT_VIEW.features[1:])
    make_bundle(tmp_path / "b", view=view.fingerprint, view_json=msgspec.json.encode(view))
    with pytest.raises(BundleError, match="other features"):
        ModelBundle.load(tmp_path / "b")


def test_verify_answers_by_its_exit_code(bundle: Path) -> None:
    sound = subprocess.run([sys.executable, "-m", "models.verify", str(bundle)], capture_output=True, text=True, check=False)
    assert (sound.returncode, sound.stderr) == (0, "")
    (bundle / "classifier.txt").write_bytes(b"tree\n" * 1000)
    broken = subprocess.run([sys.executable, "-m", "models.verify", str(bundle)], capture_output=True, text=True, check=False)
    assert broken.returncode == 1
    assert "does not have the digest" in broken.stderr


def test_nothing_in_a_bundle_is_a_pickle(bundle: Path) -> None:
    for path in bundle.iterdir():
        assert path.suffix in {".json", ".txt", ".md"}
        data = path.read_bytes()
        data.decode("utf-8")
        assert not data.startswith(b"\x80")
        with pytest.raises((ValueError, IndexError)):  # no sequence of opcodes that ends in STOP
            list(pickletools.genops(data))


def _limits(loaded: ModelBundle, block: FactBlock) -> LimitTable:
    """The limits that hold for a block of which only hashes are known."""
    rules = {int(rule): RuleRef("edr", str(rule), "") for rule in block.columns[:, COLUMNS.index("rule")]}
    tenants = {int(tenant): str(tenant) for tenant in block.columns[:, COLUMNS.index("tenant")]}
    return LimitTable(loaded.policy.certificates, rules, tenants)


def test_a_bundle_decides_and_explains(bundle: Path) -> None:
    loaded = ModelBundle.load(bundle)
    rows = np.random.default_rng(5).exponential(2.0, (300, len(DEFAULT_VIEW.features)))
    rows[:, DEFAULT_VIEW.index("entity_rule_1d")] = 5.0
    block = random_block(1, 300, labels=0.0)
    block.values[:, :5] = [2.0, 1.0, 0.0, 0.0, 0.0]
    known = np.arange(300) % 2 == 0
    limits = _limits(loaded, block)
    scored = loaded.decide(rows, block, known, limits)
    assert set(scored.actions) == {Action.SUPPRESS, Action.QUEUE, Action.ESCALATE} or set(scored.actions) == {
        Action.SUPPRESS,
        Action.QUEUE,
    }
    unknown = [action for action, is_known in zip(scored.actions, known, strict=True) if not is_known]
    assert Action.SUPPRESS not in unknown
    proof = loaded.policy.certificates[0].uid
    assert [uid for uid in scored.certificates if uid] == [proof] * scored.actions.count(Action.SUPPRESS)
    assert any(ReasonCode.UNKNOWN_RULE in codes for codes in scored.reason_codes)
    few = loaded.decide(rows[:7], block.take(slice(0, 7)), known[:7], limits)
    assert few.score.tobytes() == scored.score[:7].tobytes(), "a batch of another size gives other bits"
    reasons = loaded.explain(rows[int(np.nanargmax(scored.score))])
    assert 0 < len(reasons) <= 5
    assert all(reason.feature in DEFAULT_VIEW.names for reason in reasons)


def test_behaviour_that_is_not_known_is_no_reason(bundle: Path) -> None:
    added = [DEFAULT_VIEW.index(name) for name in ANOMALY_FEATURES]
    rows = np.random.default_rng(3).exponential(2.0, (400, len(DEFAULT_VIEW.features)))
    target = (rows[:, added].max(axis=1) > 4.0).astype(np.int8)
    rows[:100, added] = np.nan
    model = AlertClassifier(trees=5, threads=1).fit(rows, target, feature_names=DEFAULT_VIEW.names, added=added)
    loaded = replace(ModelBundle.load(bundle), booster=model.booster_)

    def told(row: np.ndarray) -> set[str]:
        return {reason.feature for reason in loaded.explain(row)} & set(ANOMALY_FEATURES)

    assert not any(told(row) for row in rows[:100])
    assert told(rows[100 + int(rows[100:, added].max(axis=1).argmax())])


def test_only_what_is_known_of_behaviour_is_held_against_what_is_not(bundle: Path) -> None:
    loaded = ModelBundle.load(bundle)
    asked = Asked(loaded.booster)
    rows = np.random.default_rng(3).exponential(2.0, (2, len(DEFAULT_VIEW.features)))
    rows[0, [DEFAULT_VIEW.index(name) for name in ANOMALY_FEATURES]] = np.nan
    for row in rows:
        assert replace(loaded, booster=asked).explain(row) == loaded.explain(row)  # type: ignore[arg-type]
    assert asked.rows == [1, 2]


class Asked:
    """A booster that remembers of how many rows it was asked."""

    def __init__(self, booster: Any) -> None:
        self._booster, self.rows = booster, list[int]()

    def predict(self, rows: np.ndarray, **how: Any) -> Any:
        self.rows.append(len(rows))
        return self._booster.predict(rows, **how)


def test_certificates_of_another_model_are_refused(tmp_path: Path) -> None:
    other = bundle_parts(1)
    make_bundle(tmp_path / "bundle", 0, policy_json=other["policy.json"], units_json=other["units.json"])
    with pytest.raises(BundleError, match="made for another model"):
        ModelBundle.load(tmp_path / "bundle")


def test_an_empty_batch_is_decided(bundle: Path) -> None:
    loaded, block = ModelBundle.load(bundle), random_block(1, 0)
    scored = loaded.decide(np.zeros((0, len(DEFAULT_VIEW.features))), block, np.zeros(0, bool), _limits(loaded, block))
    assert (len(scored.score), scored.actions, scored.reason_codes) == (0, [], [])


def test_the_anomaly_is_the_surprise_in_bits() -> None:
    rows = np.full((4, len(DEFAULT_VIEW.features)), np.nan)
    pair, entity = DEFAULT_VIEW.index("entity_rule_1d"), DEFAULT_VIEW.index("entity_1d")
    rows[0, [pair, entity]] = 0.0, 127.0
    rows[1, [pair, entity]] = 100.0, 100.0
    rows[2, [pair, entity]] = 0.0, 0.0
    assert anomaly(DEFAULT_VIEW, rows).tolist() == pytest.approx([8.0, np.log2(101.0 / 100.5), 1.0, 0.0])
