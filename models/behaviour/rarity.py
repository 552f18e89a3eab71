"""How rare a row of numbers is: the surprises of its features, added up.

The surprise of a value is −log of the smaller of two tails, how often the past was at least as high and how often at least as low
(the empirical tails of ECOD: Li and others 2022). A tail is a staircase of some :data:`MAX_STEPS` kept values, the outermost
of them all, and between two of them it is taken as the larger. Beyond the past the tail is one of all that were and the new one,
however many of the past tie at its end, and goes on as a Pareto tail: of two days that nobody has seen the like of, the wilder is the
rarer.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.behaviour import arrays, vector_kernel
from models.errors import BundleError

Floats = NDArray[np.float64]
MAX_STEPS = 256
NEAR = 0.1
"""What lies no further than so many nats beside a value is no different from it: a record by a hair is none."""
_SHAPES = {
    "names": ("<U64", 1),
    "value": ("f8", 2),
    "high": ("f8", 2),
    "low": ("f8", 2),
    "middle": ("f8", 1),
    "spread": ("f8", 1),
}


class Rarity(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The tails of each feature, one row each: at ``value`` (rising, repeated at the end to fill up) the shares of the past that
    are at least as ``high`` and at least as ``low``; ``middle`` and ``spread`` of the feature.
    """

    names: tuple[str, ...]
    value: Floats
    high: Floats
    low: Floats
    middle: Floats
    spread: Floats

    @classmethod
    def fit(cls, x: Floats, names: tuple[str, ...], *, both_tails: bool = True) -> Rarity:
        """Learn the tails of the columns of ``x`` (n × features), a missing value left out. ``both_tails``: little is rare, too."""
        some = [np.sort(column[np.isfinite(column)]) for column in x.T]
        columns = [_staircase(column, both_tails=both_tails) for column in some]
        width = max((len(value) for value, _, _ in columns), default=1)
        value, high, low = (np.empty((len(columns), width)) for _ in range(3))
        for at, parts in enumerate(columns):
            for held, part in zip((value, high, low), parts, strict=True):
                held[at, : len(part)], held[at, len(part) :] = part, part[-1]
        some = [column if len(column) else np.zeros(1) for column in some]
        middle = np.array([(column[(len(column) - 1) // 2] + column[len(column) // 2]) / 2.0 for column in some])
        reach = [max(float(column[-1]) - at, at - float(column[0])) for column, at in zip(some, middle, strict=True)]
        return cls(names=names, value=value, high=high, low=low, middle=middle, spread=np.maximum(reach, NEAR))

    def surprises(self, x: Floats) -> Floats:
        """Return the surprise of each value of ``x`` (n × features) in nats; a missing value surprises nobody."""
        if x.shape[1] != len(self.names):
            raise ValueError(f"{x.shape[1]} features, not {len(self.names)}")  # compiled code would read what lies beside
        known, share, beyond = np.isfinite(x), np.ones(x.shape), np.zeros(x.shape)
        vector_kernel.tails(x, known, (self.value, self.high, self.low, self.spread), (share, beyond))
        return np.log1p(beyond, out=beyond) - np.log(share, out=share)

    def anomaly_score(self, x: Floats) -> Floats:
        """Return the sum of surprises of each row."""
        total: Floats = self.surprises(x).sum(axis=1)
        return total

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rarity) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the tails as npz."""
        held = {name: np.asarray(getattr(self, name)) for name in _SHAPES if name != "names"}
        return arrays.to_bytes({**held, "names": np.array(self.names, "<U64")})

    @classmethod
    def from_bytes(cls, data: bytes, source: str) -> Rarity:
        """Read what :meth:`to_bytes` wrote. Raises ``BundleError``, naming ``source``, for tails that cannot be."""
        read = arrays.from_bytes(data, _SHAPES, source)
        names = tuple(read.pop("names").tolist())
        rarity = cls(names=names, **read)
        shape = (len(names), rarity.value.shape[1])
        if not shape[1] or any(part.shape != shape for part in (rarity.value, rarity.high, rarity.low)):
            raise BundleError(source, "tails with parts missing")
        if rarity.middle.shape != shape[:1] or rarity.spread.shape != shape[:1] or (rarity.spread <= 0).any():
            raise BundleError(source, "features of tails with parts missing")
        shares = np.concatenate([rarity.high, rarity.low])
        if (np.diff(rarity.value) < 0).any() or (shares <= 0).any() or (shares > 1).any():
            raise BundleError(source, "tails that do not rise, or are no shares")
        return rarity


def _staircase(ordered: Floats, *, both_tails: bool) -> tuple[Floats, Floats, Floats]:
    """Return the kept ones of rising values and, at each, (1 + those at least as high) ÷ (1 + all) and the same for low.

    Kept are the outermost values on both sides, each one, and fewer and fewer towards the middle. Beside one at which many tie, and
    beside the outermost, is a further step: what lies beyond it shares none of its rank.
    """
    n = len(ordered)
    if n == 0:
        return np.zeros(1), np.ones(1), np.ones(1)
    first = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))
    value, count = ordered[first], np.diff(np.append(first, n))
    count[[0, -1]] = n + 1  # a step beside each of them, too
    keep = np.arange(len(value))
    if len(value) > MAX_STEPS:
        fewer, more = np.searchsorted(ordered, value, side="right"), n - np.searchsorted(ordered, value)
        ranks = np.unique(np.geomspace(1, n / 2, MAX_STEPS // 2).astype(np.int64))
        inner = np.concatenate([np.searchsorted(fewer, ranks), len(value) - 1 - np.searchsorted(more[::-1], ranks)])
        keep = np.unique(inner)
    tied = value[keep][count[keep] > 1]
    steps = np.unique(np.concatenate([value[keep], tied - NEAR, tied + NEAR]))
    at_least, at_most = n - np.searchsorted(ordered, steps), np.searchsorted(ordered, steps, side="right")
    high, low = (1.0 + np.array([at_least, at_most], np.float64)) / (1.0 + n)
    return steps, high, low if both_tails else np.ones(len(steps))
