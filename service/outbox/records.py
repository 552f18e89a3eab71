"""The outbox as stored: messages, and for each of its receivers how far a message has come.

``pending`` → ``sent``, or ``failed`` after the last attempt, or ``disabled`` with its receiver. Failed and disabled ones become
pending again in the receiver's next epoch. A message that nobody wants is ``unwanted``.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, exists, func, select

from service.outbox.message import Message
from service.outbox.receivers import Receiver
from service.store.tables import deliveries, messages

_ENCODER = msgspec.json.Encoder()
_ROUTED_AT_ONCE = 500


class State(StrEnum):
    """How far a message has come with one receiver."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    DISABLED = "disabled"
    UNWANTED = "unwanted"


class Due(NamedTuple):
    """A delivery that may be attempted now; ``attempts`` were made before."""

    id: int
    epoch: int
    attempts: int
    message: Message


class Listed(NamedTuple):
    """One line of ``tamis outbox list``; ``receiver`` is a uid, empty for a message that nobody wants."""

    message: Message
    receiver: str
    state: State
    attempts: int
    next_attempt: float
    error: str


def enqueue(connection: Connection, message: Message) -> None:
    """Put a message into the outbox, in the transaction that ``connection`` has open: what causes it and the message are
    stored both or neither.

    Call it in the scorer's thread, as within ``host.write(…)``, and let ``SQLAlchemyError`` pass: then the batch is given up.
    """
    row = {"tenant": message.tenant, "subject": message.subject, "payload": _ENCODER.encode(message)}
    connection.execute(messages.insert(), row)


# -- who gets what --------------------------------------------------------------------------------------------------


def unrouted(connection: Connection) -> list[tuple[int, Message]]:
    """Return the messages of which it is not yet written down who gets them, oldest first."""
    last = select(func.coalesce(func.max(deliveries.c.message_seq), 0)).scalar_subquery()
    statement = select(messages.c.seq, messages.c.payload).where(messages.c.seq > last).order_by(messages.c.seq)
    rows = connection.execute(statement.limit(_ROUTED_AT_ONCE))
    return [(seq, msgspec.json.decode(payload, type=Message)) for seq, payload in rows]


def route(connection: Connection, seq: int, message: Message, receivers: Iterable[Receiver], now: float) -> list[State]:
    """Write down who gets a message, in one statement; return the state of each delivery."""
    wanting = [receiver for receiver in receivers if receiver.wants(message)]
    rows = [
        _row(seq, receiver, State.DISABLED if is_disabled(connection, receiver) else State.PENDING, now) for receiver in wanting
    ]
    rows = rows or [_row(seq, None, State.UNWANTED, now)]
    connection.execute(deliveries.insert().values(rows))
    return [row["state"] for row in rows]


def _row(seq: int, receiver: Receiver | None, state: State, now: float) -> dict[str, Any]:
    return {
        "message_seq": seq,
        "receiver": receiver.uid if receiver else "",
        "epoch": receiver.epoch if receiver else 0,
        "state": state,
        "attempts": 0,
        "next_attempt": now,
        "error": "the receiver is disabled" if state is State.DISABLED else "",
    }


def is_disabled(connection: Connection, receiver: Receiver) -> bool:
    """Whether the receiver said in its present epoch that it wants nothing more."""
    return _any(connection, _of(receiver, State.DISABLED), deliveries.c.epoch == receiver.epoch)


def is_stale(connection: Connection, receiver: Receiver) -> bool:
    """Whether something waits for :func:`bring_up` to make it right."""
    if receiver.removed is not None:
        return _any(connection, _of(receiver, State.PENDING))
    return _any(connection, _of(receiver, State.PENDING, State.FAILED, State.DISABLED), deliveries.c.epoch < receiver.epoch)


