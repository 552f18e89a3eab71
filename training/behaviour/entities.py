"""How unusual each entity was as of any moment of a history of events: walked first, so that alerts can be read as of then."""

from __future__ import annotations

from collections.abc import Sequence

from features.anomalies import EntityAnomalies
from features.event import Event
from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from models.behaviour.noting import note_day
from training.behaviour.scoring import walk_days

MOST_ENTITIES, MOST_VALUES = 2**20, 4096
"""Of a history all is kept, not only the latest as in the service."""


def entity_anomalies(model: BehaviourModel, events: Sequence[Event]) -> EntityAnomalies:
    """Return what was known when; ``events`` are in order of time."""
    table = EntityAnomalies(MOST_ENTITIES, MOST_VALUES)
    for judged in walk_days(BehaviourEngine(model), events):
        for one in judged:
            note_day(table, one)
    return table
