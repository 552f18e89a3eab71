"""Calibration units: what a certificate counts. One for each incident, however many alerts it has."""

from __future__ import annotations

from collections.abc import Sequence

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
    of its highest alert. ``model`` is the digest of what scored them. No threshold of suppression above ``ceiling`` is tried: what
    is likelier than that to be an attack is worth a look, whatever could be proven. ``doubt`` says why nothing may be proven from
    them.
    """

    unit: str
    assumption: str
    window: tuple[str, str]
    incidents: Units
    responses: Units
    model: str = ""
    ceiling: float = 1.0
    doubt: str = ""


class Ranked:
    """Units by rising score, with the rows of each group in that order.

    ``score`` f8[n], ``attack`` b[n]; ``kind`` i8[n] indexes ``kinds``; ``groups``: rows by key, wide groups first.
    """

    def __init__(self, units: Units) -> None:
        score = np.array(units.score, np.float64)
        order = np.argsort(score, kind="stable")
        self.score, self.attack = score[order], np.array(units.attack, bool)[order]
        self.kinds, kind = _numbered(units.kind)
        self.kind = kind[order]
        self.groups: dict[str, NDArray[np.int64]] = {}
        for dimension in DIMENSIONS:
            names, member = _numbered(getattr(units, dimension))
            member = member[order]
            rows = np.argsort(member, kind="stable")
            parts = np.split(rows, np.cumsum(np.bincount(member, minlength=len(names)))[:-1])
            self.groups |= {group_key(dimension, name): part for name, part in zip(names, parts, strict=False)}

    def __len__(self) -> int:
        return len(self.score)


def _numbered(values: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the different values in the order of their first coming, and the index of each among them."""
    numbers: dict[str, int] = {}
    index = np.array([numbers.setdefault(value, len(numbers)) for value in values], np.int64)
    return list(numbers), index


def speakers(unit: NDArray[np.int64], score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each unit the row of its highest ``score`` (the first of equals), in the order of the units.

    ``unit`` i8[n] numbers the unit of each row, −1 for none.
    """
    inside = np.flatnonzero(unit >= 0)[::-1]
    order = inside[np.argsort(score[inside], kind="stable")]
    best = np.full(int(unit.max(initial=-1)) + 1, -1)
    best[unit[order]] = order  # of several the last holds
    return best[best >= 0]
