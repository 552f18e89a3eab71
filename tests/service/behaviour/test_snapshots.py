"""Snapshots of behaviour: a start goes on from the newest that fits, bit for bit, and from no other."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from service.behaviour import snapshots
from service.behaviour.feed import ANOMALIES
from service.behaviour.memory import Memory
from service.behaviour.subject import erase_behaviour
from service.behaviour.watching import Watching
from service.commands import app
from service.settings import ServiceSettings
from service.store.entity_tables import anomalies, risk_days
from tests.service.behaviour.world import DAY, TODAY, looked, received, week
from tests.service.client import Service

PEOPLE = [f"p{i}" for i in range(4)]
FIRST, BREAK = TODAY - 50, TODAY - 5
SET: dict[str, Any] = {"poll_seconds": 3600.0, "late_seconds": 60.0}


def lived(service: Service, days: range) -> None:
    """Let everybody live through some days, each closed before anything of the next is received."""
    for day in days:
        received(service, week(day, PEOPLE, strange="p1" if day % 9 == 0 else ""))
        service.host.observer.now = lambda day=day: (day + 1) * DAY + 180.0
        looked(service)


def told(service: Service) -> list[Any]:
    with service.host.database.engine.connect() as connection:
        rows = connection.execute(select(anomalies)).all()
        return sorted(tuple(row) for row in [*rows, *connection.execute(select(risk_days.c["tenant", "uid", "day", "level"]))])


def files(service: Service) -> list[Path]:
    return list(service.settings.state.glob("behaviour*"))


def names(service: Service) -> set[str]:
    """Who is known in memory."""
    watching = service.host.observer.memory.watching
    assert watching is not None
    return {account[1] for account in watching._engine._days._stream.profiles._row}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service that was stopped in the midst of its life."""
    var = tmp_path_factory.mktemp("before") / "var"
    with Service(var, **SET) as service:
        service.host.observer.now = lambda: FIRST * DAY
        lived(service, range(FIRST, BREAK))
    return var


@pytest.fixture
def var(before: Path, tmp_path: Path) -> Path:
    shutil.copytree(before, tmp_path / "var")
    return tmp_path / "var"


def put_back(var: Path) -> None:
    """Let the records have come less far than the snapshot, as if they were put back from a backup."""
    with closing(sqlite3.connect(ServiceSettings(var=var).database)) as connection, connection:
        connection.execute("UPDATE marks SET seq = seq - 1 WHERE name = ?", (ANOMALIES,))


def went_on(var: Path, monkeypatch: pytest.MonkeyPatch, **given: Any) -> tuple[list[Any], int]:
    """Go on after a start; return all that was said, and how many events were folded again."""
    again, count = Watching.again, [0]

    def counted(watching: Watching, part: Any) -> None:
        count[0] += len(part.events)
        again(watching, part)

    monkeypatch.setattr(Watching, "again", counted)
    with Service(var, **{**SET, **given}) as service:
        service.host.observer.now = lambda: BREAK * DAY + 180.0
        lived(service, range(BREAK, TODAY))
        return told(service), count[0]


