"""Detectors of rows of numbers, fitted by scikit-learn and taken over as plain arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import IsolationForest

from models.behaviour.forest import Forest, depth_of, usual_path_length

TREES, SAMPLES = 200, 256
"""Of an isolation forest: many shallow trees, each of few rows (Liu, Ting and Zhou 2008)."""

Floats = NDArray[np.float64]


def medians(x: Floats) -> Floats:
    """Return each feature's median over the rows where it is known; 0 where it never is."""
    return np.array([float(np.median(column[np.isfinite(column)])) if np.isfinite(column).any() else 0.0 for column in x.T])


def filled(x: Floats, fill: Floats) -> Floats:
    """Return ``x`` with missing values replaced."""
    return np.where(np.isnan(x), fill, x)


def fit_forest(x: Floats, names: tuple[str, ...], *, seed: int = 0, trees: int = TREES) -> Forest:
    """Fit an isolation forest on ``x`` (n × features, n ≥ 2)."""
    fill = medians(x)
    fitted = IsolationForest(n_estimators=trees, max_samples=min(SAMPLES, len(x)), random_state=seed, n_jobs=1)
    return exported(fitted.fit(filled(x, fill)), names, fill)


def exported(fitted: IsolationForest, names: tuple[str, ...], fill: Floats) -> Forest:
    """Return the fitted forest as plain arrays."""
    parts, roots, start = [], [], 0
    for tree, columns in zip(fitted.estimators_, fitted.estimators_features_, strict=True):
        nodes = tree.tree_
        at, leaf = np.arange(nodes.node_count), nodes.children_left < 0
        usual = np.array([usual_path_length(float(count)) for count in nodes.n_node_samples])
        parts.append(
            (
                np.where(leaf, -1, np.asarray(columns)[np.where(leaf, 0, nodes.feature)]),
                np.where(leaf, 0.0, nodes.threshold),
                np.where(leaf, at, nodes.children_left) + start,
                np.where(leaf, at, nodes.children_right) + start,
                np.where(leaf, nodes.compute_node_depths() - 1 + usual, 0.0),
            )
        )
        roots.append(start)
        start += nodes.node_count
    feature, threshold, left, right, length = (np.concatenate(part) for part in zip(*parts, strict=True))
    feature, left, right = (part.astype(np.int32) for part in (feature, left, right))
    first = np.array(roots, np.int32)
    return Forest(
        names=names,
        fill=fill,
        roots=first,
        feature=feature,
        threshold=threshold.astype(np.float64),
        left=left,
        right=right,
        length=length.astype(np.float64),
        usual_length=usual_path_length(float(fitted.max_samples_)),
        depth=depth_of(first, left, right, feature),
    )