def bring_up(connection: Connection, receiver: Receiver, now: float) -> int:
    """Begin the receiver's epoch anew with all that has not arrived, or give that up if it was removed; return its number."""
    if receiver.removed is not None:
        return disable(connection, receiver, "the receiver was removed")
    behind = _of(receiver, State.PENDING, State.FAILED, State.DISABLED) & (deliveries.c.epoch < receiver.epoch)
    fresh = {"state": State.PENDING, "epoch": receiver.epoch, "attempts": 0, "next_attempt": now}
    return connection.execute(deliveries.update().where(behind).values(fresh)).rowcount


# -- attempts -------------------------------------------------------------------------------------------------------


def next_due(connection: Connection, receiver: str, now: float) -> Due | None:
    """Return what is to be sent to a receiver next: what was never tried before what is tried again, the oldest first.

    It never overtakes an earlier message about the same subject that is still pending.
    """
    for tried in (deliveries.c.attempts == 0, deliveries.c.attempts > 0):
        statement = _DUE.where(deliveries.c.receiver == receiver, tried, deliveries.c.next_attempt <= now)
        row = connection.execute(statement.order_by(deliveries.c.message_seq).limit(1)).first()
        if row is not None:
            return Due(row.id, row.epoch, row.attempts, msgspec.json.decode(row.payload, type=Message))
    return None


_earlier, _about = deliveries.alias("earlier"), messages.alias("about")
_DUE = (
    select(deliveries.c.id, deliveries.c.epoch, deliveries.c.attempts, messages.c.payload)
    .join(messages, messages.c.seq == deliveries.c.message_seq)
    .where(
        deliveries.c.state == State.PENDING,
        ~exists(
            select(_earlier.c.id)
            .join(_about, _about.c.seq == _earlier.c.message_seq)
            .where(
                _about.c.tenant == messages.c.tenant,
                _about.c.subject == messages.c.subject,
                _about.c.seq < messages.c.seq,
                _earlier.c.receiver == deliveries.c.receiver,
                _earlier.c.state == State.PENDING,
            )
        ),
    )
)


def settle(connection: Connection, due: Due, state: State, next_attempt: float, error: str) -> None:
    """Write down what came of an attempt. A failure does not count if a new epoch began meanwhile; an arrival always does."""
    result = {"state": state, "attempts": due.attempts + 1, "next_attempt": next_attempt, "error": error}
    tried = (deliveries.c.id == due.id) & (deliveries.c.state == State.PENDING)
    if state is not State.SENT:
        tried &= deliveries.c.epoch == due.epoch
    connection.execute(deliveries.update().where(tried).values(result))


def disable(connection: Connection, receiver: Receiver, error: str) -> int:
    """Send nothing more to a receiver in its present epoch; return the number of what was pending."""
    pending = _of(receiver, State.PENDING) & (deliveries.c.epoch <= receiver.epoch)
    values = {"state": State.DISABLED, "epoch": receiver.epoch, "error": error}
    return connection.execute(deliveries.update().where(pending).values(values)).rowcount


# -- looking --------------------------------------------------------------------------------------------------------


def backlog(connection: Connection) -> int:
    """Return the number of deliveries that are pending."""
    count: int = connection.execute(select(func.count()).where(deliveries.c.state == State.PENDING)).scalar_one()
    return count


def listed(connection: Connection, state: State | None, most: int) -> list[Listed]:
    """Return the latest deliveries, the newest first."""
    statement = select(deliveries, messages.c.payload).join(messages, messages.c.seq == deliveries.c.message_seq)
    if state is not None:
        statement = statement.where(deliveries.c.state == state)
    return [
        Listed(
            msgspec.json.decode(row.payload, type=Message),
            row.receiver,
            State(row.state),
            row.attempts,
            row.next_attempt,
            row.error,
        )
        for row in connection.execute(statement.order_by(deliveries.c.id.desc()).limit(most))
    ]


def _of(receiver: Receiver, *states: State) -> ColumnElement[bool]:
    return deliveries.c.state.in_(states) & (deliveries.c.receiver == receiver.uid)


def _any(connection: Connection, *conditions: ColumnElement[bool]) -> bool:
    return connection.execute(select(deliveries.c.id).where(*conditions).limit(1)).first() is not None
