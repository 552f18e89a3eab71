"""Incident priority: how likely an incident is a true positive, from what it shows as a whole."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.alert import Entity, EntityKind
from features.context import Context
from models.incidents.attack import TACTICS, tactic_place
from models.incidents.incident import Incident
from models.incidents.links import LOWEST, logit

Criticality = Callable[[str, Entity, datetime], float]
"""(tenant, entity, time) → how critical it is then, 0 to 4 as in the asset inventory; 0 where nothing is known."""


def known_criticality(context: Callable[[], Context]) -> Criticality:
    """Return the criticality that the asset inventory of the ``context`` in force knows."""

    def criticality(tenant: str, entity: Entity, time: datetime) -> float:
        asset = context().asset(tenant, entity.uid, time) if entity.kind is EntityKind.HOST else None
        return 0.0 if asset is None else float(asset.criticality)

    return criticality


FEATURES = (
    "highest", "second", "rules", "products", "entities", "tactics", "progress", "lines", "criticality", "cohesion", "novelty",
)  # fmt: skip
"""``highest``: log-odds of its highest score; ``second``: of the highest of another rule. Logs of one plus the number of different
``rules``, ``products``, ``entities`` and of ``lines``. ``tactics``: how many; ``progress``: how far the first and last of them lie
apart, 0 to 1. ``criticality``: of its most critical entity, 0 to 1. ``cohesion``: how surely it is held together, the mean log-odds
of its links (0 for a single line). ``novelty``: how unusual its rules were on their entities as of then, the mean over lines of the
log of one plus bits. A new feature goes to the end: what was learned before it then gives it no weight."""


def priority_features(incident: Incident, criticality: Criticality | None = None) -> NDArray[np.float64]:
    """Return what an incident shows, f8[F] in the order of ``FEATURES``."""
    by_rule: dict[tuple[str, str], float] = {}
    for line in incident.lines:
        key = (line.product, line.rule.uid)
        by_rule[key] = max(by_rule.get(key, 0.0), line.score)
    scores = sorted(by_rule.values(), reverse=True)
    entities = incident.entities
    places = [place for place in map(tactic_place, incident.tactics) if place is not None]
    links = [logit(link.probability) for link in incident.links]
    return np.array(
        [
            logit(scores[0]),
            logit(scores[1]) if len(scores) > 1 else LOWEST,
            math.log1p(len(by_rule)),
            math.log1p(len({product for product, _ in by_rule})),
            math.log1p(len({(entity.kind, entity.uid) for entity in entities})),
            float(len(set(places))),
            (max(places) - min(places)) / (len(TACTICS) - 1) if places else 0.0,
            math.log1p(len(incident.lines)),
            _most_critical(incident, criticality) / 4.0 if criticality else 0.0,
            sum(links) / len(links) if links else 0.0,
            sum(math.log1p(line.anomaly) for line in incident.lines) / len(incident.lines),
        ]
    )


def _most_critical(incident: Incident, criticality: Criticality) -> float:
    return max((criticality(incident.tenant, entity, incident.last) for entity in incident.entities), default=0.0)


class PriorityModel(msgspec.Struct, frozen=True):
    """A logistic model of "true positive", that is of holding an attacker's alert: ``intercept`` and a weight for each of
    ``FEATURES``, of the first of them if it is older than others. What it says is a calibrated probability, as a score is."""

    intercept: float
    weights: tuple[float, ...]
    incidents: int = 0
    """From how many past incidents it was learned; 0: the default, learned in simulated worlds."""

    def __post_init__(self) -> None:
        """Refuse a model of more features than are known."""
        if len(self.weights) > len(FEATURES):
            raise ValueError(f"{len(self.weights)} weights for {len(FEATURES)} features")

    def probability(self, incident: Incident, criticality: Criticality | None = None) -> float:
        """Return how likely an incident is a true positive."""
        shown = priority_features(incident, criticality)[: len(self.weights)]
        margin = self.intercept + float(shown @ np.asarray(self.weights))
        return 1.0 / (1.0 + math.exp(-min(max(margin, -30.0), 30.0)))


_LEARNED = {"highest": 0.68, "criticality": 0.15, "cohesion": 0.91, "novelty": 0.08}
DEFAULT = PriorityModel(-2.84, tuple(_LEARNED.get(name, 0.0) for name in FEATURES))
"""Learned in simulated worlds (``python -m training.incidents.linking 100 101``): there, what the alerts score and how surely they
belong together says all that variety and progress would, and novelty next to nothing."""
