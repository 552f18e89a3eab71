"""The notebooks run from top to bottom, as a data scientist would run them, and are kept without outputs."""

from __future__ import annotations

import os
from pathlib import Path

import nbclient
import nbformat
import pytest

from models.bundle_store import BundleStore
from training.simulator import simulate

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_is_kept_clean(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            assert cell.outputs == []
            assert cell.execution_count is None


def run(path: Path, var: Path, monkeypatch: pytest.MonkeyPatch, plan: str = "") -> str:
    """Run a notebook from top to bottom with ``var`` to write to; return what it printed. ``plan`` replaces its plan."""
    monkeypatch.setenv("TAMIS_VAR", str(var))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("IPYTHONDIR", str(var / "ipython"))
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if plan and cell.source.startswith("plan = Plan()"):
            cell.source = plan
    nbclient.NotebookClient(notebook, timeout=None, kernel_name="python3", resources={"metadata": {"path": str(var)}}).execute()
    return "".join(output.get("text", "") for cell in notebook.cells for output in cell.get("outputs", []))


def test_retrain_runs_and_makes_a_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(2, 5, 11, tmp_path / "simulated").history.rename(tmp_path / "export")
    printed = run(ROOT / "notebooks" / "01_retrain.ipynb", tmp_path, monkeypatch)
    assert "version 1 of the model" in printed
    assert "certificate refused" in printed
    assert "champion: " in printed
    assert BundleStore(tmp_path / "bundles").current() is not None


SMALL_PLAN = """
from training.fit import FitParameters

quick = FitParameters(trees=20, leaves=7, learning_rate=0.2)
plan = Plan(seeds=(0,), tenants=2, months=2, trials=0, lots=(300,), taught=(300,), parameters=quick)
"""


def test_feedback_runs_with_a_smaller_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    printed = run(ROOT / "notebooks" / "02_feedback.ipynb", tmp_path, monkeypatch, SMALL_PLAN)
    assert "listed verdicts are really wrong" in printed
    assert "Quality under feedback" in printed
    assert (tmp_path / "feedback" / "report" / "report.html").exists()


def test_measures_are_shown_of_a_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(2, 5, 11, tmp_path / "simulated").history.rename(tmp_path / "export")
    printed = run(ROOT / "notebooks" / "05_measures.ipynb", tmp_path, monkeypatch)
    assert "reviewed" in printed
    assert "untimed: none" in printed
    assert "Repeats: what grouping would save" in printed


def test_thresholds_are_weighed_without_a_champion(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate(2, 8, 11, tmp_path / "simulated").history.rename(tmp_path / "export")
    printed = run(ROOT / "notebooks" / "03_thresholds.ipynb", tmp_path, monkeypatch)
    assert "no champion here" in printed
    assert "at most 0.1 % missed: refused for all alerts" in printed
    assert "more incidents that are not missed" in printed
    assert "hidden a day, by costs:" in printed


def test_behaviour_finds_accounts_that_change_hands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    monkeypatch.setenv("TAMIS_DATA_DIR", str(data_dir))
    printed = run(ROOT / "notebooks" / "04_behaviour.ipynb", tmp_path, monkeypatch)
    assert "change hands on" in printed
    assert printed.count("is in the top 1 % on active day") == 2
    assert "too new to be judged" in printed
