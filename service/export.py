"""Export: the service's records as a history, the input of ``tamis train --format history``."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
from sqlalchemy import Connection, select

from features.alert import Alert, from_epoch
from features.event import Event
from features.event_table import table_of
from features.history import PART_ROWS, SCHEMAS, HistoryWriter
from features.label import DayVerdict, Label
from models.behaviour.day import date_of
from service.behaviour.words import words_since
from service.errors import StartError
from service.incidents import past
from service.settings import ServiceSettings
from service.store.database import open_engine, read_decision
from service.store.tables import alerts, decisions, events, labels


def export(settings: ServiceSettings, out: Path, since: datetime | None) -> dict[str, int]:
    """Write all alerts, decisions, labels, events, corrections and verdicts on days received from ``since`` on, and in which incidents
    the alerts are; return their numbers. The service may be running.

    Raises ``StartError`` when there is no database.
    """
    if not settings.database.exists():
        raise StartError(f"{settings.database}: there is nothing to export yet")
    first = since.timestamp() if since else 0.0
    engine = open_engine(settings.database)
    try:
        with engine.connect() as connection, HistoryWriter(out) as writer:
            connection.exec_driver_sql("BEGIN")  # one snapshot of the records for all of them
            counts = {"alerts": _alerts(connection, writer, first), "labels": _labels(connection, writer, first)}
            counts["decisions"] = _decisions(connection, writer, first)
            counts["events"] = _events(connection, writer, first)
            counts |= _incidents(connection, writer, first)
            counts["day_verdicts"] = _day_verdicts(connection, writer, first)
            writer.context(settings.context)
    finally:
        engine.dispose()
    return counts


def _alerts(connection: Connection, writer: HistoryWriter, first: float) -> int:
    statement = select(alerts.c.seq, alerts.c.payload).where(alerts.c.received >= first).order_by(alerts.c.seq)
    count = 0
    for rows in connection.execute(statement).partitions(PART_ROWS):
        writer.alerts([msgspec.json.decode(body, type=Alert) for _, body in rows], [seq for seq, _ in rows])
        count += len(rows)
    return count


def _events(connection: Connection, writer: HistoryWriter, first: float) -> int:
    statement = select(events.c.seq, events.c.received, events.c.payload).where(events.c.received >= first).order_by(events.c.seq)
    count = 0
    for rows in connection.execute(statement).partitions(PART_ROWS):
        table = table_of(msgspec.json.decode(row.payload, type=Event) for row in rows)
        table = table.append_column("seq", pa.array([row.seq for row in rows], pa.int64()))
        received = pa.array([from_epoch(row.received) for row in rows], pa.timestamp("us", "UTC"))
        table = table.append_column("received_time", received).append_column("product", pa.array([""] * len(rows)))
        writer.table("events", table.select(SCHEMAS["events"].names).cast(SCHEMAS["events"]))
        count += len(rows)
    return count


def _labels(connection: Connection, writer: HistoryWriter, first: float) -> int:
    rows = connection.execute(select(labels.c.seq, labels.c.payload).order_by(labels.c.seq)).all()
    told = [(seq, msgspec.json.decode(body, type=Label)) for seq, body in rows]
    told = [(seq, label) for seq, label in told if label.received_time.timestamp() >= first]
    writer.labels([label for _, label in told], [seq for seq, _ in told])
    return len(told)


def _incidents(connection: Connection, writer: HistoryWriter, first: float) -> dict[str, int]:
    corrections, placed = list(past.corrections(connection, first)), 0
    writer.corrections(corrections)
    for some in past.placements(connection, first, PART_ROWS):
        writer.placements(some)
        placed += len(some)
    return {"corrections": len(corrections), "placements": placed}


def _decisions(connection: Connection, writer: HistoryWriter, first: float) -> int:
    statement = (
        select(alerts.c.payload, decisions)
        .join(alerts, alerts.c.seq == decisions.c.alert_seq)
        .where(decisions.c.time >= first)
        .order_by(decisions.c.id)
    )
    count = 0
    for rows in connection.execute(statement).partitions(PART_ROWS):
        made = []
        for row in rows:
            decision = msgspec.structs.asdict(read_decision(row, msgspec.json.decode(row.payload, type=Alert)))
            decision["features"] = np.frombuffer(row.features, np.float64).tolist()
            made.append({**decision, "reason_codes": [str(code) for code in decision["reason_codes"]]})
        writer.decisions(made)
        count += len(rows)
    return count


def _day_verdicts(connection: Connection, writer: HistoryWriter, first: float) -> int:
    told = words_since(connection, first)
    writer.day_verdicts([
        DayVerdict(
            tenant=word.whom.tenant, kind=word.whom.kind, uid=word.whom.uid, day=date_of(word.day), verdict=word.verdict,
            time=from_epoch(word.time), analyst=word.by, reason=word.reason,
        )
        for word in told
    ])  # fmt: skip
    return len(told)
