"""Suppressed alerts come back: as new revisions of their decisions, before a person."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection

from features.label import Provenance
from models.decision import Action, ReasonCode
from service.store import database as db

_OF_INCIDENT = (
    "SELECT d.alert_seq FROM incident_lines l CROSS JOIN incident_alerts a ON a.line = l.line "
    "CROSS JOIN decisions d ON d.alert_seq = a.alert_seq WHERE l.incident = ? AND d.published_action = 'suppress' "
    "AND NOT EXISTS (SELECT 1 FROM decisions n WHERE n.alert_seq = d.alert_seq AND n.revision > d.revision) LIMIT ?"
)
_REVISED = (
    "INSERT INTO decisions "
    "(alert_seq, revision, time, action, priority, raw, score, anomaly, reason_codes, bundle, features, shown, published_action, tier, "
    "policy, certificate) SELECT alert_seq, revision + 1, ?, ?, priority, raw, score, anomaly, ?, bundle, features, 1.0, ?, '', "
    "policy, '' FROM decisions d WHERE d.alert_seq IN (SELECT value FROM json_each(?)) AND d.published_action = 'suppress' "
    "AND NOT EXISTS (SELECT 1 FROM decisions n WHERE n.alert_seq = d.alert_seq AND n.revision > d.revision)"
)
_QUEUE = Action.QUEUE.value
_BACK = "SELECT d.alert_seq, t.tenant, d.priority FROM decisions d CROSS JOIN alerts t ON t.seq = d.alert_seq WHERE d.id > ?"
_WAITS = "INSERT OR IGNORE INTO queue (alert_seq, tenant, priority) VALUES (?, ?, ?)"  # one that is contested waits already

_LABELLED = "SELECT DISTINCT alert_seq FROM labels WHERE alert_seq IN (SELECT alert_seq FROM decisions WHERE id > ?)"

MOST_AT_ONCE = 4_000
"""Alerts that come back in one transaction: as long as it takes, nothing else is scored."""


def take_back(connection: Connection, incident: str, now: float) -> int:
    """Bring back the suppressed alerts of an incident; if ``MOST_AT_ONCE`` were, there may be more."""
    seqs = connection.exec_driver_sql(_OF_INCIDENT, (incident, MOST_AT_ONCE)).scalars().all()
    return bring_back(connection, seqs, ReasonCode.INCIDENT_ESCALATED, now)


def bring_back(connection: Connection, alert_seqs: Sequence[int], code: ReasonCode, now: float) -> int:
    """Revise the decisions on alerts to ``queue`` for a reason, and let those wait that nobody has judged.

    What is not suppressed any more is left alone. Return how many were revised. They come by no lot: their
    probability of having been shown is 1. They keep their priority, so that a flood of them does not push anything else down.
    """
    if not alert_seqs:
        return 0
    last = connection.exec_driver_sql("SELECT COALESCE(MAX(id), 0) FROM decisions").scalar_one()
    given = (now, _QUEUE, code.value, _QUEUE, msgspec.json.encode(list(alert_seqs)).decode())
    made = connection.exec_driver_sql(_REVISED, given).rowcount
    if made:
        labelled = connection.exec_driver_sql(_LABELLED, (last,)).scalars().all()
        judged = {seq for seq in labelled if _judged(connection, seq)}
        back = [tuple(row) for row in connection.exec_driver_sql(_BACK, (last,)) if row.alert_seq not in judged]
        if back:
            connection.exec_driver_sql(_WAITS, back)
    return made


def _judged(connection: Connection, alert_seq: int) -> bool:
    label = db.current_label(connection, alert_seq)
    return label is not None and label.target >= 0 and label.provenance is not Provenance.AUTOMATION
