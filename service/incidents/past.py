"""What a history tells of incidents: what analysts merged and split, by alerts, and in which incident each alert is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from features.alert import from_epoch
from features.grouping import Correction, Judgement, Placement
from service.store.tables import alerts, incident_alerts, incident_events, incident_lines, incidents

_FIRST_ALERTS = (
    "SELECT incident_alerts.line, alerts.uid, MIN(alerts.seq) FROM incident_alerts "
    "JOIN alerts ON alerts.seq = incident_alerts.alert_seq "
    "WHERE incident_alerts.line IN (SELECT value FROM json_each(?)) AND alerts.received >= ? GROUP BY incident_alerts.line"
)
_JUDGEMENTS = {"merged": Judgement.TOGETHER, "split": Judgement.APART}


def corrections(connection: Connection, since: float) -> Iterator[Correction]:
    """Yield what analysts merged and split at ``since`` or later, oldest first, as far as alerts received since then tell it."""
    statement = (
        select(incident_events, incidents.c.tenant)
        .join(incidents, incidents.c.uid == incident_events.c.incident)
        .where(incident_events.c.by != "", incident_events.c.kind.in_(_JUDGEMENTS), incident_events.c.time >= since)
    )
    for row in connection.execute(statement.order_by(incident_events.c.seq)).all():
        named = (_named(connection, lines, since) for lines in _parts(msgspec.json.decode(row.payload)))
        parts = tuple(part for part in named if part)
        if len(parts) > 1:
            yield Correction(
                uid=f"{row.incident}-{row.seq}",
                tenant=row.tenant,
                judgement=_JUDGEMENTS[row.kind],
                time=from_epoch(row.time),
                analyst=row.by,
                reason=msgspec.json.decode(row.payload).get("reason", ""),
                parts=parts,
            )


def _parts(body: Mapping[str, Any]) -> Iterable[list[str]]:
    """Return the lines that an act was about (see :mod:`service.incidents.hand`); of an incident that went into another none."""
    if "parts" in body or "sides" in body:
        return list(body.get("parts") or body["sides"])
    return [[line] for pair in body.get("joins", ()) for line in pair]  # merges were written down so before parts were


def _named(connection: Connection, lines: list[str], since: float) -> tuple[str, ...]:
    """Return for each line an alert of it, the one received first."""
    found = connection.exec_driver_sql(_FIRST_ALERTS, (msgspec.json.encode(lines).decode(), since))
    uid_of = {line: uid for line, uid, _ in found}
    return tuple(uid_of[line] for line in lines if line in uid_of)


def placements(connection: Connection, since: float, size: int) -> Iterator[list[Placement]]:
    """Yield in which incidents alerts received at ``since`` or later are now, ``size`` at a time."""
    statement = (
        select(alerts.c.tenant, alerts.c.uid, incident_lines.c.incident)
        .join(incident_alerts, incident_alerts.c.alert_seq == alerts.c.seq)
        .join(incident_lines, incident_lines.c.line == incident_alerts.c.line)
        .where(alerts.c.received >= since)
        .order_by(alerts.c.seq)
    )
    for rows in connection.execute(statement).partitions(size):
        yield [Placement(tenant=tenant, alert_uid=uid, incident_uid=incident) for tenant, uid, incident in rows]
