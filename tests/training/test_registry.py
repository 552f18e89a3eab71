"""MLflow and the bundle store together: log, load, promote, refuse, roll back."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.bundle import ModelBundle
from models.bundle_store import BundleStore
from models.errors import BundleError, BundleStoreError
from training.errors import GateRefusedError, TrackingError
from training.gate import GateReport, judge
from training.later import Comparison
from training.registry import promote
from training.rollback import rollback
from training.settings import Settings
from training.tracking import GATE, TrainingRun, connect, log_training, resolve, running, where

ROOT = Path(__file__).parents[2]
FRESH = """
import sys
import mlflow, numpy as np, pandas as pd
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model("models:/tamis@champion")
rows = np.load(sys.argv[2])
table = pd.DataFrame(rows, columns=model.metadata.get_input_schema().input_names()[: rows.shape[1]])
found = model.predict(table)
assert {"score", "priority"} <= set(found.columns), found
np.save(sys.argv[3], found["score"].to_numpy())
"""

Loop = tuple[Settings, list[Any]]


FIRST = GateReport([], ["there is no champion yet"])


def _log(settings: Settings, bundle: Any, report: GateReport | str | None = FIRST, **metrics: float) -> str:
    """Log a training as the pipeline does; the gate's report may be missing or damaged."""
    tags = {"bundle_digest": bundle.digest, "data_digest": "d" * 64}
    if report is not None:
        tags[GATE] = report if isinstance(report, str) else report.encode()
    found = {"group_ap": 0.9, "group_ap/acme": 0.9, "calibration_error": 0.01, "step_recall": float("nan"), **metrics}
    with running(settings, "test"):
        return log_training(
            settings, TrainingRun({"trees": 5}, found, tags, bundle.path, bundle.columns, [bundle.path / "MODEL_CARD.md"])
        )


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, bundle_maker: Callable[[Path, int], Any]) -> Loop:
    """Three bundles, of which the first is champion."""
    folder = tmp_path_factory.mktemp("loop")
    settings = Settings(var=folder / "var")
    bundles = [bundle_maker(folder / f"bundle-{seed}", seed) for seed in range(3)]
    assert _log(settings, bundles[0]) == "1"
    digest, report = promote(settings, by="ann")
    assert digest == bundles[0].digest
    assert report.remarks == ["there is no champion yet"]
    return settings, bundles


def test_log_training_registers_the_challenger_with_all_that_is_known(loop: Loop) -> None:
    settings, bundles = loop
    client = connect(settings)
    run = client.get_run(resolve(client, "1").run_id)
    assert run.data.tags["bundle_digest"] == bundles[0].digest
    assert run.data.metrics["group_ap/acme"] == 0.9
    assert "step_recall" not in run.data.metrics
    assert run.data.params["trees"] == "5"
    assert [item.path for item in client.list_artifacts(run.info.run_id, "report")] == ["report/MODEL_CARD.md"]
    assert (settings.var / "mlflow" / "mlflow.db").exists()
    assert (settings.var / "mlflow" / "artifacts").is_dir()


def test_nothing_in_the_store_is_a_pickle(loop: Loop) -> None:
    files = [path for path in (loop[0].var / "mlflow" / "artifacts").rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if path.suffix in {".pkl", ".pickle", ".joblib", ".cloudpickle"}]
    assert not [path for path in files if path.read_bytes()[:1] == b"\x80"]


def test_champion_loads_in_a_fresh_process_and_scores_alike(loop: Loop, tmp_path: Path) -> None:
    settings, bundles = loop
    np.save(tmp_path / "rows.npy", bundles[0].features[:50])
    arguments = [where(settings), str(tmp_path / "rows.npy"), str(tmp_path / "out.npy")]
    subprocess.run([sys.executable, "-c", FRESH, *arguments], check=True, cwd=ROOT)
    bundle = ModelBundle.load(bundles[0].path)
    expected = bundle.calibrator(bundle.raw(bundles[0].features[:50]))
    assert np.array_equal(np.load(tmp_path / "out.npy"), expected)