def test_a_start_goes_on_from_the_last_stop_as_if_there_had_been_none(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(var, var.with_name("other"))
    (path,) = (var / "service" / "state").glob("behaviour-*")
    assert path.stat().st_mode & 0o077 == 0, "it holds names"
    from_snapshot, folded = went_on(var, monkeypatch)
    assert folded == 0
    for one in (var.with_name("other") / "service" / "state").glob("behaviour-*"):
        one.unlink()
    from_events, folded = went_on(var.with_name("other"), monkeypatch)
    assert folded > 500
    assert [one[:-1] for one in from_snapshot] == [one[:-1] for one in from_events]


@pytest.mark.parametrize("how", ["cut", "changed", "other settings", "too new", "too old"])
def test_one_that_does_not_fit_is_left_aside(var: Path, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    (path,) = (var / "service" / "state").glob("behaviour-*")
    body = path.read_bytes()
    if how == "cut":
        path.write_bytes(body[: len(body) // 2])
    if how == "changed":
        path.write_bytes(body[:-9] + bytes([body[-9] ^ 1]) + body[-8:])
    if how == "too new":
        put_back(var)
    given = {"other settings": {"false_discovery": 0.3}, "too old": {"keep_anomalies_seconds": 10 * DAY}}.get(how, {})
    _, folded = went_on(var, monkeypatch, **given)
    assert folded > 500


def test_one_of_records_that_are_gone_is_deleted(var: Path) -> None:
    put_back(var)
    with Service(var, **SET) as service:
        service.host.observer.now = lambda: BREAK * DAY + 180.0
        looked(service)
        assert not files(service)


def test_what_is_called_otherwise_is_no_snapshot(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path,) = (var / "service" / "state").glob("behaviour-*")
    stray = path.with_name(path.name.replace("behaviour-", "behaviour-old-"))
    shutil.copyfile(path, stray)
    _, folded = went_on(var, monkeypatch)
    assert folded == 0
    assert stray.exists()


@pytest.mark.parametrize("broken", ["learned", "os.fsync"])
def test_one_that_cannot_be_written_costs_nothing_and_leaves_nothing(
    var: Path, monkeypatch: pytest.MonkeyPatch, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("whatever it is")

    with Service(var, **SET, snapshot_facts=20) as service:
        service.host.observer.now = lambda: BREAK * DAY + 180.0
        looked(service)
        before, watching = files(service), service.host.observer.memory.watching
        with monkeypatch.context() as patch:
            patch.setattr(f"{snapshots.__name__}.{broken}", fails)
            lived(service, range(BREAK, BREAK + 3))
        assert files(service) == before
        assert service.host.observer.memory.watching is watching
        lived(service, range(BREAK + 3, BREAK + 4))
    assert "no snapshot of behaviour could be written" in caplog.text
    assert files(service) != before, "the next one is written"


def test_a_look_after_which_none_is_due_asks_for_none(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, save = [0], Memory.save

    def counted(memory: Memory) -> None:
        asked[0] += 1
        save(memory)

    monkeypatch.setattr(Memory, "save", counted)
    with Service(var, **SET, snapshot_facts=20) as service:
        service.host.observer.now = lambda: BREAK * DAY + 180.0
        looked(service)
        assert asked == [0], "nothing is new"
        lived(service, range(BREAK, BREAK + 3))
        assert 1 <= asked[0] <= 3
    assert asked[0] <= 4, "one more when it stops"


def test_who_is_erased_is_in_no_snapshot_and_others_are_written_as_time_goes_by(var: Path) -> None:
    with Service(var, **SET, snapshot_facts=20) as service:
        service.host.observer.now = lambda: BREAK * DAY + 180.0
        (old,) = files(service)
        lived(service, range(BREAK, BREAK + 3))
        (new,) = files(service)
        assert new != old
        (service.settings.state / "behaviour.part").write_bytes(b"what a crash left")
        assert service.send("DELETE", "/v1/entities/user/p1").status_code == 200
        assert not files(service)
        looked(service)
        assert names(service) == {"p0", "p2", "p3"}
    with Service(var, **SET) as service:
        assert len(files(service)) == 1
        looked(service)
        assert names(service) == {"p0", "p2", "p3"}


def test_who_is_erased_by_command_does_not_come_back(var: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(var))
    assert CliRunner().invoke(app, ["erase", "--tenant", "acme", "--entity", "p1"]).exit_code == 0
    with Service(var, **SET) as service:
        looked(service)
        assert names(service) == {"p0", "p2", "p3"}


def test_who_is_erased_is_forgotten_also_where_nothing_is_stored_or_nobody_waits_for_it(
    var: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Service(var, **SET) as service:
        looked(service)
        gone = partial(erase_behaviour, tenant="acme", names=["p1"], aliases=service.host.encoder.aliases)
        service.run(service.host.write(gone))  # as when all that was stored was too old
        assert "p1" in names(service)
        assert service.send("DELETE", "/v1/entities/user/p1").status_code == 404
        looked(service)
        assert names(service) == {"p0", "p2", "p3"}
        write = service.host.write

        async def left(call: object) -> None:
            await write(call)  # type: ignore[arg-type]
            raise asyncio.CancelledError

        monkeypatch.setattr(service.host, "write", left)
        with pytest.raises(asyncio.CancelledError):
            service.send("DELETE", "/v1/entities/user/p2")
        monkeypatch.undo()
        looked(service)
        assert names(service) == {"p0", "p3"}
