"""What correlation reads: alerts whose decisions are durable, in the order of receipt, and how far it has come."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from features.alert import Alert
from models.calibration import odds_shown, priority
from models.decision import ReasonCode
from models.incidents.correlator import RAISED_FROM
from service.store.tables import alerts, marks

_SUSPICIOUS = int(priority(np.array([RAISED_FROM]))[0])
_MARK = "correlated"
_HEARD = (
    "SELECT alerts.seq, alerts.payload, decisions.score, decisions.priority, decisions.anomaly, decisions.reason_codes "
    "FROM alerts CROSS JOIN decisions ON decisions.alert_seq = alerts.seq "
    "WHERE alerts.seq > ? AND decisions.revision = 1 ORDER BY alerts.seq LIMIT ?"
)
_WAITING = (
    "SELECT line FROM queue CROSS JOIN incident_alerts ON incident_alerts.alert_seq = queue.alert_seq "
    "WHERE tenant = ? AND priority >= ?"
)
_DECODER = msgspec.json.Decoder(Alert)


class Heard(NamedTuple):
    """An alert with its number, and the score (``None`` where no model spoke) and surprise in bits that its first decision shows."""

    seq: int
    alert: Alert
    score: float | None
    anomaly: float = 0.0


def heard(connection: Connection, after: int, most: int) -> list[Heard]:
    """Return the first ``most`` alerts numbered beyond ``after``.

    One that was drawn for the audit counts for what its place in the queue tells, as it would to whoever is to judge it: else
    what it is joined with, or that it is joined with nothing, would tell it apart.
    """
    found = []
    for seq, payload, score, place, anomaly, codes in connection.exec_driver_sql(_HEARD, (after, most)):
        drawn = ReasonCode.AUDIT.value in codes.split()
        told = float(odds_shown(np.array([place]))[0]) if drawn else score
        found.append(Heard(seq, _DECODER.decode(payload), told, anomaly or 0.0))
    return found


def mark(connection: Connection) -> int | None:
    """Return the number of the last alert that was correlated, ``None`` if none ever was."""
    return connection.execute(select(marks.c.seq).where(marks.c.name == _MARK)).scalar()


def set_mark(connection: Connection, seq: int) -> None:
    """Write down how far correlation has come."""
    statement = insert(marks).values(name=_MARK, seq=seq)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"seq": seq}))


def behind(connection: Connection, after: int) -> int:
    """Return how many numbers beyond ``after`` the newest alert has: of alerts, and of labels given in between."""
    newest = connection.execute(select(func.max(alerts.c.seq))).scalar() or 0
    return max(newest - after, 0)


def waiting_lines(connection: Connection, tenant: str) -> set[str]:
    """Return the lines with a suspicious alert that waits for a person: one that alone would raise an incident."""
    return {line for (line,) in connection.exec_driver_sql(_WAITING, (tenant, _SUSPICIOUS))}


def before_the_last(connection: Connection, seconds: float) -> int:
    """Return a number such that every alert received in the last ``seconds`` before the newest has a higher one.

    Halves the range of numbers again and again: they rise with the time of receipt, which has no index.
    """
    newest = connection.execute(select(alerts.c.seq, alerts.c.received).order_by(alerts.c.seq.desc()).limit(1)).first()
    if newest is None:
        return 0
    low, high = 0, int(newest.seq)
    while low < high - 1:
        middle = (low + high) // 2
        statement = select(alerts.c.received).where(alerts.c.seq > middle).order_by(alerts.c.seq).limit(1)
        if connection.execute(statement).scalar_one() < newest.received - seconds:
            low = middle
        else:
            high = middle
    return low
