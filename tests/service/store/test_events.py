"""The table of events: read in order, found by name, erased, forgotten, never changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError

from features.alert import Entity, EntityKind, Role
from features.event import Event, service_account, user
from service.store.database import Database
from service.store.events import (
    count_events,
    erase_events,
    event_row,
    events_after,
    events_of,
    forget_events,
    insert_events,
    last_event,
)

START = datetime(2024, 3, 4, tzinfo=UTC)


def made(uid: str, actor: str, *, days: int = 0, target: str = "", tenant: str = "acme") -> Event:
    to = Entity(EntityKind.USER, target, Role.TARGET) if target else None
    return Event(uid=uid, tenant=tenant, time=START + timedelta(days=days), actor=user(actor), action="mail", target=to)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "tamis.db", b"s" * 32)
    events = [
        made("a", "Ada", days=2), made("b", "eve", target="ADA@acme"), made("c", "bob", days=1),
        made("d", "ada", tenant="other"), made("e", "ada@acme", days=3),
    ]  # fmt: skip
    insert_events(opened.writer, [event_row(event, 10.0) for event in events])
    opened.writer.commit()
    yield opened
    opened.close()


def test_they_are_read_in_the_order_of_receipt(database: Database) -> None:
    first = events_after(database.writer, 0, 2)
    assert [(read.seq, read.received, read.event.uid) for read in first] == [(1, 10.0, "a"), (2, 10.0, "b")]
    assert [read.event.uid for read in events_after(database.writer, first[-1].seq, 99)] == ["c", "d", "e"]
    assert last_event(database.writer) == 5
    assert count_events(database.writer) == {"acme": 4, "other": 1}


def test_what_someone_did_and_what_was_done_to_them_is_found(database: Database) -> None:
    assert [read.event.uid for read in events_of(database.writer, "acme", "ada")] == ["a"]
    assert [read.event.uid for read in events_of(database.writer, "acme", " Ada@Acme")] == ["b", "e"]
    assert [read.event.uid for read in events_of(database.writer, "acme", "ada@acme", after=2)] == ["e"]


def test_what_is_erased_is_gone_and_its_number_is_not_given_again(database: Database) -> None:
    assert erase_events(database.writer, "acme", "ada@acme") == 2
    assert [read.event.uid for read in events_after(database.writer, 0, 99)] == ["a", "c", "d"]
    insert_events(database.writer, [event_row(made("f", "bob"), 11.0)])
    assert events_after(database.writer, 3, 99)[-1].seq == last_event(database.writer) == 6


def test_the_oldest_are_forgotten_first(database: Database) -> None:
    before = (START + timedelta(days=2)).timestamp()
    assert forget_events(database.writer, before, most=2) == 2
    assert forget_events(database.writer, before) == 1
    assert forget_events(database.writer, before) == 0
    assert [read.event.uid for read in events_after(database.writer, 0, 99)] == ["a", "e"]


def test_nothing_is_ever_changed(database: Database) -> None:
    with pytest.raises(IntegrityError, match="never changed"):
        database.writer.exec_driver_sql("UPDATE events SET actor = 'x'")


def test_a_program_is_kept_as_one(database: Database) -> None:
    event = Event(uid="p", tenant="acme", time=START, actor=service_account("backup"), action="copy")
    insert_events(database.writer, [event_row(event, 12.0)])
    assert events_after(database.writer, 5, 1)[0].event == event
