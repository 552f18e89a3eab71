"""The plots that a training leaves in MLflow."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.dataset import UNLABELLED, Dataset
from training.metrics import group_scores
from training.report import calibration_plot, precision_recall_plot


def training_figures(folder: Path, dataset: Dataset, score: NDArray[np.float64]) -> list[Path]:
    """Write precision–recall and calibration of the out-of-fold scores as SVG files; return them."""
    rows = np.flatnonzero(~np.isnan(score) & (dataset.target != UNLABELLED))
    if not len(rows):
        return []
    groups = group_scores(score[rows], dataset.target[rows], dataset.group[rows], dataset.tenant[rows])
    curves = {"out of fold": (groups.target, groups.score)}
    files = []
    for plot in (precision_recall_plot(curves), calibration_plot(curves)):
        file = folder / f"{plot.name}.svg"
        file.write_text(plot.svg, "utf-8")
        files.append(file)
    return files
