"""The decision log: the one place where decisions are appended, each chained to the one before it.

``chain = MAC(chain before ‖ record)`` under the installation's secret. The record is every column of the row, bit for bit, and of
its alert the tenant, the time of receipt, the fact (keyed hashes) and keyed digests of its uid and of its content. So a changed
row is found, nobody without the secret can make the chain again, and what is personal can be erased: the chain never held it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from models.decision import Action, ReasonCode
from service.store.rows import insert_rows

COLUMNS = (
    "alert_seq, revision, time, action, priority, raw, score, anomaly, reason_codes, bundle, features, shown, published_action, "
    "tier, policy, certificate"
)
"""What is decided, in the order of ``DecisionRow``."""
SEALED = f"id, {COLUMNS}, subject, content"
_TABLE = f"decisions ({SEALED}, chain)"
_HEAD = "SELECT id, chain FROM decisions ORDER BY id DESC LIMIT 1"
_AT_ONCE = 500
_ENCODE = msgspec.msgpack.Encoder().encode
GENESIS = bytes(32)
"""What the first row is chained to."""

DecisionRow = tuple[
    int, int, float, str, int, float | None, float | None, float | None, str, str, bytes, float, str, str, str, str
]


class Of(NamedTuple):
    """What a record says of its alert: ``subject`` and ``content`` are keyed digests, ``fact`` holds keyed hashes."""

    subject: bytes
    content: bytes
    tenant: str
    received: float
    fact: bytes


class Head(NamedTuple):
    """The last row of the log: its number, and the end of the chain."""

    row: int
    chain: bytes


class Revision(NamedTuple):
    """What a later revision of a decision says otherwise; all else is taken over from the one before."""

    action: Action
    published_action: Action
    reason_codes: tuple[ReasonCode, ...]
    policy: str | None = None
    """The live policy that it follows from; ``None``: the same as before."""


class Revised(NamedTuple):
    """An alert whose decision has a new revision."""

    alert_seq: int
    tenant: str
    priority: int


class DecisionLog:
    """Appends decisions on a connection that writes. It remembers nothing: the head is always the last row that is there."""

    def __init__(self, secret: bytes) -> None:
        self._mac = {size: partial(hashlib.blake2b, digest_size=size, key=secret) for size in (16, 32)}

    def subject(self, tenant: str, uid: str) -> bytes:
        """Return the pseudonym of an alert: the same whenever it is asked, and not to be had without the secret."""
        return self._mac[16](_ENCODE((tenant, uid)), person=b"tamis.subject").digest()

    def content(self, digest: bytes, payload: bytes) -> bytes:
        """Return the salted digest of what is stored of an alert."""
        return self._mac[16](_ENCODE((digest, payload)), person=b"tamis.content").digest()

    def seal(self, *parts: object) -> bytes:
        """Return what proves that the service itself wrote the ``parts`` of an erasure."""
        return self._mac[16](_ENCODE(parts), person=b"tamis.erasure").digest()

    def chained(self, before: bytes, record: bytes) -> bytes:
        """Return the chain after a record."""
        return self._mac[32](before + record, person=b"tamis.chain").digest()

    def append(self, connection: Connection, rows: Sequence[DecisionRow], alerts: Sequence[Of]) -> None:
        """Append decisions on ``alerts``, one each."""
        number, chain = head(connection)
        sealed = []
        for row, of in zip(rows, alerts, strict=True):
            number += 1
            chain = self.chained(chain, canonical((number, *row), of))
            sealed.append((number, *row, of.subject, of.content, chain))
        insert_rows(connection, _TABLE, sealed)

    def revise(self, connection: Connection, seqs: Sequence[int], revision: Revision, now: float) -> list[Revised]:
        """Append a revision of the current decision on each of the alerts; return those alerts.

        Certificate and tier are those of no automatic action: none. It comes by no lot, so its probability of being shown is 1.
        """
        revised: list[Revised] = []
        for start in range(0, len(seqs), _AT_ONCE):
            some = list(seqs[start : start + _AT_ONCE])
            before = connection.exec_driver_sql(_CURRENT.format(marks=",".join("?" * len(some))), tuple(some)).all()
            rows = [_following(tuple(row[:16]), revision, now) for row in before]
            self.append(connection, rows, [Of(*row[16:]) for row in before])
            revised += [Revised(row[0], row[18], row[4]) for row in before]
        return revised


_CURRENT = (
    f"SELECT {', '.join('d.' + name for name in COLUMNS.split(', '))}, d.subject, d.content, a.tenant, a.received, a.fact "  # noqa: S608
    "FROM decisions d JOIN alerts a ON a.seq = d.alert_seq WHERE d.alert_seq IN ({marks}) "
    "AND NOT EXISTS (SELECT 1 FROM decisions n WHERE n.alert_seq = d.alert_seq AND n.revision > d.revision) ORDER BY d.id"
)


def _following(row: tuple[Any, ...], revision: Revision, now: float) -> DecisionRow:
    seq, number, _, _, priority, raw, score, anomaly, _, bundle, features, _, _, _, policy, _ = row
    codes = " ".join(revision.reason_codes)
    return (
        seq, number + 1, now, revision.action.value, priority, raw, score, anomaly, codes, bundle, features, 1.0,
        revision.published_action.value, "", policy if revision.policy is None else revision.policy, "",
    )  # fmt: skip


def head(connection: Connection) -> Head:
    """Return the end of the log as the connection sees it."""
    found = connection.exec_driver_sql(_HEAD).first()
    return Head(*found) if found else Head(0, GENESIS)


def canonical(row: tuple[Any, ...], of: Of) -> bytes:
    """Return the record of a decision as bytes: ``row`` is its number and ``DecisionRow``.

    Numbers are held exactly, as the database gives them back: −0.0 is 0.0, NaN is nothing.
    """
    raw, score, anomaly = row[6:9]
    if not (raw and score and anomaly) or raw != raw or score != score or anomaly != anomaly:  # noqa: PLR0124
        row = (*row[:6], *(None if value is None or value != value else value + 0.0 for value in row[6:9]), *row[9:])  # noqa: PLR0124
    return _ENCODE((row, of))


__all__ = ["COLUMNS", "GENESIS", "SEALED", "DecisionLog", "DecisionRow", "Head", "Of", "Revised", "Revision", "canonical", "head"]
