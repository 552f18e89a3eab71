"""What a bundle consists of: a model of alerts, one of behaviour, or both, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from features.default_view import DEFAULT_VIEW
from models.behaviour.day_vector import NAMES
from models.behaviour.evidence import Weights
from models.behaviour.model import FIELDS, BehaviourModel
from models.behaviour.sequences import SequenceModel
from models.bundle import ModelBundle
from models.bundle_files import CARD, digests, load_behaviour, model_digest, read_manifest, write_bundle
from models.bundle_store import BundleStore
from models.errors import BundleError, BundleStoreError
from tests.conftest import START
from tests.models.bundles import WINDOW, bundle_parts, make_bundle
from training.behaviour.detectors import fit_forest

BEHAVIOUR = BehaviourModel(
    weights={"web": Weights.from_vector(FIELDS, np.arange(2.0 * len(FIELDS) + 3), -1.0)},
    elsewhere=Weights.plain(FIELDS),
    sequences=SequenceModel.fit({"ann": [["ls", "cat"]], "bob": [["who"]]}),
)
ABOUT = {"run": "", "window": WINDOW, "labels": {}, "data": ""}


def behaviour_only(path: Path, behaviour: dict[str, bytes] | None = None) -> str:
    """Write a bundle that judges behaviour only."""
    files = BEHAVIOUR.to_files() if behaviour is None else behaviour
    return write_bundle(path, {**files, CARD: b"# Small\n"}, view="", **ABOUT)


def both(path: Path) -> str:
    """Write a bundle that judges both; its certificates are about the behaviour that alerts are told by, too."""
    return write_bundle(path, bundle_parts(also=BEHAVIOUR.to_files()), view=DEFAULT_VIEW.fingerprint, **ABOUT)


def test_a_bundle_may_judge_alerts_and_behaviour(tmp_path: Path) -> None:
    digest = both(tmp_path / "b")
    loaded = ModelBundle.load(tmp_path / "b")
    assert (loaded.digest, loaded.behaviour) == (digest, BEHAVIOUR)
    assert load_behaviour(tmp_path / "b") == BEHAVIOUR
    store = BundleStore(tmp_path / "store")
    assert store.publish(tmp_path / "b", by="ann", time=START) == digest


def test_a_bundle_without_behaviour_judges_alerts(tmp_path: Path) -> None:
    make_bundle(tmp_path / "b")
    assert ModelBundle.load(tmp_path / "b").behaviour is None
    with pytest.raises(BundleError, match="holds no model of behaviour"):
        load_behaviour(tmp_path / "b")


def test_a_bundle_of_behaviour_only_judges_no_alert_and_is_never_published(tmp_path: Path) -> None:
    behaviour_only(tmp_path / "b")
    assert load_behaviour(tmp_path / "b") == BEHAVIOUR
    with pytest.raises(BundleError, match="behaviour only"):
        ModelBundle.load(tmp_path / "b")
    store = BundleStore(tmp_path / "store")
    with pytest.raises(BundleStoreError, match="behaviour only"):
        store.publish(tmp_path / "b", by="ann", time=START)
    assert store.current() is None


def test_arrays_of_a_model_of_behaviour_are_files_of_their_own(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(300, len(NAMES)))
    files = msgspec.structs.replace(BEHAVIOUR, forest=fit_forest(rows, NAMES, trees=5)).to_files()
    behaviour_only(tmp_path / "b", files)
    assert len(files) == 2
    assert load_behaviour(tmp_path / "b").to_files() == files
    array = next(name for name in files if name.endswith(".npz"))
    behaviour_only(tmp_path / "c", files | {array: files[array][:-9]})
    with pytest.raises(BundleError):
        load_behaviour(tmp_path / "c")


def test_another_model_of_behaviour_is_another_model_to_be_certified() -> None:
    plain = bundle_parts()
    assert model_digest(digests(plain)) != model_digest(digests(plain | BEHAVIOUR.to_files()))


def _flip(data: bytes) -> bytes:
    return data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]


@pytest.mark.parametrize("make", [both, behaviour_only])
@pytest.mark.parametrize("damage", [_flip, lambda data: data[:-1], lambda data: b""])
def test_damaged_behaviour_is_refused(tmp_path: Path, make: Callable[[Path], str], damage: Callable[[bytes], bytes]) -> None:
    make(tmp_path / "b")
    file = tmp_path / "b" / "behaviour.json"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(BundleError, match=r"behaviour\.json: does not have the digest"):
        load_behaviour(tmp_path / "b")
    file.unlink()
    with pytest.raises(BundleError, match="incomplete"):
        load_behaviour(tmp_path / "b")


@pytest.mark.parametrize(
    "content",
    [
        b"[1]",
        b'{"surprise": 1}',
        b'{"fields": 1}',
        b'{"elsewhere": {}}',
        b"[" * 100_000,
        BEHAVIOUR.to_files()["behaviour.json"].replace(b'"population":[', b'"population":[1.0,', 1),
        BEHAVIOUR.to_files()["behaviour.json"].replace(b'"hour"', b'"minute"', 1),
        BEHAVIOUR.to_files()["behaviour.json"].replace(b'"intercept":-1.0', b'"intercept":1e999', 1),
    ],
)
def test_what_is_no_model_of_behaviour_is_refused_though_its_digest_holds(tmp_path: Path, content: bytes) -> None:
    behaviour_only(tmp_path / "b", {"behaviour.json": content})
    with pytest.raises(BundleError):
        load_behaviour(tmp_path / "b")


def test_a_further_file_of_behaviour_is_refused(tmp_path: Path) -> None:
    behaviour_only(tmp_path / "b", {**BEHAVIOUR.to_files(), "behaviour-more.json": b"{}"})
    with pytest.raises(BundleError, match="does not consist of"):
        load_behaviour(tmp_path / "b")


@pytest.mark.parametrize("name", ["../behaviour.json", "behaviour.json/../x.json", "classifier.txt", "behaviour.pkl", "x"])
def test_a_manifest_names_files_of_a_bundle_only(tmp_path: Path, name: str) -> None:
    behaviour_only(tmp_path / "b")
    manifest = json.loads((tmp_path / "b" / "manifest.json").read_text())
    manifest["files"][name] = "0" * 64
    (tmp_path / "b" / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BundleError, match="must hold"):
        read_manifest(tmp_path / "b")
