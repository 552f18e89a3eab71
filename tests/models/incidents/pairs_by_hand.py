"""Pairs of lines written by hand for the tests of links."""

from __future__ import annotations

import numpy as np

from models.incidents.links import Shared, Sides


def sides(*margin: tuple[float, float], tactic: tuple[int, int] = (-1, -1)) -> Sides:
    """Return pairs of lines of such log-odds, of different rules of one product."""
    n = len(margin)
    return Sides(np.array(margin), *(np.array([pair] * n) for pair in (tactic, (1, 2), (5, 5))))


def shared(*rows: tuple[int, int, float, float, int, int]) -> Shared:
    """Return what pairs share: the pair, the sort, how many lines named it, seconds apart, and the parts it plays."""
    pair, sort, lines, apart, early, late = (np.array(column) for column in zip(*rows, strict=True))
    return Shared(pair, sort, lines.astype(float), apart.astype(float), np.stack([early, late], axis=1))
