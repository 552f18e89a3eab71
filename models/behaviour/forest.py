"""An isolation forest (Liu, Ting and Zhou 2008) as plain arrays: what is isolated by few random cuts is abnormal.

Fitted by scikit-learn in ``training/behaviour/detectors.py``; evaluated here without it, to the same number.
"""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.behaviour import arrays, vector_kernel
from models.errors import BundleError

Floats = NDArray[np.float64]
Rows = NDArray[np.int32]

ROWS_AT_ONCE = 4096
LARGEST = float(np.finfo(np.float32).max)
_SHAPES = {
    "names": ("<U64", 1), "fill": ("f8", 1), "roots": ("i4", 1), "feature": ("i4", 1), "threshold": ("f8", 1),
    "left": ("i4", 1), "right": ("i4", 1), "length": ("f8", 1), "usual_length": ("f8", 0), "depth": ("i4", 0),
}  # fmt: skip


def usual_path_length(samples: float) -> float:
    """Return the mean length of a path that finds nothing in a search tree of that many samples: c(n) of the paper."""
    if samples <= 2:
        return 1.0 if samples == 2 else 0.0
    return 2.0 * (math.log(samples - 1.0) + float(np.euler_gamma)) - 2.0 * (samples - 1.0) / samples


class Forest(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All trees' nodes behind each other; a child comes after its parent, so no path is endless.

    ``names`` are the features, ``fill`` what stands for a missing one (its median in training). ``roots`` are the trees' first
    nodes. An inner node sends a row whose ``feature`` is at most ``threshold`` to ``left``, else to ``right``; a leaf has feature
    −1 and is its own child. ``length`` is a leaf's path length, ``usual_length`` that of a usual row.
    """

    names: tuple[str, ...]
    fill: Floats
    roots: Rows
    feature: Rows
    threshold: Floats
    left: Rows
    right: Rows
    length: Floats
    usual_length: float
    depth: int

    def anomaly_score(self, x: Floats) -> Floats:
        """Return the score of each row of ``x`` (n × features): 0 to 1, higher is more abnormal."""
        out = np.empty(len(x))
        for at in range(0, len(x), ROWS_AT_ONCE):
            out[at : at + ROWS_AT_ONCE] = self._scores(x[at : at + ROWS_AT_ONCE])
        return out

    def _scores(self, x: Floats) -> Floats:
        known = np.clip(np.where(np.isnan(x), self.fill, x), -LARGEST, LARGEST).astype(np.float32)
        node = np.empty((len(x), len(self.roots)), np.int32)
        vector_kernel.leaves(known, (self.roots, self.feature, self.threshold, self.left, self.right), node)
        total = self.length[node].sum(axis=1)
        scores: Floats = np.exp2(-total / (len(self.roots) * self.usual_length))
        return scores

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Forest) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the forest as npz."""
        held = {name: np.asarray(getattr(self, name)) for name in _SHAPES if name not in {"names", "usual_length", "depth"}}
        return arrays.to_bytes(
            {
                **held,
                "names": np.array(self.names, "<U64"),
                "usual_length": np.array(self.usual_length),
                "depth": np.array(self.depth, np.int32),
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes, source: str) -> Forest:
        """Read what :meth:`to_bytes` wrote. Raises ``BundleError``, naming ``source``, for a forest that cannot be."""
        read = arrays.from_bytes(data, _SHAPES, source)
        names = tuple(read.pop("names").tolist())
        usual_length, depth = float(read.pop("usual_length")), int(read.pop("depth"))
        forest = cls(names=names, usual_length=usual_length, depth=depth, **read)
        reason = forest._flaw()
        if reason:
            raise BundleError(source, reason)
        return forest

    def _flaw(self) -> str:
        """Return why this is no forest; empty if it is one."""
        n = len(self.feature)
        if any(len(array) != n for array in (self.threshold, self.left, self.right, self.length)) or n == 0:
            return "nodes of a forest with parts missing"
        if len(self.fill) != len(self.names) or not self.names:
            return "features of a forest with parts missing"
        if self.usual_length <= 0 or (self.length < 0).any():
            return "path lengths that cannot be"
        if ((self.feature < -1) | (self.feature >= len(self.names))).any():
            return "a node of a forest asks for a feature that is not there"
        return self._flaw_of_paths()

    def _flaw_of_paths(self) -> str:
        n, at = len(self.feature), np.arange(len(self.feature))
        leaf = self.feature < 0
        if (self.left[leaf] != at[leaf]).any() or (self.right[leaf] != at[leaf]).any():
            return "a leaf of a forest leads on"
        children = np.concatenate([self.left[~leaf], self.right[~leaf]])
        if (children >= n).any() or (children <= np.tile(at[~leaf], 2)).any():
            return "a node of a forest leads back, or out of it"
        if sorted([*children.tolist(), *self.roots.tolist()]) != at.tolist():
            return "a node of a forest is reached by two ways, or by none"
        if depth_of(self.roots, self.left, self.right, self.feature) != self.depth:
            return "a forest is deeper, or less deep, than it says"
        return ""


def depth_of(roots: Rows, left: Rows, right: Rows, feature: Rows) -> int:
    """Return the most steps from a root to a leaf, where children come after their parents."""
    level, depth = roots[feature[roots] >= 0], 0
    while len(level):
        below = np.concatenate([left[level], right[level]])
        level, depth = below[feature[below] >= 0], depth + 1
    return depth
