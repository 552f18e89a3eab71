"""From a file of events or of typed commands to a model of behaviour. Of labels only what people said of days is read."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
from sklearn.metrics import roc_auc_score

from features.errors import RecordError
from features.event_columns import EventColumns, read_columns
from features.event_table import SCHEMA
from features.history import read_day_verdicts
from models.behaviour.combine import Combination
from models.behaviour.day_vector import NAMES, DayVectors
from models.behaviour.evidence import Evidence
from models.behaviour.forest import Forest
from models.behaviour.model import BehaviourModel
from training.behaviour.combining import LEAST_OF_A_KIND, Said, learn_combination, said_of_days
from training.behaviour.detectors import fit_forest
from training.behaviour.learning import Walked, fields_of, learn_weights, walk, weights_by_project
from training.behaviour.loaders import Typed, masquerade, read_event_table
from training.behaviour.peer_groups import fit_peer_groups
from training.behaviour.segments import SEGMENTS, TRAINING_SEGMENTS, fit_sequences
from training.behaviour.vectors import gathered, settled
from training.errors import DataError

LEAST_VECTORS = 500
"""Of fewer days of known people no forest is learned."""


class Source(NamedTuple):
    """Where events are, and in which format. ``tenant``: whose they are where the format does not say."""

    path: Path
    fmt: str
    tenant: str = ""


class Learned(NamedTuple):
    """A model of behaviour and what it was learned from. ``events`` are those that could be read, in order of time, in the native columns."""

    model: BehaviourModel
    events: pa.Table
    rejected: Sequence[RecordError]
    metrics: dict[str, float]
    window: tuple[str, str]
    digest: str

    @property
    def card(self) -> list[str]:
        """Lines of a model card."""
        told = ", ".join(f"{name.replace('_', ' ')} {value:,.4g}" for name, value in self.metrics.items())
        between = " to ".join(self.window) if self.window[0] else "no time is told"
        lines = [f"- Behaviour: {told}; {between}; digest `{self.digest[:16]}`"]
        if self.model.sequences is not None:
            return [*lines, "- Learned is what each account types, from segments known to be its own; no label was read"]
        taught = sum(1 for weights in self.model.weights.values() if weights.intercept)
        return [
            *lines,
            f"- Learned are weights of {len(self.model.fields)} fields for {len(self.model.weights)} groups ({taught} from the other "
            "groups, else the textbook's), from days credited to a colleague who did not make them; no label was read",
            f"- {_weighing(self.model.combination)}",
        ]


def _weighing(learned: Combination | None) -> str:
    """Say how judges' words on a day come together."""
    if learned is None:
        return (
            f"Each judge's word is a bet, the mean counts; nothing weighs them by verdicts (that takes {LEAST_OF_A_KIND} days of both "
            "kinds of which several people said what they were)"
        )
    weights = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(learned.detectors, learned.weights, strict=True))
    return (
        f"Each judge's word is a bet; one bet more weighs them ({weights}) by what people said of {learned.attacks:,} attacks and "
        f"{learned.harmless:,} harmless days"
    )


def learn(source: Source, without_labels_of: Collection[str] = ()) -> Learned:
    """Learn behaviour from what is at ``source``. Raises ``DataError`` where nothing in it can be learned from.

    A history may tell what people said of days; ``without_labels_of`` names those whose words are taken as never given.
    """
    if source.fmt == SEGMENTS:
        return _from_segments(masquerade(source.path), source.path)
    loaded = read_event_table(source.path, source.fmt, source.tenant)
    verdicts = read_day_verdicts(source.path) if (source.path / "manifest.json").exists() else ()
    return learn_events(loaded.table, source.path, loaded.rejected, said_of_days(verdicts, without_labels_of))


def learn_events(
    events: pa.Table,
    path: Path,
    rejected: Sequence[RecordError] = (),
    said: Mapping[tuple[int, str, str], Said] = MappingProxyType({}),
) -> Learned:
    """Learn weights by group from a table of events in order of time, each group's from the others only; and from what was ``said`` of days, if
    that is enough, how much each judge's word counts."""
    columns = read_columns(events)
    history, vectors = gathered(columns)
    if not history:
        raise DataError(str(path), "holds no event that can be judged")
    walked, fields = walk(history), fields_of(history)
    model = BehaviourModel(
        fields=fields,
        weights=dict(weights_by_project(walked, fields)),
        elsewhere=learn_weights(walked.lessons, fields),
        forest=_forest(columns, vectors),
        peers=fit_peer_groups(history),
    )
    model = msgspec.structs.replace(model, combination=learn_combination(columns, model, said))
    whole = hashlib.sha256()
    for part in (*history, *sorted(said.items())):
        whole.update(msgspec.json.encode(part))
    attacks = sum(one.attack for one in said.values())
    metrics = {
        "events": float(sum(day.events for day in history)),
        "rejected": float(len(rejected)),
        "days": float(len(history)),
        "accounts": float(len({(day.tenant, day.entity) for day in history})),
        "share_cold": float(np.mean([evidence is None for _, evidence in walked.days])),
        **({"days_called_attacks": float(attacks), "days_called_harmless": float(len(said) - attacks)} if said else {}),
        **_told_apart(model, walked),
    }
    window = (history[0].date.isoformat(), history[-1].date.isoformat())
    return Learned(model, events, rejected, metrics, window, whole.hexdigest())


def _forest(columns: EventColumns, vectors: DayVectors) -> Forest | None:
    """Return an isolation forest of the days of those who are known; ``None`` where there are too few, or no source is told."""
    sources = [columns.texts[name] for name in ("address", "country", "device")]
    if all((told.codes == len(told.values) - 1).all() for told in sources):
        return None
    known = vectors.values[settled(vectors)]
    return fit_forest(known, NAMES) if len(known) >= LEAST_VECTORS else None


def _told_apart(model: BehaviourModel, walked: Walked) -> dict[str, float]:
    """Return how well credited days are told from the accounts' own, each by weights learned from other groups."""
    impostor = [lesson.impostor for lesson in walked.lessons]
    if len(set(impostor)) < 2:
        return {}
    odds = [Evidence(lesson.vector, model.fields).log_odds(model.weights_of(lesson.group)) for lesson in walked.lessons]
    return {"impostor_auc": float(roc_auc_score(impostor, odds))}


def _from_segments(typed: dict[str, list[Typed]], path: Path) -> Learned:
    model = BehaviourModel(sequences=fit_sequences(typed))
    known = model.sequences.accounts if model.sequences else {}
    if not any(usage.total for usage in known.values()):
        raise DataError(str(path), "holds no command to learn from")
    metrics = {
        "accounts": float(len(known)),
        "commands": float(sum(len(one.commands) for own in typed.values() for one in own if one.segment < TRAINING_SEGMENTS)),
    }
    return Learned(
        model, SCHEMA.empty_table(), (), metrics, ("", ""), hashlib.sha256(msgspec.json.encode(known, order="sorted")).hexdigest()
    )
