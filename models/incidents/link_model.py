"""The link model: how likely two lines are of one incident."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.incidents.links import USUAL, Shared, Sides, usual_features
from models.incidents.patterns import evidence, pattern

FEATURES = (*USUAL, "pattern")
"""What speaks for or against a link: what usually does, and what boosted trees add to its log-odds."""
ASKED_FROM = -4.5
"""Pairs of which the default weights say less (log-odds; a chance of .011) have no pattern, and the trees are not asked."""


class LinkModel(msgspec.Struct, frozen=True):
    """A logistic model of "one incident": ``intercept`` and a weight for each of ``FEATURES``."""

    intercept: float
    weights: tuple[float, ...]
    incidents: int = 0
    """From how many past incidents it was learned; 0: the default, learned in simulated worlds."""
    corrections: int = 0
    """What so many merges and splits by analysts changed in it."""

    def __post_init__(self) -> None:
        """Refuse a model of other features."""
        if len(self.weights) != len(FEATURES):
            raise ValueError(f"{len(self.weights)} weights for {len(FEATURES)} features")

    def probability(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return for n pairs the probability that both are of one incident."""
        chances = 1.0 / (1.0 + np.exp(-(self.intercept + features @ np.asarray(self.weights))))
        return np.asarray(chances.round(9))  # the last digits depend on which pairs are asked for together


_LEARNED = {
    "rarity": 1.03, "node": -0.62, "user": 0.34, "outside": 1.00, "node_rarity": -0.32, "user_rarity": -0.29,
    "outside_rarity": -0.60, "more": 0.63, "moved": 1.34, "minutes": 0.06, "long": -1.15, "hour": 0.08,
    "forward": 0.35, "backward": -0.42, "same_rule": -0.18, "other_product": -0.02, "early": 0.44, "late": 0.51,
    "highest": 0.52, "lowest": 0.43, "suspect": -0.40, "likely": -0.31, "sure": -0.65,
}  # fmt: skip
_INTERCEPT = -0.05
DEFAULT = LinkModel(_INTERCEPT, (*(_LEARNED[name] for name in USUAL), 1.0))
"""Learned in simulated worlds of three levels of noise (``python -m training.incidents.linking``)."""


def link_features(shared: Shared, sides: Sides) -> NDArray[np.float64]:
    """Return what speaks for and against links of n pairs, f8[n, F] in the order of ``FEATURES``."""
    usual = usual_features(shared, sides)
    asked = default_margin(usual) >= ASKED_FROM
    features = np.column_stack([usual, np.zeros(len(usual))])
    if asked.any():
        features[asked, -1] = pattern(evidence(*among(asked, shared, sides), usual[asked]))
    return features


def default_margin(usual: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the log-odds that the default weights give n pairs by what is usual, ``usual`` f8[n, U]: what trees are learned beyond."""
    return np.asarray(_INTERCEPT + usual @ np.asarray(DEFAULT.weights[: len(USUAL)]))


def among(asked: NDArray[np.bool_], shared: Shared, sides: Sides) -> tuple[Shared, Sides]:
    """Return what is shared by, and the sides of, those of n pairs that are ``asked`` b[n] about."""
    theirs = asked[shared.pair]
    number = np.cumsum(asked) - 1
    kept = Shared._make((number[shared.pair[theirs]], *(column[theirs] for column in shared[1:])))
    return kept, Sides._make(column[asked] for column in sides)
