"""The queue of incidents as a batch: for each tenant and day those to look at first, as they stood when the day was over."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.alert import Alert
from models.bundle import ModelBundle
from models.incidents.agenda import agenda, item_of
from models.incidents.correlator import Correlator
from models.incidents.incident import Incident, Line
from models.incidents.model import IncidentModel
from models.incidents.priority import Criticality, known_criticality
from models.incidents.telling import tell
from models.incidents.tokens import Resolve
from training.correlate import read_alerts
from training.scoring import scored_alone, write_parquet, write_rejects

_SCHEMA = pa.schema(
    [
        ("tenant", pa.string()), ("day", pa.date32()), ("rank", pa.int32()), ("incident", pa.string()), ("host", pa.string()),
        ("rule", pa.string()), ("score", pa.float64()), ("alerts", pa.int64()),
    ]
)  # fmt: skip


class Row(NamedTuple):
    """An incident in the queue of a day: ``host`` and ``rule`` of its likeliest alert, ``score`` the probability that it matters,
    ``like`` the incidents without a rank of their own that are shown as like it."""

    tenant: str
    day: date
    rank: int
    incident: str
    host: str
    rule: str
    score: float
    alerts: int
    like: tuple[str, ...] = ()


class IncidentQueue(NamedTuple):
    """The chosen incidents; how many alerts there were, in how many shown incidents a day, and how many records were rejected."""

    rows: list[Row]
    alerts: int
    incidents: int
    rejects: int


def incident_queue_file(
    bundle: ModelBundle, data: Path, fmt: str, out: Path, secret: bytes, *, budget: int, told: Callable[[str], None]
) -> IncidentQueue:
    """Rank the incidents of each tenant and day, write the first ``budget`` of each to ``out``, rejects beside it.

    Counters start empty; labels in ``data`` are never read; each alert is scored by what was known when it came. Raises
    ``SourceError`` and ``HistoryError``; nothing is written then.
    """
    dataset, score, anomaly = scored_alone(bundle, data, fmt, secret, told)
    told("joining alerts into incidents")
    encoder = dataset.encoder
    resolve = None if encoder.aliases.is_empty else encoder.aliases.resolve
    days = list(days_of(read_alerts(data, fmt), score, bundle.incidents, resolve, anomaly))
    told("ranking")
    rows = [
        row
        for day, shown in days
        for row in ranked(day, shown, bundle.incidents, known_criticality(lambda: encoder.context), budget)
    ]
    write_parquet(pa.Table.from_pylist([row._asdict() for row in rows], schema=_SCHEMA), out)
    write_rejects(dataset, out)
    return IncidentQueue(rows, len(dataset), sum(len(shown) for _, shown in days), len(dataset.rejects))


def days_of(
    alerts: Sequence[Alert],
    score: NDArray[np.float64],
    model: IncidentModel,
    resolve: Resolve | None = None,
    anomaly: NDArray[np.float64] | None = None,
) -> Iterator[tuple[date, list[Incident]]]:
    """Yield for each day the incidents that something was added to on it, as they stood at its end. ``score`` f8[n] and the
    surprise ``anomaly`` f8[n] in bits are of the alerts."""
    surprise = np.zeros(len(alerts)) if anomaly is None else anomaly
    correlator = Correlator(model.links, resolve)
    order = sorted(range(len(alerts)), key=lambda i: (alerts[i].received_time, i))
    touched: set[int] = set()
    for place, i in enumerate(order):
        touched.add(correlator.add(alerts[i], float(score[i]), float(surprise[i])))
        day = alerts[i].received_time.date()
        if place + 1 == len(order) or alerts[order[place + 1]].received_time.date() != day:
            correlator.settle()
            yield day, _shown(correlator, touched)
            correlator.forget()
            touched = set()


def _shown(correlator: Correlator, touched: set[int]) -> list[Incident]:
    groves = {grove.lines[0]: grove for grove in map(correlator.grove, touched)}
    uids = ((correlator.lines.kept[first].uid, grove) for first, grove in groves.items() if correlator.is_raised(grove.lines))
    return [tell(correlator, grove, uid) for uid, grove in uids]


def ranked(
    day: date, incidents: Sequence[Incident], model: IncidentModel, criticality: Criticality | None, budget: int
) -> Iterator[Row]:
    """Yield the incidents of a day to look at first, tenant by tenant."""
    by_uid = {(incident.tenant, incident.uid): incident for incident in incidents}
    for tenant in sorted({incident.tenant for incident in incidents}):
        mine = [incident for incident in incidents if incident.tenant == tenant]
        chance = {incident.uid: model.priority.probability(incident, criticality) for incident in mine}
        items = [item_of(incident, chance[incident.uid]) for incident in mine]
        for chosen in agenda(items, budget):
            incident = by_uid[tenant, chosen.uid]
            best = incident.likeliest
            told = incident.uid, _host(best), best.rule.uid, chance[incident.uid], incident.alerts
            yield Row(tenant, day, chosen.rank, *told, chosen.like)


def _host(line: Line) -> str:
    return next((entity.uid for kind in ("host", "user", "address") for entity in line.entities if entity.kind.value == kind), "")
