"""Evidence: what a decision looks at besides the score, read from features and facts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.default_view import DAY
from features.encode import VALUES, FactBlock
from features.view import FeatureView
from models.policy import Evidence
from models.support import PACE, SupportTable

HABIT = "entity_rule_1d"
"""The feature that counts a rule on its entity: its decayed count over a day."""


def evidence(
    view: FeatureView, features: NDArray[np.float64], block: FactBlock, known_rule: NDArray[np.bool_], support: SupportTable
) -> Evidence:
    """Return what the policy looks at besides the score."""

    def value(name: str) -> NDArray[np.float64]:
        return block.values[:, VALUES.index(name)]

    return Evidence(
        known_rule=known_rule,
        habit=habit(view, features),
        missing=np.isnan(features[:, _expected(view)]).mean(axis=1),
        severity=value("severity"),
        criticality=value("criticality"),
        indicator=value("indicator"),
        decoy=value("decoy"),
        outside=support.read(block, features[:, view.index(PACE)]),
    )


def _expected(view: FeatureView) -> NDArray[np.bool_]:
    return np.array([not feature.optional for feature in view.features], bool)


def habit(view: FeatureView, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how habitual each rule is on its entity: its count over a day less that over the last minute; 0 if silent for a day.

    A fact counts for nothing when it comes and in full some minutes later, so a burst, however dense, is no habit of its own.
    """
    count, burst, gap = (features[:, view.index(name)] for name in (HABIT, PACE, "entity_rule_gap"))
    return np.asarray(np.where(gap > DAY, 0.0, count - burst), np.float64)


def anomaly(view: FeatureView, features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the surprisal in bits of seeing this rule on this entity, given what the entity did over the last days.

    ``−log₂((c(entity, rule) + ½) / (c(entity) + 1))`` with decayed counts: 0 for the usual, higher for the unusual.
    """
    pair, entity = features[:, view.index(HABIT)], features[:, view.index("entity_1d")]
    surprise = np.log2(entity + 1.0) - np.log2(pair + 0.5)
    return np.asarray(np.maximum(np.nan_to_num(surprise, nan=0.0), 0.0), np.float64)
