"""What the anytime tests observed, as stored. The tests themselves follow from it, so a restart knows all that they knew."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection, select

from models.live_policy import EVERYWHERE
from models.withdrawal import AnytimeTest, Observation, begin, step
from service.store.tables import marks, observations
from service.store.timing import mark_of, set_mark

_TAKEN = "SELECT 1 FROM observations WHERE certificate = ? AND alert_seq IN (SELECT value FROM json_each(?)) LIMIT 1"
_FIRED = "fired "
TAKEN_UP = "watched"
"""The mark: units whose last alert is numbered up to it have been taken up."""


class Entry(NamedTuple):
    """One true-positive unit of a tenant under a certificate, with what its test needs to begin."""

    certificate: str
    tenant: str
    alert_seq: int
    seen: Observation
    group: str
    alpha: float
    delta: float


class Scope(NamedTuple):
    """Which test: of a certificate, over all tenants (``EVERYWHERE``) or in one."""

    certificate: str
    tenant: str


class Trial(NamedTuple):
    """A test as it stands. ``last`` numbers its last observation."""

    state: AnytimeTest
    group: str
    last: int


Trials = dict[Scope, Trial]


def is_taken(connection: Connection, certificate: str, alert_seqs: Sequence[int]) -> bool:
    """Whether one of these alerts, and with it their unit, entered the test of a certificate already."""
    return connection.exec_driver_sql(_TAKEN, (certificate, msgspec.json.encode(list(alert_seqs)).decode())).first() is not None


def add(connection: Connection, entries: Iterable[Entry], mark: int) -> None:
    """Write down what was observed up to a mark."""
    rows = [
        {
            "certificate": one.certificate, "tenant": one.tenant, "alert_seq": one.alert_seq, "suppressed": int(one.seen.suppressed),
            "shown": one.seen.shown, "alerts_group": one.group, "alpha": one.alpha, "delta": one.delta,
        }
        for one in entries
    ]  # fmt: skip
    if rows:
        connection.execute(observations.insert(), rows)
    set_mark(connection, TAKEN_UP, mark)


def set_fired(connection: Connection, scope: Scope, last: int) -> None:
    """Write down that a test fired with an observation; what is observed later begins it anew."""
    set_mark(connection, _FIRED + " ".join(scope), last)


def has_fired(connection: Connection, scope: Scope) -> bool:
    """Whether a test fired before, and that was made known."""
    return mark_of(connection, _FIRED + " ".join(scope)) is not None


def trials(connection: Connection, after: int = 0, known: Trials | None = None, *, ended: bool = False) -> Trials:
    """Return the tests after all observations, from those ``known`` before number ``after`` on.

    Each certificate has one over all tenants and one in each, with its own δ each. What fired begins anew, but stays as it was
    then where those that ``ended`` are asked for.
    """
    fired = (
        {} if ended else {row.name: row.seq for row in connection.execute(select(marks).where(marks.c.name.startswith(_FIRED)))}
    )
    found = dict(known or {})
    for row in connection.execute(select(observations).where(observations.c.seq > after).order_by(observations.c.seq)):
        for tenant in (EVERYWHERE, row.tenant):
            scope = Scope(row.certificate, tenant)
            if row.seq > fired.get(_FIRED + " ".join(scope), 0):
                before = found[scope].state if scope in found else begin(row.alpha, row.delta)
                state = step(before, [Observation(bool(row.suppressed), row.shown)])
                found[scope] = Trial(state, row.alerts_group, row.seq)
    return found
