"""How unusual each entity was as of any moment of a history of events: walked first, so that alerts can be read as of then."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from itertools import groupby
from pathlib import Path

import msgspec
import pyarrow as pa

from features.alert import EntityKind, from_epoch
from features.anomalies import EntityAnomalies
from features.event_columns import read_columns
from models.behaviour.engine import BehaviourEngine, Observed
from models.behaviour.event_scores import is_cold
from models.behaviour.judgement import EventJudgement
from models.behaviour.model import BehaviourModel
from models.behaviour.noting import note_day, note_event
from models.bundle_files import load_behaviour
from models.strangest import Strangest
from training.behaviour.fitting import Learned, Source, learn
from training.behaviour.loaders import read_event_table
from training.behaviour.scoring import walk_days

Told = Callable[[str], None]
MOST_ENTITIES, MOST_VALUES = 2**20, 4096
"""Of a history all is kept, not only the latest as in the service."""


def entity_anomalies(model: BehaviourModel, events: pa.Table) -> EntityAnomalies:
    """Return what was known when; ``events`` are in order of time, in the native columns."""
    table, strangest, waiting = EntityAnomalies(MOST_ENTITIES, MOST_VALUES), Strangest(), list[EventJudgement]()
    for observed, ended in walk_days(BehaviourEngine(model), read_columns(events)):
        waiting += [] if observed is None else _strange(observed, events["uid"])
        for day, some in groupby(ended, key=lambda one: one.day):
            of_events, of_days = [one for one in waiting if one.time.date() == day], list(some)
            del waiting[: len(of_events)]
            for one in strangest.take(of_events):
                note_event(table, *one, one.judged.time)
            for judged in of_days:
                note_day(table, judged)
            strangest.close(of_days, 0)
    return table


def _strange(observed: Observed, uids: pa.ChunkedArray) -> list[EventJudgement]:
    """Return, in their order, at least those events that are stranger than all before them on their account's day; not their reasons."""
    rows, block, walked = observed
    near = uids.slice(rows[0], rows[-1] - rows[0] + 1)
    highest, found = dict[tuple[int, float], float](), list[int]()
    days = zip(block.who.tolist(), (block.time // 86400.0).tolist(), strict=True)
    for at, (key, score) in enumerate(zip(days, walked.scores.tolist(), strict=True)):
        if score > highest.get(key, -math.inf):
            highest[key] = score
            found.append(at)
    cold, whose = is_cold(walked.what), [block.accounts[who] for who in block.who[found].tolist()]
    return [
        EventJudgement(
            uid=uid,
            tenant=account.tenant,
            kind=EntityKind(account.kind),
            entity=account.uid,
            time=from_epoch(float(block.time[at])),
            anomaly_score=float(walked.scores[at]),
            deviations=(),
            cold=bool(cold[at]),
        )
        for at, account, uid in zip(found, whose, near.take(pa.array(rows[found] - rows[0])).to_pylist(), strict=True)
    ]


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
    return entity_anomalies(model, read_event_table(*source).table)
