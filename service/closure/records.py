"""Outcomes, watches and endings as stored. What writes is called with the writing connection, as within ``host.write(…)``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, exists, func, or_, select
from sqlalchemy.dialects.sqlite import insert

from features.label import Label, Provenance, Verdict
from models.closure.outcome import Outcome
from models.closure.report import Report
from service.closure.ended import Ended
from service.incidents.records import Status
from service.store.tables import (
    alerts,
    endings,
    incident_alerts,
    incident_lines,
    incidents,
    labels,
    marks,
    outcomes,
    queue,
    watches,
)

NEVER = 1e18
"""Due when nothing is to be looked at but what changes."""
_JUDGED = "judged"
_ENCODER = msgspec.json.Encoder()
_LABELS_AT_ONCE = 500


class Told(NamedTuple):
    """An outcome with its number, and when it came (epoch seconds)."""

    seq: int
    received: float
    outcome: Outcome


class Ending(NamedTuple):
    """A closure or escalation."""

    status: Status
    report: Report


# -- outcomes ---------------------------------------------------------------------------------------------------------


def find_outcome(connection: Connection, tenant: str, uid: str) -> Outcome | None:
    """Return the outcome of that uid."""
    body = connection.execute(select(outcomes.c.payload).where(outcomes.c.tenant == tenant, outcomes.c.uid == uid)).scalar()
    return msgspec.json.decode(body, type=Outcome) if body else None


def add_outcome(connection: Connection, tenant: str, outcome: Outcome, received: float) -> None:
    """Write an outcome down."""
    row = {"tenant": tenant, "uid": outcome.uid, "incident": outcome.incident, "received": received}
    connection.execute(outcomes.insert(), {**row, "payload": _ENCODER.encode(outcome)})


def outcomes_of(connection: Connection, uids: Sequence[str]) -> list[Told]:
    """Return the outcomes of an incident in the order of receipt; ``uids``: all that it was ever called."""
    columns = (outcomes.c.seq, outcomes.c.received, outcomes.c.payload)
    rows = connection.execute(select(*columns).where(outcomes.c.incident.in_(uids)).order_by(outcomes.c.seq))
    return [Told(seq, received, msgspec.json.decode(body, type=Outcome)) for seq, received, body in rows]


def count_outcomes(connection: Connection, uid: str) -> int:
    """Return how many outcomes there are under a uid."""
    count: int = connection.execute(select(func.count()).where(outcomes.c.incident == uid)).scalar_one()
    return count


def last_outcome(connection: Connection, uids: Sequence[str]) -> int:
    """Return the number of the last outcome of an incident; 0 if there is none."""
    return connection.execute(select(func.max(outcomes.c.seq)).where(outcomes.c.incident.in_(uids))).scalar() or 0


# -- watches ----------------------------------------------------------------------------------------------------------


def watch(connection: Connection, tenant: str, incident: str, revision: int, due: float) -> None:
    """Write down which revision of an incident the rules saw, and when (epoch seconds) they look again at the latest."""
    values = {"tenant": tenant, "revision": revision, "due": due}
    statement = insert(watches).values(incident=incident, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["incident"], set_=values))


def unwatch(connection: Connection, incident: str) -> None:
    """Look no more at an incident that is no longer of its own."""
    connection.execute(watches.delete().where(watches.c.incident == incident))


def watched(connection: Connection, incident: str) -> tuple[int, float] | None:
    """Return what :func:`watch` wrote of an incident."""
    row = connection.execute(select(watches.c.revision, watches.c.due).where(watches.c.incident == incident)).first()
    return None if row is None else (row.revision, row.due)


def to_look_at(connection: Connection, now: float, most: int) -> list[tuple[str, str]]:
    """Return (tenant, incident) of what the rules are to look at: due, or changed since; the longest due first."""
    statement = (
        select(watches.c.tenant, watches.c.incident)
        .join(incidents, incidents.c.uid == watches.c.incident)
        .where(or_(watches.c.due <= now, incidents.c.revision != watches.c.revision))
    )
    return [(tenant, uid) for tenant, uid in connection.execute(statement.order_by(watches.c.due).limit(most))]


# -- verdicts ---------------------------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """Incidents (tenant, uid) on whose alerts something was said, and up to which number labels were read."""

    incidents: list[tuple[str, str]]
    mark: int


def newly_judged(connection: Connection, correlated: int) -> Judged | None:
    """Return of which incidents alerts were judged since the last mark; ``None`` if there is no new label.

    ``correlated``: the number of the last alert that is known to be in an incident or in none.
    """
    mark = connection.execute(select(marks.c.seq).where(marks.c.name == _JUDGED)).scalar() or 0
    statement = select(labels.c.seq, labels.c.alert_seq).where(labels.c.seq > mark).order_by(labels.c.seq).limit(_LABELS_AT_ONCE)
    read: list[tuple[int, int]] = []
    for seq, alert in connection.execute(statement):
        if alert > correlated:
            break
        read.append((seq, alert))
    if not read:
        return None
    found = (
        select(incidents.c.tenant, incidents.c.uid)
        .join(incident_lines, incident_lines.c.incident == incidents.c.uid)
        .join(incident_alerts, incident_alerts.c.line == incident_lines.c.line)
        .where(incident_alerts.c.alert_seq.in_([alert for _, alert in read]))
    )
    return Judged([(tenant, uid) for tenant, uid in connection.execute(found.distinct())], read[-1][0])


def set_judged(connection: Connection, judged: Judged) -> None:
    """Let the rules look at what was judged, and remember how far labels were read."""
    statement = insert(marks).values(name=_JUDGED, seq=judged.mark)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"seq": judged.mark}))
    for tenant, uid in judged.incidents:
        watch(connection, tenant, uid, 0, 0.0)


def labels_of(connection: Connection, uid: str) -> list[Label]:
    """Return the labels on the alerts of an incident, oldest first."""
    statement = (
        select(labels.c.payload)
        .join(incident_alerts, incident_alerts.c.alert_seq == labels.c.alert_seq)
        .join(incident_lines, incident_lines.c.line == incident_alerts.c.line)
        .where(incident_lines.c.incident == uid)
    )
    return [msgspec.json.decode(body, type=Label) for (body,) in connection.execute(statement.order_by(labels.c.seq))]


def waiting(connection: Connection, uid: str) -> list[str]:
    """Return those alerts of an incident, by uid, that have a label and wait for a person all the same."""
    statement = (
        select(alerts.c.uid)
        .join(queue, queue.c.alert_seq == alerts.c.seq)
        .join(incident_alerts, incident_alerts.c.alert_seq == alerts.c.seq)
        .join(incident_lines, incident_lines.c.line == incident_alerts.c.line)
        .where(incident_lines.c.incident == uid, exists().where(labels.c.alert_seq == alerts.c.seq))
    )
    return list(connection.execute(statement).scalars())


def verdicts(told: Sequence[Label]) -> dict[str, Verdict]:
    """Return the verdicts of people in force, by alert uid; what is contested or a machine's is ``undetermined``."""
    people = {Provenance.HUMAN, Provenance.IMPORT}
    return {
        label.alert_uid: label.verdict if label.provenance in people and not label.contests else Verdict.UNDETERMINED
        for label in told
    }


# -- endings ----------------------------------------------------------------------------------------------------------


def end(connection: Connection, status: Status, ended: Ended, report: Report) -> None:
    """Write down that an incident closed or escalated, with its report."""
    row = {"tenant": ended.past.tenant, "incident": ended.past.uid, "status": status.value}
    connection.execute(endings.insert(), {**row, "past": _ENCODER.encode(ended), "report": _ENCODER.encode(report)})


def last_ending(connection: Connection, uid: str) -> Ending | None:
    """Return how an incident ended last."""
    statement = select(endings).where(endings.c.incident == uid).order_by(endings.c.seq.desc()).limit(1)
    row = connection.execute(statement).first()
    return None if row is None else Ending(Status(row.status), msgspec.json.decode(row.report, type=Report))


def endings_after(connection: Connection, seq: int) -> list[tuple[int, Ended]]:
    """Return what there is to learn from the endings numbered beyond ``seq``, each with its number."""
    statement = select(endings.c.seq, endings.c.past).where(endings.c.seq > seq).order_by(endings.c.seq)
    return [(number, msgspec.json.decode(body, type=Ended)) for number, body in connection.execute(statement)]
