"""Calibration units: what a certificate counts. One for each incident, however many alerts it has."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.certificates.groups import DIMENSIONS, group_key


class Units(msgspec.Struct, frozen=True, kw_only=True):
    """n units in columns: the score of the alert that speaks for each, its groups, what it was.

    ``tenant`` is a pseudonym, ``rule`` is ``product/uid``, ``kind`` the kind of attack, known only afterwards (``""``: not told).
    ``attack``: whether it was one.
    """

    score: list[float]
    tenant: list[str]
    product: list[str]
    severity: list[str]
    rule: list[str]
    kind: list[str]
    attack: list[bool]

    def __len__(self) -> int:
        return len(self.score)


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """All that certificates of any objective follow from.

    ``incidents``: attacks only, each at the score of its highest alert *as the whole decision sees it* (above 1 where another
    condition keeps an alert from being hidden). ``responses``: what would be responded to, attacks and others, each at the score
    of its highest alert. ``model`` is the digest of what scored them.
    """

    unit: str
    assumption: str
    window: tuple[str, str]
    incidents: Units
    responses: Units
    model: str = ""


class Groups(NamedTuple):
    """Which units are in each group, by key. The rows of a group are in the order of its units."""

    rows: dict[str, NDArray[np.int64]]

    @classmethod
    def of(cls, units: Units) -> Groups:
        """Return the groups of ``units``, wide ones first."""
        rows: dict[str, NDArray[np.int64]] = {}
        for dimension in DIMENSIONS:
            names, member = np.unique(np.array(getattr(units, dimension), object).astype(str), return_inverse=True)
            order = np.argsort(member, kind="stable")
            parts = np.split(order, np.cumsum(np.bincount(member, minlength=len(names)))[:-1])
            rows |= {group_key(dimension, name): part for name, part in zip(names.tolist(), parts, strict=False)}
        return cls(rows)


def speakers(unit: NDArray[np.int64], score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each unit the row of its highest ``score`` (the first of equals), in the order of the units.

    ``unit`` i8[n] numbers the unit of each row, −1 for none.
    """
    inside = np.flatnonzero(unit >= 0)
    order = inside[np.lexsort((-inside, score[inside], unit[inside]))]
    last = np.flatnonzero(np.diff(unit[order], append=-1))
    return order[last]
