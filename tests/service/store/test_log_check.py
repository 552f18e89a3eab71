"""The decision log: whole while the service writes it; whatever else is done to it is found, and named."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from models.audit import Audit
from service.commands import app
from service.store.anchors import EVERY_SECONDS, Anchors, read_anchors
from service.store.decision_log import DecisionLog
from service.store.log_check import Checked, check, open_snapshot
from tests.service.bundles import AUDIT_LINE, publish
from tests.service.client import Service, finding
from tests.service.closure.cases import report, told
from tests.service.closure.test_returning import noisy

ROWS = 300


def looked_at(service: Service) -> Checked:
    anchors = read_anchors(service.settings.anchors)
    with open_snapshot(service.settings.database) as connection:
        return check(connection, DecisionLog(service.settings.secret.read_bytes()), anchors)


def rows(found: Checked) -> set[int]:
    return {fault.row for fault in found.faults}


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a service left behind that decided, with and without a model, and stopped."""
    home = tmp_path_factory.mktemp("decided")
    with Service(home / "var") as service:
        service.post([finding(f"a{i}", host=f"h{i % 5}", seconds=20 * i) for i in range(100)])
    publish(home / "var", home / "work", audit=Audit(rate=0.3, daily=1.0, line=AUDIT_LINE))
    with Service(home / "var") as service:
        service.post([finding(f"b{i}", host=f"h{i % 5}", seconds=2000 + 20 * i) for i in range(200)])
    assert looked_at(service) == Checked(ROWS, 0, 4, [])
    return home / "var"


@pytest.fixture
def kept(decided: Path, tmp_path: Path) -> Service:
    """A copy of it, to be spoilt."""
    shutil.copytree(decided, tmp_path / "var")
    return Service(tmp_path / "var")


def by_hand(service: Service) -> sqlite3.Connection:
    """Open the file as somebody who goes round the service and its triggers."""
    connection = sqlite3.connect(service.settings.database, isolation_level=None)
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    return connection


def flipped(value: Any, random: np.random.Generator) -> Any:
    """Return the value with one bit of one byte turned over, or something where there was nothing."""
    if value is None:
        return 0.5
    if isinstance(value, int):
        return value ^ (1 << int(random.integers(20)))
    if isinstance(value, float):
        return _float(value, random)
    if not value:
        return b"x" if isinstance(value, bytes) else "x"
    at = int(random.integers(len(value)))
    if isinstance(value, bytes):
        return value[:at] + bytes([value[at] ^ (1 << int(random.integers(8)))]) + value[at + 1 :]
    return value[:at] + chr(ord(value[at]) ^ 16) + value[at + 1 :]


def flip(connection: sqlite3.Connection, place: str, number: int, random: np.random.Generator) -> None:
    """Turn a bit over in a column of row ``number``."""
    table, column = place.split(".")
    (value,) = connection.execute(f"SELECT {column} FROM {table} WHERE rowid = ?", (number,)).fetchone()  # noqa: S608
    connection.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (flipped(value, random), number))  # noqa: S608


def _float(value: float, random: np.random.Generator) -> float:
    bits = np.float64(value).view(np.uint64) ^ np.uint64(1 << int(random.integers(52)))
    return float(bits.view(np.float64))


def test_each_row_that_was_changed_is_named_and_no_other(kept: Service) -> None:
    random = np.random.default_rng(5)
    connection = by_hand(kept)
    names = [row[1] for row in connection.execute("PRAGMA table_info(decisions)") if row[1] != "id"]
    chosen = sorted(random.permutation(np.arange(1, ROWS + 1))[:200].tolist())
    wanted: set[int] = set()
    for number in chosen:
        name = names[int(random.integers(len(names)))]
        flip(connection, f"decisions.{name}", number, random)
        wanted.add(number)
    connection.close()
    assert rows(looked_at(kept)) - {0} == wanted  # 0: alerts without a decision, since the row names another


@pytest.mark.parametrize("column", ["tenant", "uid", "received", "digest", "payload", "fact"])
def test_what_is_stored_of_an_alert_is_held_too(kept: Service, column: str) -> None:
    random, connection = np.random.default_rng(6), by_hand(kept)
    for number in (7, 8, 250):
        flip(connection, f"alerts.{column}", number, random)
    connection.close()
    assert rows(looked_at(kept)) == {7, 8, 250}


def test_rows_that_were_taken_out_or_put_in_are_found(kept: Service) -> None:
    connection = by_hand(kept)
    connection.execute("DELETE FROM decisions WHERE id IN (40, 41)")
    connection.execute("CREATE TEMP TABLE copy AS SELECT * FROM decisions WHERE id = 90")
    connection.execute("UPDATE copy SET id = 301, revision = 2")
    connection.execute("INSERT INTO decisions SELECT * FROM copy")
    connection.close()
    faults = looked_at(kept).faults
    assert [(fault.row, fault.what.split(";")[0]) for fault in faults if fault.row] == [
        (40, "rows 40 to 41 are missing"),
        (301, "it was changed, or put in"),
    ]
    assert [fault.alert for fault in faults if not fault.row] == ["a39", "a40"]


def test_a_tail_that_was_cut_off_is_found_by_the_anchors(kept: Service) -> None:
    connection = by_hand(kept)
    connection.execute("DELETE FROM decisions WHERE id > 280")
    connection.execute("DELETE FROM alerts WHERE seq > 280")
    connection.execute("DELETE FROM queue WHERE alert_seq > 280")
    connection.close()
    (fault,) = looked_at(kept).faults
    assert fault.what.startswith("rows 281 to 300 are missing: the log went so far on ")
    with Service(kept.settings.var) as service:  # growing over the cut does not heal it
        service.post([finding(f"c{i}", seconds=9000 + i) for i in range(30)])
    assert rows(looked_at(kept)) == {300}


def test_without_its_anchors_it_is_not_whole(kept: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(kept.settings.var))
    kept.settings.anchors.write_bytes(b"[{")
    assert "anchors.json" in CliRunner().invoke(app, ["verify-log"]).output
    with Service(kept.settings.var) as service:  # it serves all the same
        assert service.post(finding("c", seconds=9000)).status_code == 201
    kept.settings.anchors.unlink()
    done = CliRunner().invoke(app, ["verify-log"])
    assert (done.exit_code, done.output.startswith("no row: there are no anchors")) == (1, True)


def test_it_is_whole_while_the_service_writes_revisions_and_after_a_failure(
    audited: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid, hidden, _ = noisy(audited)
    report(audited, uid, told("o1", status="failed"))
    assert audited.send("GET", f"/v1/decisions/{hidden[0]}").json()["revision"] == 2
    with monkeypatch.context() as broken:
        broken.setattr("service.store.database._QUEUE", "no_such_table (a, b, c)")
        assert audited.post(finding("lost", seconds=99)).status_code == 503
    assert audited.post(finding("next", seconds=100)).status_code == 201
    found = looked_at(audited)
    assert (found.faults, found.rows) == ([], audited.host.scorer.seq + len(hidden))


def test_an_anchor_is_dropped_once_an_hour(kept: Service) -> None:
    now = [0.0]
    with Service(kept.settings.var) as service:
        anchors = Anchors(service.settings.anchors, service.host.database.engine, lambda: now[0])
        count = len(read_anchors(service.settings.anchors))
        anchors.drop_if_due()
        anchors.drop_if_due()
        assert len(read_anchors(service.settings.anchors)) == count + 1
        now[0] += EVERY_SECONDS
        anchors.drop_if_due()
        assert len(read_anchors(service.settings.anchors)) == count + 2
    assert service.settings.anchors.stat().st_mode & 0o777 == 0o600
