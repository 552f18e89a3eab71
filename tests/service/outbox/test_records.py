"""The outbox as stored."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from service.outbox import records
from service.outbox.message import Message
from service.outbox.receivers import Receiver
from service.outbox.records import State
from service.outbox.targets import Target
from service.store.database import Database
from service.store.tables import deliveries, messages
from tests.service.outbox.stub import TIME, message


def receiver(uid: str = "rcv_1", **fields: object) -> Receiver:
    return Receiver(uid=uid, name=uid, target=Target(url="https://a.example/"), created=TIME, **fields)  # type: ignore[arg-type]


def put(database: Database, *made: Message, to: tuple[Receiver, ...] = (receiver(),), now: float = 0.0) -> None:
    """Enqueue and route messages."""
    for one in made:
        records.enqueue(database.writer, one)
    for seq, one in records.unrouted(database.writer):
        records.route(database.writer, seq, one, to, now)
    database.writer.commit()


def states(database: Database) -> list[tuple[str, str]]:
    return [(item.receiver, item.state.value) for item in records.listed(database.writer, None, 100)][::-1]


def test_a_message_is_stored_with_its_cause_or_not_at_all(tmp_path: Path) -> None:
    database = Database(tmp_path / "tamis.db", bytes(32))
    database.insert_past("cause", b"")
    records.enqueue(database.writer, message(1))
    database.writer.rollback()
    database.insert_past("other cause", b"")
    records.enqueue(database.writer, message(2))
    database.writer.commit()
    records.enqueue(database.writer, message(3))
    database.close()  # as a kill would, before the commit
    database = Database(tmp_path / "tamis.db", bytes(32))
    assert database.past_sources() == {"other cause"}
    assert [made.subject for _, made in records.unrouted(database.writer)] == ["i2"]
    database.close()


def test_each_receiver_has_its_own_delivery_and_no_message_is_routed_twice(database: Database) -> None:
    put(database, message(1), to=(receiver("a"), receiver("b"), receiver("c", tenant="other")))
    put(database, message(2), to=(receiver("d"),))
    put(database, message(3), to=())
    put(database, to=(receiver("late"),))
    assert states(database) == [("a", "pending"), ("b", "pending"), ("d", "pending"), ("", "unwanted")]
    assert records.backlog(database.writer) == 3


@pytest.mark.parametrize("change", [messages.update().values(tenant="x"), messages.delete()])
def test_messages_are_append_only(database: Database, change: object) -> None:
    put(database, message())
    with pytest.raises(IntegrityError, match="append-only"):
        database.writer.execute(change)  # type: ignore[call-overload]


def test_what_was_sent_stays_sent(database: Database) -> None:
    put(database, message())
    due = records.next_due(database.writer, "rcv_1", 0.0)
    assert due is not None
    records.settle(database.writer, due, State.SENT, 0.0, "")
    records.settle(database.writer, due, State.PENDING, 0.0, "late")
    records.disable(database.writer, receiver(), "gone")
    assert records.bring_up(database.writer, receiver(epoch=2), 0.0) == 0
    assert states(database) == [("rcv_1", "sent")]
    with pytest.raises(IntegrityError, match="stays sent"):
        database.writer.execute(deliveries.update().values(state="pending"))


def due(database: Database, now: float, uid: str = "rcv_1") -> str | None:
    found = records.next_due(database.writer, uid, now)
    return found.message.summary if found else None


def settle(database: Database, state: State, at: float, now: float = 0.0) -> None:
    found = records.next_due(database.writer, "rcv_1", now)
    assert found is not None
    records.settle(database.writer, found, state, at, "")


def test_the_oldest_first_but_the_new_before_what_failed(database: Database) -> None:
    put(database, message(1, summary="a"), message(2, summary="b"), message(3, summary="c"))
    assert due(database, 0.0) == "a"
    settle(database, State.PENDING, 5.0)
    assert due(database, 0.0) == "b"
    settle(database, State.PENDING, 5.0)
    assert due(database, 10.0) == "c"
    settle(database, State.SENT, 0.0, 10.0)
    assert due(database, 4.9) is None
    assert due(database, 5.0) == "a"
    assert due(database, 5.0, "rcv_2") is None


def test_messages_about_one_subject_keep_their_order(database: Database) -> None:
    put(
        database,
        message(1, summary="escalated"),
        message(1, summary="closed", kind="incident.closed"),
        message(1, summary="another tenant's", tenant="other"),
        message(2, summary="another incident's"),
    )
    settle(database, State.PENDING, 5.0)
    assert due(database, 0.0) == "another tenant's"
    settle(database, State.SENT, 0.0)
    assert due(database, 0.0) == "another incident's"
    settle(database, State.SENT, 0.0)
    assert due(database, 4.0) is None  # "closed" waits
    settle(database, State.FAILED, 0.0, 5.0)
    assert due(database, 5.0) == "closed"  # but not for ever


def test_a_disabled_receiver_is_sent_nothing_until_its_next_epoch(database: Database) -> None:
    put(database, message(1), message(2))
    settle(database, State.FAILED, 0.0)
    assert records.disable(database.writer, receiver(), "gone") == 1
    put(database, message(3))
    assert states(database) == [("rcv_1", "failed"), ("rcv_1", "disabled"), ("rcv_1", "disabled")]
    assert not records.is_stale(database.writer, receiver())
    assert records.is_stale(database.writer, receiver(epoch=2))
    assert records.bring_up(database.writer, receiver(epoch=2), 7.0) == 3
    assert {(item.state, item.attempts, item.next_attempt) for item in records.listed(database.writer, None, 9)} == {
        ("pending", 0, 7.0)
    }
    assert not records.is_stale(database.writer, receiver(epoch=2))
    assert not records.is_disabled(database.writer, receiver(epoch=2))


@pytest.mark.parametrize(("state", "then"), [(State.FAILED, "pending"), (State.DISABLED, "pending"), (State.SENT, "sent")])
def test_an_attempt_of_before_a_new_epoch_counts_only_if_it_arrived(database: Database, state: State, then: str) -> None:
    put(database, message())
    under_way = records.next_due(database.writer, "rcv_1", 0.0)
    assert under_way is not None
    records.bring_up(database.writer, receiver(epoch=2), 0.0)
    records.settle(database.writer, under_way, state, 0.0, "")
    assert states(database) == [("rcv_1", then)]


def test_a_removed_receiver_leaves_nothing_pending(database: Database) -> None:
    put(database, message(1), to=(receiver("a"), receiver("b")))
    gone = receiver("a", removed=TIME)
    assert records.is_stale(database.writer, gone)
    assert records.bring_up(database.writer, gone, 0.0) == 1
    assert states(database) == [("a", "disabled"), ("b", "pending")]
    assert records.listed(database.writer, State.DISABLED, 9)[0].error == "the receiver was removed"
