"""What the records hold of one label: its fellows on the alert, and the alerts that came after it."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from features.encode import FactBlock
from features.label import Label
from service.store.database import alert_fact
from service.store.tables import alerts, labels, queue

Numbered = tuple[FactBlock, NDArray[np.int64]]
"""Facts, and the number (order of receipt) of each, ascending."""


class Given(NamedTuple):
    """A label as stored: its number, itself, and the facts it folded."""

    seq: int
    label: Label
    facts: FactBlock


class Trace(NamedTuple):
    """The labels of one alert in the order of receipt, the place of the one asked for, and the alert's own fact."""

    alert_seq: int
    alert: FactBlock
    labels: list[Given]
    at: int

    @property
    def given(self) -> Given:
        """The label asked for."""
        return self.labels[self.at]


def find_trace(connection: Connection, tenant: str, uid: str) -> Trace | None:
    """Return a label of the tenant among its fellows."""
    asked = select(labels.c.alert_seq).where(labels.c.tenant == tenant, labels.c.uid == uid)
    alert_seq = connection.execute(asked).scalar()
    if alert_seq is None:
        return None
    statement = select(labels.c.seq, labels.c.payload, labels.c.fact).where(labels.c.alert_seq == alert_seq)
    found = [
        Given(seq, msgspec.json.decode(body, type=Label), FactBlock.unpack([fact]))
        for seq, body, fact in connection.execute(statement.order_by(labels.c.seq))
    ]
    at = next(i for i, given in enumerate(found) if given.label.uid == uid)
    return Trace(alert_seq, FactBlock.unpack([alert_fact(connection, alert_seq)]), found, at)


def later_alerts(connection: Connection, tenant: str, after: int, most: int) -> Numbered:
    """Return the facts of the first ``most`` alerts of the tenant that were received after number ``after``."""
    statement = select(alerts.c.seq, alerts.c.fact).where(alerts.c.tenant == tenant, alerts.c.seq > after)
    rows = connection.execute(statement.order_by(alerts.c.seq).limit(most)).all()
    return FactBlock.unpack([fact for _, fact in rows]), np.array([seq for seq, _ in rows], np.int64)


def other_labels(connection: Connection, tenant: str, but: int | None = None) -> Numbered:
    """Return the facts of all labels of the tenant, but for the one numbered ``but``."""
    statement = select(labels.c.seq, labels.c.fact).where(labels.c.tenant == tenant)
    if but is not None:
        statement = statement.where(labels.c.seq != but)
    rows = connection.execute(statement.order_by(labels.c.seq)).all()
    counts = [FactBlock.packed(fact) for _, fact in rows]
    return FactBlock.unpack([fact for _, fact in rows]), np.repeat(np.array([seq for seq, _ in rows], np.int64), counts)


def waiting(connection: Connection, tenant: str) -> set[int]:
    """Return the numbers of the alerts of the tenant that wait for a person."""
    return set(connection.execute(select(queue.c.alert_seq).where(queue.c.tenant == tenant)).scalars())
