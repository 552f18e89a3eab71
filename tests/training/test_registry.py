"""MLflow and the bundle store together: log, load, promote, refuse, roll back."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from training.errors import GateRefusedError, TrackingError
from training.registry import promote
from training.rollback import rollback
from training.settings import Settings
from training.tracking import BUNDLE_TAG, TrainingRun, connected, log_training, tracking_uri, version_of

FRESH = """
import sys
import mlflow, numpy as np, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/tamis@champion")
rows = np.load(sys.argv[2])
table = pd.DataFrame(rows, columns=model.metadata.get_input_schema().input_names()[: rows.shape[1]])
found = model.predict(table)
assert list(found.columns) == ["score", "priority", "action"], found
np.save(sys.argv[3], found["score"].to_numpy())
"""


def _run(bundle: Any, ap: float, **more: Any) -> TrainingRun:
    return TrainingRun(
        bundle_dir=bundle.path,
        bundle_digest=bundle.digest,
        data=str(bundle.path),
        data_digest="d" * 64,
        columns=bundle.columns,
        params={"trees": 5, "objective": "o" * 9000},
        metrics={"ap": ap, "worst_ap": ap - 0.1, "ece": 0.01, "ap.acme": ap},
        **more,
    )


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, bundle_maker: Callable[[Path, int], Any]) -> tuple[Settings, list[Any]]:
    """Two trainings, of which the first is champion."""
    folder = tmp_path_factory.mktemp("loop")
    settings = Settings(var=folder / "var")
    bundles = [bundle_maker(folder / f"bundle-{seed}", seed) for seed in range(3)]
    assert log_training(settings, _run(bundles[0], 0.9)) == "1"
    assert promote(settings, by="ann") == bundles[0].digest
    return settings, bundles


def test_log_training_registers_the_challenger_with_all_that_is_known(loop: tuple[Settings, list[Any]]) -> None:
    settings, bundles = loop
    with connected(settings) as client:
        version = version_of(client, "1")
        run = client.get_run(version.run_id)
        files = {item.path for item in client.list_artifacts(version.run_id)}
    assert version.tags[BUNDLE_TAG] == bundles[0].digest
    assert run.data.metrics["ap.acme"] == 0.9
    assert run.data.params["trees"] == "5"
    assert run.inputs.dataset_inputs[0].dataset.digest == "d" * 36
    assert "MODEL_CARD.md" in files
    assert (settings.var / "mlflow" / "mlflow.db").exists()
    assert (settings.var / "mlflow" / "artifacts").is_dir()
    assert not list((settings.var / "mlflow").rglob("*.pkl"))


def test_champion_loads_in_a_fresh_process_and_scores_alike(loop: tuple[Settings, list[Any]], tmp_path: Path) -> None:
    settings, bundles = loop
    np.save(tmp_path / "rows.npy", bundles[0].features[:50])
    arguments = [tracking_uri(settings), str(tmp_path / "rows.npy"), str(tmp_path / "out.npy")]
    subprocess.run([sys.executable, "-c", FRESH, *arguments], check=True, cwd=Path(__file__).parents[2], timeout=120)
    bundle = ModelBundle.load(bundles[0].path)
    expected = bundle.calibrator(bundle.raw(bundles[0].features[:50]))
    assert np.array_equal(np.load(tmp_path / "out.npy"), expected)


def test_promote_is_refused_in_words_and_changes_nothing(loop: tuple[Settings, list[Any]]) -> None:
    settings, bundles = loop
    version = log_training(settings, _run(bundles[1], 0.7))
    with pytest.raises(GateRefusedError, match="worse by more than") as caught:
        promote(settings, by="ann")
    assert any("average precision 0.700" in reason for reason in caught.value.reasons)
    assert BundleStore(settings.bundles).current() == bundles[0].digest
    with connected(settings) as client:
        assert str(version_of(client, "champion").version) == "1"
        assert version_of(client, version).tags["gate"].startswith("refused: ")


def test_champion_measured_on_the_same_data_is_what_counts(loop: tuple[Settings, list[Any]]) -> None:
    settings, bundles = loop
    version = log_training(settings, _run(bundles[2], 0.7, champion_metrics={"ap": 0.65, "worst_ap": 0.6}))
    assert promote(settings, version, by="bob") == bundles[2].digest
    store = BundleStore(settings.bundles)
    assert store.current() == bundles[2].digest
    assert rollback(settings, by="bob") == bundles[0].digest
    assert store.current() == bundles[0].digest
    assert [p.by for p in store.history()][-2:] == ["bob", "bob"]


def test_promote_without_a_model_says_so(settings: Settings) -> None:
    with pytest.raises(TrackingError, match="train one first"):
        promote(settings, by="ann")


def test_server_that_is_down_is_said_to_be_down(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings = Settings(var=tmp_path, tracking_uri=f"http://127.0.0.1:{port}")
    with pytest.raises(TrackingError, match=str(port)):
        promote(settings, by="ann")


def test_mlflow_is_quiet(loop: tuple[Settings, list[Any]], capfd: pytest.CaptureFixture[str]) -> None:
    settings, bundles = loop
    log_training(settings, _run(bundles[0], 0.9))
    assert capfd.readouterr() == ("", "")


def test_rollback_needs_no_mlflow() -> None:
    code = "import sys, training.rollback; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])