def _unchanged(loop: Loop) -> bool:
    settings, bundles = loop
    serving = BundleStore(settings.bundles).current() == bundles[0].digest
    return serving and str(resolve(connect(settings), "champion").version) == "1"


def test_promote_is_refused_in_words_and_changes_nothing(loop: Loop) -> None:
    settings, bundles = loop
    words = "average precision 0.700 against the champion's 0.900 on tenant acme (40 labels)"
    version = _log(settings, bundles[1], GateReport([words], [], bundles[0].digest))
    with pytest.raises(GateRefusedError) as caught:
        promote(settings, by="ann")
    assert caught.value.reasons == [words]
    assert _unchanged(loop)
    assert resolve(connect(settings), version).tags["gate"] == f"refused: {words}"


def test_a_champion_that_was_not_compared_with_refuses(loop: Loop) -> None:
    settings, bundles = loop
    for champion in ("0" * 64, ""):
        _log(settings, bundles[1], GateReport([], ["fine"], champion))
        with pytest.raises(GateRefusedError, match="another champion"):
            promote(settings, by="ann")
    assert _unchanged(loop)


@pytest.mark.parametrize("report", [None, "passed", '{"objections":[],"rema'])
def test_a_report_that_was_not_kept_refuses(loop: Loop, report: str | None) -> None:
    settings, bundles = loop
    _log(settings, bundles[1], report)
    with pytest.raises(GateRefusedError, match="was not kept with the run; train again"):
        promote(settings, by="ann")
    assert _unchanged(loop)


def test_a_long_report_is_kept_whole(loop: Loop) -> None:
    """Names may be a thousand characters long; MLflow cuts tags that are too long."""
    settings, bundles = loop
    told = [f"average precision on tenant {'x' * 1024} ({i})" for i in range(40)]
    compared = [Comparison(f"tenant {'x' * 1024} {i}", 40, 0.9, 0.9, False) for i in range(40)]
    _log(settings, bundles[1], judge(0.01, compared, told, bundles[0].digest))
    with pytest.raises(GateRefusedError, match="average precision on tenant x"):
        promote(settings, by="ann")


def test_the_champion_itself_may_be_promoted_again(loop: Loop) -> None:
    settings, bundles = loop
    assert promote(settings, "1", by="ann")[0] == bundles[0].digest
    assert _unchanged(loop)


def test_promote_then_roll_back(loop: Loop) -> None:
    settings, bundles = loop
    version = _log(settings, bundles[2], GateReport([], ["fine"], bundles[0].digest))
    digest, report = promote(settings, version, by="bob")
    assert (digest, report.remarks) == (bundles[2].digest, ["fine"])
    assert resolve(connect(settings), version).tags["gate"] == "passed: fine"
    store = BundleStore(settings.bundles)
    assert store.current() == bundles[2].digest
    assert rollback(settings, by="cy") == bundles[0].digest
    assert store.current() == bundles[0].digest
    assert [publication.by for publication in store.history()][-2:] == ["bob", "cy"]


def test_damaged_bundle_is_not_promoted(tmp_path: Path, bundle_maker: Callable[[Path, int], Any]) -> None:
    settings = Settings(var=tmp_path / "var")
    bundle = bundle_maker(tmp_path / "bundle", 0)
    (bundle.path / "classifier.txt").write_bytes(b"tree\n")
    _log(settings, bundle)
    with pytest.raises(BundleError, match="digest"):
        promote(settings, by="ann")
    assert BundleStore(settings.bundles).current() is None
    with pytest.raises(TrackingError):
        resolve(connect(settings), "champion")


def test_rollback_without_a_past_says_so(settings: Settings) -> None:
    with pytest.raises(BundleStoreError, match="no earlier bundle"):
        rollback(settings, by="ann")


def test_rollback_needs_no_mlflow() -> None:
    code = "import sys, training.rollback; sys.exit('mlflow' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_mlflow_is_quiet(loop: Loop, capfd: pytest.CaptureFixture[str]) -> None:
    settings, bundles = loop
    _log(settings, bundles[0])
    assert capfd.readouterr() == ("", "")
