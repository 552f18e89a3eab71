"""Measures of a tenant's work, from what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from features.alert import Alert
from features.label import Label
from models.measures import AlertColumns, Measures, measure
from models.pace import PROVENANCES, VERDICTS, VerdictColumns
from service.store.tables import alerts, incident_alerts, incident_lines, labels, outcomes

DAY_SECONDS = 86_400.0


class Measured(msgspec.Struct, frozen=True):
    """The ``measures`` of a tenant; by number the ``rules`` (product, uid, name), ``products`` and ``analysts`` they speak of."""

    days: int
    rules: list[tuple[str, str, str]]
    products: list[str]
    analysts: list[str]
    measures: Measures


class _Codes:
    def __init__(self) -> None:
        self.of: dict[Any, int] = {}

    def __call__(self, thing: object) -> int:
        return self.of.setdefault(thing, len(self.of))


def measured(connection: Connection, tenant: str, days: int, now: float) -> Measured:
    """Return the measures of what was received in the last ``days``."""
    statement = (
        select(alerts.c.seq, alerts.c.received, alerts.c.payload, incident_lines.c.incident)
        .outerjoin(incident_alerts, incident_alerts.c.alert_seq == alerts.c.seq)
        .outerjoin(incident_lines, incident_lines.c.line == incident_alerts.c.line)
        .where(alerts.c.tenant == tenant, alerts.c.received >= now - days * DAY_SECONDS)
        .order_by(alerts.c.seq)
    )
    rows = connection.execute(statement).all()
    given = _given(connection, tenant, {row.seq: place for place, row in enumerate(rows)})
    rules, products, analysts, incidents = _Codes(), _Codes(), _Codes(), _Codes()
    told = [msgspec.json.decode(row.payload, type=Alert) for row in rows]
    columns = AlertColumns(
        time=np.array([alert.time.timestamp() for alert in told], np.float64),
        received=np.array([row.received for row in rows], np.float64),
        product=np.array([products(alert.product) for alert in told], np.int64),
        rule=np.array([rules((alert.product, alert.rule.uid, alert.rule.name)) for alert in told], np.int64),
        **_in_force(len(rows), given),
        incident=np.array([-1 if row.incident is None else incidents(row.incident) for row in rows], np.int64),
        responded=_responded(connection, tenant, rows),
    )
    verdicts = VerdictColumns(
        np.array([place for place, _ in given], np.int64),
        np.array([label.time.timestamp() for _, label in given], np.float64),
        np.array([VERDICTS.index(label.verdict) for _, label in given], np.int64),
        np.array([PROVENANCES.index(label.provenance) for _, label in given], np.int64),
        np.array([analysts(label.analyst) for _, label in given], np.int64),
    )
    return Measured(days, list(rules.of), list(products.of), list(analysts.of), measure(columns, verdicts))


def _given(connection: Connection, tenant: str, places: dict[int, int]) -> list[tuple[int, Label]]:
    """Return every label on these alerts, oldest first, each with its alert's place."""
    statement = select(labels.c.alert_seq, labels.c.payload).where(labels.c.tenant == tenant).order_by(labels.c.seq)
    rows = connection.execute(statement.where(labels.c.alert_seq >= min(places, default=0)))
    return [(places[seq], msgspec.json.decode(body, type=Label)) for seq, body in rows if seq in places]


def _in_force(n: int, given: list[tuple[int, Label]]) -> dict[str, NDArray[np.int64]]:
    """Return verdict and provenance of the last label on each alert; of none where two people are at odds."""
    verdict, provenance = np.full(n, -1, np.int64), np.full(n, -1, np.int64)
    for place, label in given:
        verdict[place] = -1 if label.contests else VERDICTS.index(label.verdict)
        provenance[place] = -1 if label.contests else PROVENANCES.index(label.provenance)
    return {"verdict": verdict, "provenance": provenance}


def _responded(connection: Connection, tenant: str, rows: Sequence[Any]) -> NDArray[np.float64]:
    """Return when automation first reported an outcome for each alert's incident, NaN where it did not."""
    found = connection.execute(select(outcomes.c.incident, outcomes.c.received).where(outcomes.c.tenant == tenant))
    first: dict[str, float] = {}
    for incident, received in found:
        first[incident] = min(first.get(incident, received), received)
    return np.array([first.get(row.incident, np.nan) for row in rows], np.float64)
