"""The feature view: the ordered, named, typed list of what a model may look at."""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.counters import CounterSpec, CounterState, Op
from features.encode import FactBlock
from features.errors import ViewMismatchError


class Feature(msgspec.Struct, frozen=True, kw_only=True):
    """One feature: an operation over what was read of one or two keys as of the alert.

    ``a`` is a key (or, for ``VALUE``, a value of the fact), read at ``half_life`` seconds. ``RATIO`` is
    ``scale · a / (b + smooth)``. ``text`` says it in an analyst's words. ``identity``: derived from the rule's name.
    ``optional``: many alerts have no value of it, so its absence is nothing missing.
    """

    name: str
    op: Op
    a: str
    half_life: float = 0.0
    b: str = ""
    other_half_life: float = 0.0
    scale: float = 1.0
    smooth: float = 1.0
    unit: str = "count"
    text: str = ""
    identity: bool = False
    optional: bool = False


class FeatureView(msgspec.Struct, frozen=True):
    """An ordered list of features over one counter specification."""

    spec: CounterSpec
    features: tuple[Feature, ...]

    @property
    def names(self) -> list[str]:
        """Names in column order."""
        return [feature.name for feature in self.features]

    @property
    def fingerprint(self) -> str:
        """Hex digest of everything a feature value depends on."""
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    def index(self, name: str) -> int:
        """Return the column of the feature called ``name``. Raises ``ViewMismatchError``."""
        if name not in self.names:
            raise ViewMismatchError("feature", name, "no such feature in the view")
        return self.names.index(name)

    def compiled(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the kernel's ``program`` i8[F, 5] and ``scales`` f8[F, 2]."""
        program = np.zeros((len(self.features), 5), np.int64)
        scales = np.array([[feature.scale, feature.smooth] for feature in self.features], np.float64).reshape(-1, 2)
        for row, feature in zip(program, self.features, strict=True):
            row[0] = feature.op
            if feature.op is Op.VALUE:
                row[1] = self.spec.values.index(feature.a)
                continue
            row[1] = self.spec.key_index(feature.a)
            if feature.op is not Op.GAP:
                row[2] = self.spec.half_lives.index(feature.half_life)
            if feature.op is Op.RATIO:
                row[3], row[4] = self.spec.key_index(feature.b), self.spec.half_lives.index(feature.other_half_life)
        return program, scales

    def read(self, state: CounterState, block: FactBlock) -> NDArray[np.float64]:
        """Walk ``block`` over ``state``: return each fact's features as of then (n × F; NaN rows for labels), and fold it."""
        out = np.full((len(block), len(self.features)), np.nan)
        state.walk(block, *self.compiled(), out)
        return out
