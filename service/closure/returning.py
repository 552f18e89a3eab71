"""Suppressed alerts come back before a person, as new revisions of their decisions: when their incident escalates, for one."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, exists, select

from features.label import Provenance
from models.decision import Action, ReasonCode
from service.store import database as db
from service.store.decision_log import DecisionLog, Revision
from service.store.tables import decisions, erasures, labels, queue

_SUPPRESSED = (
    "SELECT d.alert_seq FROM incident_lines l CROSS JOIN incident_alerts a ON a.line = l.line "
    "CROSS JOIN decisions d ON d.alert_seq = a.alert_seq WHERE l.incident = ? AND d.published_action = 'suppress' "
    "AND NOT EXISTS (SELECT 1 FROM decisions n WHERE n.alert_seq = d.alert_seq AND n.revision > d.revision) LIMIT ?"
)
_AT_ONCE = 500

MOST_AT_ONCE = 4_000
"""Alerts that come back in one transaction: as long as it takes, nothing else is scored."""


def take_back(connection: Connection, log: DecisionLog, incident: str, now: float) -> int:
    """Bring the suppressed alerts of an escalated incident back. Return how many; if ``MOST_AT_ONCE``, there may be more."""
    seqs = list(connection.exec_driver_sql(_SUPPRESSED, (incident, MOST_AT_ONCE)).scalars())
    return bring_back(connection, log, seqs, ReasonCode.INCIDENT_ESCALATED, now)


def bring_back(connection: Connection, log: DecisionLog, seqs: Sequence[int], why: ReasonCode, now: float) -> int:
    """Revise the decisions on alerts to ``queue`` and let those wait that nobody has judged; return how many were revised.

    What is not suppressed any more is left alone. The others keep their priority, so that a flood of them does not push anything else down.
    """
    hidden = _hidden(connection, seqs)
    revised = log.revise(connection, [seq for seq in seqs if seq in hidden], Revision(Action.QUEUE, Action.QUEUE, (why,)), now)
    known = _done_with(connection, [one.alert_seq for one in revised])
    back = [one._asdict() for one in revised if one.alert_seq not in known]
    if back:
        connection.execute(queue.insert(), back)
    return len(revised)


def _hidden(connection: Connection, seqs: Sequence[int]) -> set[int]:
    """Return those alerts whose current decision suppresses them."""
    found: set[int] = set()
    later = decisions.alias()
    newer = exists().where(later.c.alert_seq == decisions.c.alert_seq, later.c.revision > decisions.c.revision)
    for start in range(0, len(seqs), _AT_ONCE):
        of_these = decisions.c.alert_seq.in_(seqs[start : start + _AT_ONCE])
        now = select(decisions.c.alert_seq).where(of_these, decisions.c.published_action == Action.SUPPRESS.value, ~newer)
        found.update(connection.execute(now).scalars())
    return found


def _done_with(connection: Connection, seqs: Sequence[int]) -> set[int]:
    """Return those alerts that a person has judged, that wait already, or of which nothing is left to look at."""
    found: set[int] = set()
    for start in range(0, len(seqs), _AT_ONCE):
        some = seqs[start : start + _AT_ONCE]
        for table in (queue, erasures):
            found.update(connection.execute(select(table.c.alert_seq).where(table.c.alert_seq.in_(some))).scalars())
        labelled = connection.execute(select(labels.c.alert_seq).distinct().where(labels.c.alert_seq.in_(some)))
        found.update(seq for seq in labelled.scalars().all() if _judged(connection, seq))
    return found


def _judged(connection: Connection, alert_seq: int) -> bool:
    label = db.current_label(connection, alert_seq)
    return label is not None and label.target >= 0 and label.provenance is not Provenance.AUTOMATION
