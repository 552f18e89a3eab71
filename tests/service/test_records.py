"""The records: append-only, exported while the service runs, complete after a power cut."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import alembic.command
import alembic.config
import msgspec
import pytest
from sqlalchemy import select

from features.history import read_alerts, read_decisions, read_manifest
from service.errors import StartError
from service.export import export
from service.store import migrations
from service.store.database import Database, open_engine
from service.store.tables import decisions
from tests.service.client import Service, finding
from tests.service.test_host import AFTER, step
from tests.service.test_scorer import features


@pytest.mark.parametrize("table", ["alerts", "decisions", "labels"])
@pytest.mark.parametrize("change", ["UPDATE {} SET rowid = rowid + 100", "DELETE FROM {}"])
def test_records_cannot_be_changed(service: Service, table: str, change: str) -> None:
    step(service, 0)
    other = sqlite3.connect(service.settings.database)
    try:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            other.execute(change.format(table))
    finally:
        other.close()


def test_export_while_alerts_come_in(service: Service, tmp_path: Path) -> None:
    """An export is one moment: as many decisions as alerts, and no alert before one that is missing."""
    with ThreadPoolExecutor(1) as pool:
        for n in range(5):
            job = pool.submit(export, service.settings, tmp_path / f"out{n}", None)
            while not job.done():
                number = service.host.scorer.seq
                requests = [("POST", "/v1/alerts", msgspec.json.encode(finding(f"{number}-{i}"))) for i in range(8)]
                assert {answer.status_code for answer in service.send_all(requests)} == {201}
            counts = job.result()
            assert counts["alerts"] == counts["decisions"] == read_manifest(tmp_path / f"out{n}").rows("alerts")
            seqs = [seq for batch in read_alerts(tmp_path / f"out{n}") for seq, _ in batch]
            assert seqs == list(range(1, len(seqs) + 1))
    assert seqs


def test_export_since(service: Service, tmp_path: Path) -> None:
    service.post(finding("a"))
    since = datetime.now(UTC)
    service.post(finding("b"))
    service.post({"alert_uid": "a", "verdict": "true_positive", "time": AFTER}, "/v1/labels")
    counts = {"alerts": 1, "labels": 1, "decisions": 1, "events": 0, "corrections": 0, "placements": 0, "day_verdicts": 0}
    assert export(service.settings, tmp_path / "out", since) == counts
    assert read_decisions(tmp_path / "out")[0]["alert_uid"] == "b"


def test_after_a_power_cut_the_facts_alone_bring_the_state_back(tmp_path: Path) -> None:
    var = tmp_path / "cut"
    var.mkdir()
    with Service(tmp_path / "plain") as plain:
        (var / "secret.key").write_bytes(plain.settings.secret.read_bytes())
        for i in range(24):
            step(plain, i)
        wanted = features(plain)
    with Service(var) as service:
        for i in range(12):
            step(service, i)
        service.host._snapshot_seq = service.host.scorer.seq  # as if it never came to the snapshot of a clean stop
    assert not list(service.settings.state.glob("*"))
    with Service(var) as service:
        for i in range(12, 24):
            step(service, i)
        assert features(service).tobytes() == wanted.tobytes()


def test_records_of_before_are_read_as_shown_for_sure(tmp_path: Path) -> None:
    """A database of the first schema is migrated when it is opened."""
    engine = open_engine(tmp_path / "tamis.db")
    with engine.connect() as connection:
        config = alembic.config.Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "r0001")
        connection.exec_driver_sql(
            "INSERT INTO decisions (alert_seq, revision, time, action, priority, reason_codes, bundle, features) "
            "VALUES (1, 1, 0.0, 'queue', 50, 'no_model', '', x'')"
        )
        connection.commit()
    engine.dispose()
    database = Database(tmp_path / "tamis.db", bytes(32))
    try:
        assert database.writer.execute(select(decisions.c.shown)).scalars().all() == [1.0]
    finally:
        database.close()


def test_a_migration_that_breaks_off_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    """Else none could be run on it again: half of its tables would be there already."""
    connection = sqlite3.connect(tmp_path / "tamis.db")
    connection.execute("CREATE TABLE unmaskings (x)")  # in the way of one of the last migrations
    connection.close()
    with pytest.raises(StartError, match="unmaskings already exists"):
        Database(tmp_path / "tamis.db", bytes(32))
    connection = sqlite3.connect(tmp_path / "tamis.db")
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("unmaskings",)]
    connection.execute("DROP TABLE unmaskings")
    connection.close()
    Database(tmp_path / "tamis.db", bytes(32)).close()
