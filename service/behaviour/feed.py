"""What the observer reads: alerts that say something of their entities, and verdicts, in the order of their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from features.alert import Alert, EntityKind
from models.calibration import odds_shown, priority
from models.risk import LEAST_SCORE, Said, alert_bits
from service.store.database import current_label

HEARD, ANOMALIES, WORDS, CLOSED = "entities alerts", "entities events", "entities words", "entities days"
"""Marks: the last number of an alert or verdict, of an event, and of a word on a day, that was taken up, and the first UTC day that
is not closed."""
KINDS = (EntityKind.USER, EntityKind.HOST, EntityKind.APPLICATION)
"""What has a risk."""
MOST_NAMED = 20
"""Entities of one alert that count; one that names more is about none of them in particular."""

_ROWS = (
    "SELECT alerts.seq, alerts.received, alerts.payload, decisions.priority, decisions.score "
    "FROM alerts CROSS JOIN decisions ON decisions.alert_seq = alerts.seq AND decisions.revision = 1 "
)
_HEARD = _ROWS + "WHERE alerts.seq > ? AND alerts.seq <= ? AND decisions.priority >= ? AND decisions.score IS NOT NULL"
_ONE = _ROWS + "WHERE alerts.seq = ?"
_JUDGED = "SELECT seq, alert_seq FROM labels WHERE seq > ? AND seq <= ?"
_DECODER = msgspec.json.Decoder(Alert)
_LOUD = int(priority(np.array([LEAST_SCORE]))[0])


class Heard(NamedTuple):
    """An alert, or (``said`` matters) the verdict that is in force on one, and what the alert weighs.

    The weight follows from the priority, not from the score: a risk must not tell an analyst more of an alert than its place in the
    queue does, or draws of the audit could be told apart.
    """

    seq: int
    alert_seq: int
    alert: Alert
    time: float
    bits: float
    judged: bool = False
    said: Said | None = None

    @property
    def source(self) -> str:
        """The rule, as a source of risk."""
        return source_of(self.alert)


def source_of(alert: Alert) -> str:
    """Return by what a rule is known as a source of risk."""
    return f"{alert.product}\x1f{alert.rule.uid}"


def heard(connection: Connection, after: int, until: int) -> list[Heard]:
    """Return alerts and verdicts numbered ``after`` < seq ≤ ``until``."""
    found = list(_alerts(connection, after, until))
    for seq, alert_seq in connection.exec_driver_sql(_JUDGED, (after, until)).all():
        row = connection.exec_driver_sql(_ONE, (alert_seq,)).first()
        if row is not None:
            found.append(_of(row)._replace(seq=seq, judged=True, said=_said(connection, alert_seq)))
    return sorted(found, key=lambda one: one.seq)


def _alerts(connection: Connection, after: int, until: int) -> Iterator[Heard]:
    for row in connection.exec_driver_sql(_HEARD, (after, until, _LOUD)):
        yield _of(row)


def _of(row: tuple[int, float, bytes, int, float | None]) -> Heard:
    seq, received, payload, place, score = row
    alert = _DECODER.decode(payload)
    bits = 0.0 if score is None else alert_bits(float(odds_shown(np.array([place]))[0]))
    return Heard(seq, seq, alert, min(alert.time.timestamp(), received), bits)


def _said(connection: Connection, alert_seq: int) -> Said | None:
    """Return what is in force of what people said of an alert; what a machine concluded counts nothing."""
    label = current_label(connection, alert_seq)
    return None if label is None or label.weight <= 0.0 else Said(label.target == 1, label.time.timestamp())
