"""Appending to the decision log: what was there before the chain is chained as if it had been from the first."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import alembic.command
import alembic.config
import numpy as np
import pytest

from models.decision import Action, ReasonCode
from service.store import migrations
from service.store.database import Database, open_engine
from service.store.decision_log import GENESIS, DecisionLog, DecisionRow, Head, Of, Revision, canonical, head
from tests.service.client import Service
from tests.service.store.test_log_check import decided, kept, looked_at

__all__ = ["decided", "kept"]

ROW: DecisionRow = (1, 1, 5.0, "queue", 50, -0.5, 0.25, 2.0, "no_model", "", b"\x00" * 8, 1.0, "queue", "", "", "")
OF = Of(b"s", b"c", "acme", 5.0, b"f")


def chains(service: Service) -> list[bytes]:
    connection = sqlite3.connect(service.settings.database)
    try:
        return [chain for (chain,) in connection.execute("SELECT chain FROM decisions ORDER BY id")]
    finally:
        connection.close()


def test_records_of_before_are_chained_by_the_migration(kept: Service) -> None:
    wanted = chains(kept)
    engine = open_engine(kept.settings.database)
    with engine.connect() as connection:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        alembic.command.downgrade(config, "r0006")
        connection.commit()
    engine.dispose()
    Database(kept.settings.database, kept.settings.secret.read_bytes()).close()
    assert chains(kept) == wanted
    assert looked_at(kept).faults == []


def test_every_column_is_in_the_record(kept: Service) -> None:
    connection = sqlite3.connect(kept.settings.database)
    columns = [row[1] for row in connection.execute("PRAGMA table_info(decisions)")]
    connection.close()
    assert len(columns) == 1 + len(ROW) + len(("subject", "content", "chain"))
    record = canonical((1, *ROW), OF)
    for place in range(len(ROW)):
        other = list(ROW)
        value = other[place]
        other[place] = value + 1 if isinstance(value, int | float) else value + ("x" if isinstance(value, str) else b"x")  # type: ignore[operator]
        assert canonical((1, *other), OF) != record, place
    for name in Of._fields:
        value = getattr(OF, name)
        assert canonical((1, *ROW), OF._replace(**{name: value * 2})) != record, name


def test_numbers_are_held_as_the_database_gives_them_back() -> None:
    given = (*ROW[:5], -0.0, float(np.nextafter(0.1, 1)), float("nan"), *ROW[8:])
    assert canonical((1, *given), OF) == canonical((1, *ROW[:5], 0.0, float(np.nextafter(0.1, 1)), None, *ROW[8:]), OF)
    assert canonical((1, *given), OF) != canonical((1, *ROW[:5], 0.0, 0.1, None, *ROW[8:]), OF)


def test_a_revision_follows_on_the_current_one_and_what_was_rolled_back_leaves_no_trace(tmp_path: Path) -> None:
    database = Database(tmp_path / "tamis.db", bytes(32))
    try:
        assert head(database.writer) == Head(0, GENESIS)
        database.insert([(1, "acme", "a", 5.0, b"d" * 16, b"{}", b"f")], [ROW], [])
        database.writer.commit()
        first = head(database.writer)
        revision = Revision(Action.QUEUE, Action.QUEUE, (ReasonCode.INDICATOR_MATCHED,), policy="p")
        assert [tuple(one) for one in database.log.revise(database.writer, [1, 2], revision, 9.0)] == [(1, "acme", 50)]
        revised = head(database.writer)
        assert revised.row == 2
        database.writer.rollback()
        assert head(database.writer) == first
        database.log.revise(database.writer, [1], revision, 9.0)
        assert head(database.writer) == revised
        database.log.revise(database.writer, [1], revision, 10.0)
        rows = database.writer.exec_driver_sql(
            "SELECT revision, time, reason_codes, policy, raw FROM decisions ORDER BY id"
        ).all()
        assert [tuple(row) for row in rows] == [
            (1, 5.0, "no_model", "", -0.5),
            (2, 9.0, "indicator_matched", "p", -0.5),
            (3, 10.0, "indicator_matched", "p", -0.5),
        ]
    finally:
        database.close()


def test_without_the_secret_nothing_can_be_looked_up() -> None:
    one, other = DecisionLog(bytes(32)), DecisionLog(b"\x01" * 32)
    assert one.subject("acme", "a") == one.subject("acme", "a") != other.subject("acme", "a")
    assert one.subject("acme", "a") != one.subject("acm", "ea")
    assert one.content(b"d", b"p") != other.content(b"d", b"p")
    assert one.chained(GENESIS, b"r") != other.chained(GENESIS, b"r")


@pytest.mark.parametrize("table", ["erasures", "decisions"])
def test_neither_is_ever_changed(service: Service, table: str) -> None:
    connection = sqlite3.connect(service.settings.database)
    triggers = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    connection.close()
    assert {f"{table}_no_update", f"{table}_no_delete"} <= triggers
