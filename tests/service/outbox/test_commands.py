"""The outbox's commands."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from service.commands import app
from service.outbox import records
from service.outbox.receivers import PAGERDUTY_URL, ReceiverStore
from service.settings import ServiceSettings
from service.store.database import Database
from tests.service.outbox.stub import message

KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "a folder?x=1#%41"))
    return ServiceSettings.from_env()


def run(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(app, ["outbox", *arguments], input=given)


def test_receivers(settings: ServiceSettings) -> None:
    added = run("receivers", "add", "soar", "https://soar.example.com/tamis", "--tenant", "acme", "--kind", "incident.*")
    secret = added.stdout.strip()
    (receiver,) = ReceiverStore(settings.receivers).read()
    assert secret == receiver.keys[0].text
    assert (receiver.tenant, receiver.kinds) == ("acme", ("incident.*",))
    assert receiver.uid in added.stderr
    assert secret not in added.stderr
    rotated = run("receivers", "rotate", receiver.uid).stdout.strip()
    listed = run("receivers", "list").stdout
    assert "soar.example.com" in listed
    assert not any(text in listed for text in (secret, rotated, "/tamis"))
    assert run("retry", receiver.uid).exit_code == 0
    assert ReceiverStore(settings.receivers).read()[0].epoch == 2
    assert run("receivers", "remove", receiver.uid).exit_code == 0
    assert "removed" in run("receivers", "list").stdout
    assert stat.S_IMODE(settings.receivers.stat().st_mode) == 0o600


def test_pagerduty_takes_its_key_from_a_file_or_standard_input(settings: ServiceSettings, tmp_path: Path) -> None:
    (tmp_path / "key").write_text(KEY + "\n")
    for source, given in ((str(tmp_path / "key"), ""), ("-", KEY + "\n")):
        done = run("receivers", "add", "pager", "--template", "pagerduty", "--routing-key", source, given=given)
        assert done.exit_code == 0, done.stderr
    assert {(r.routing_key, r.target.url) for r in ReceiverStore(settings.receivers).read()} == {(KEY, PAGERDUTY_URL)}
    assert KEY not in run("receivers", "list").stdout


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("receivers", "add", "x", "http://soar.example.com/"), "https"),
        (("receivers", "add", "x", "https://127.0.0.1/"), "not public"),
        (("receivers", "add", "x", "https://127.0.0.1:8443/", "--allow-private", "127.0.0.1"), "port"),
        (("receivers", "add", "x"), "scheme"),
        (("receivers", "add", "x", "--template", "pagerduty"), "routing key"),
        (("receivers", "remove", "rcv_none"), "rcv_none"),
        (("receivers", "rotate", "rcv_none"), "rcv_none"),
        (("retry", "rcv_none"), "rcv_none"),
        (("list",), "no records yet"),
    ],
)
def test_what_cannot_be_is_one_line(settings: ServiceSettings, arguments: tuple[str, ...], why: str) -> None:
    done = run(*arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith("error: ")
    assert why in done.stderr
    assert not settings.database.exists()


def test_what_is_allowed_is_kept(settings: ServiceSettings) -> None:
    given = ("--allow-private", "127.0.0.0/8", "--allow-private", "h.example", "--allow-http", "--allow-port", "8080")
    assert run("receivers", "add", "x", "http://127.0.0.1:8080/", *given).exit_code == 0
    target = ReceiverStore(settings.receivers).read()[0].target
    assert (target.allow_private, target.allow_http, target.allow_ports) == (("127.0.0.0/8", "h.example"), True, (8080,))


def test_list_reads_while_the_service_writes_and_after_it_stopped(settings: ServiceSettings) -> None:
    run("receivers", "add", "soar", "https://soar.example.com/")
    database = Database(settings.database, bytes(32))
    made = message(1, tenant="ac\x1b[31mme")
    records.enqueue(database.writer, made)
    records.enqueue(database.writer, message(2, kind="threshold.changed"))
    (soar,) = ReceiverStore(settings.receivers).read()
    for seq, one in records.unrouted(database.writer):
        records.route(database.writer, seq, one, (soar,) if one.uid == made.uid else (), 0.0)
    database.writer.commit()
    for running in (True, False):
        if not running:
            database.close()
        done = run("list")
        assert done.exit_code == 0, done.stderr
        assert len(done.stdout.splitlines()) == 2
        assert "nobody  unwanted" in done.stdout.splitlines()[0]
        assert f"{made.uid}  2024-03-04T08:00:00Z  incident.escalated  ac?[31mme/i1  soar  pending" in done.stdout
        assert run("list", "--state", "failed").stdout == ""
        assert len(run("list", "--most", "1").stdout.splitlines()) == 1


def test_list_before_the_service_was_upgraded(settings: ServiceSettings) -> None:
    settings.database.parent.mkdir(parents=True)
    settings.database.write_bytes(b"")
    assert "when it starts" in run("list").stderr
