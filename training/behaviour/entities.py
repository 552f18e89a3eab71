"""How unusual each entity was as of any moment of a history of events: walked first, so that alerts can be read as of then."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import msgspec

from features.anomalies import EntityAnomalies
from features.event import Event
from models.behaviour.engine import BehaviourEngine
from models.behaviour.model import BehaviourModel
from models.behaviour.noting import note_day, note_event
from models.bundle_files import load_behaviour
from models.strangest import Strangest
from training.behaviour.fitting import Learned, Source, learn
from training.behaviour.loaders import read_events
from training.behaviour.scoring import walk_days

Told = Callable[[str], None]
MOST_ENTITIES, MOST_VALUES = 2**20, 4096
"""Of a history all is kept, not only the latest as in the service."""


def entity_anomalies(model: BehaviourModel, events: Sequence[Event]) -> EntityAnomalies:
    """Return what was known when; ``events`` are in order of time."""
    table, strangest = EntityAnomalies(MOST_ENTITIES, MOST_VALUES), Strangest()
    for of_events, of_days in walk_days(BehaviourEngine(model, words=False), events):
        for one in strangest.take(of_events):
            note_event(table, *one, one.judged.time)
        for day in of_days:
            note_day(table, day)
        strangest.close(of_days, 0)
    return table


def learned_entities(
    source: Source | None, told: Told = lambda text: None, without_labels_of: Collection[str] = ()
) -> tuple[Learned | None, EntityAnomalies | None]:
    """Learn behaviour from the events at ``source``, and walk them for how unusual each entity was when; nothing without events.

    What verdicts taught was not known at the moments that are walked, and is not used there.
    """
    if source is None:
        return None, None
    told("learning behaviour")
    learned = learn(source, without_labels_of)
    told("walking the events")
    return learned, entity_anomalies(msgspec.structs.replace(learned.model, combination=None), learned.events)


def judged_entities(source: Source | None, bundle: Path, told: Told = lambda text: None) -> EntityAnomalies | None:
    """Walk the events at ``source``, judged by the bundle at ``bundle``. Raises ``BundleError`` where it has no model of behaviour."""
    if source is None:
        return None
    model = load_behaviour(bundle)
    told("walking the events")
    return entity_anomalies(model, read_events(*source).events)
