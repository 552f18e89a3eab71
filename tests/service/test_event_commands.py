"""``tamis events``: into a running service, and into its records while none runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from features.event_table import write_events
from features.normalisers.base import Place
from features.normalisers.events import EVENT_NORMALISERS
from service.commands import app
from tests.service.client import Service
from tests.service.process import Process
from tests.service.test_events import event

GOLDEN = Path(__file__).parents[1] / "features" / "golden" / "events"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["events", *arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Two events, one of them twice, one with other content, one that is none."""
    records = [
        event("a"),
        event("b", target={"kind": "file", "uid": "pay\u202efdp.exe"}),
        event("a"),
        event("b", actor="eve"),
        {"uid": "c"},
    ]
    path = tmp_path / "sent.json"
    path.write_text(json.dumps(records, indent=1))
    return path


def test_into_the_records(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "var"))
    done = run("import", str(file), "--format", "native", "--tenant", "acme")
    assert done.exit_code == 0, done.stderr
    assert done.stderr.splitlines()[-1] == "2 stored, 1 duplicates, 2 put aside"
    assert "1 put aside, first sent.json row 3: uid: this uid came before with other content" in done.stderr
    assert (
        run("import", str(file), "--format", "native", "--tenant", "acme").stderr.splitlines()[-1].startswith("0 stored, 3 dup")
    )
    listed = run("list", "--entity", "ADA").stdout.splitlines()
    assert len(listed) == 2
    assert "user ada: logon → file pay[U+202E]fdp.exe, unknown" in listed[1]
    assert run("list", "--last", "1").stdout.splitlines() == listed[1:]
    assert run("list", "--tenant", "other").stdout == ""
    assert run("count").stdout.split() == ["2", "acme"]


def test_every_format_into_the_records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "var"))
    number = 0
    for fmt in EVENT_NORMALISERS:
        raws = [record["raw"] for record in json.loads((GOLDEN / f"{fmt}.json").read_text())]
        path = tmp_path / f"{fmt}.log"
        path.write_text("\n".join(raw if isinstance(raw, str) else json.dumps(raw) for raw in raws))
        done = run("import", str(path), "--format", fmt, "--tenant", "acme", "--received", "2024-03-05")
        assert done.stderr.splitlines()[-1].endswith("0 put aside"), done.stderr
        number += len(raws)
    assert run("count").stdout.split() == [str(number), "acme"]


def test_into_a_running_service(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "var"))
    lines = tmp_path / "auth.log"
    lines.write_text("x\n\nMar  4 08:15:31 web-1 sshd[8]: Accepted password for ada from 203.0.113.5 port 4 ssh2\n")
    native = EVENT_NORMALISERS["native"]
    table = tmp_path / "e.parquet"
    write_events(table, [native.decode(json.dumps(event(f"p{i}")).encode(), Place("acme")) for i in range(2500)])
    with Process(tmp_path / "var") as service:
        to = ("--url", service.url, "--key", service.key)
        done = run("import", str(file), "--format", "native", *to)
        assert done.stderr.splitlines()[-1] == "2 stored, 1 duplicates, 2 put aside", done.stderr
        assert "first sent.json row 3: uid" in done.stderr
        assert (
            run("import", str(lines), "--format", "linux-auth", *to).stderr.splitlines()[-1]
            == "1 stored, 0 duplicates, 1 put aside"
        )
        assert (
            run("import", str(table), "--format", "native", *to).stderr.splitlines()[-1]
            == "2500 stored, 0 duplicates, 0 put aside"
        )
        assert run("count").stdout.split() == ["2503", "acme"]
        refused = run("import", str(file), "--format", "native", "--tenant", "acme")
        assert refused.exit_code == 1
        assert "in use by another service; while the service runs" in refused.stderr
        assert "401" in run("import", str(file), "--format", "native", "--url", service.url, "--key", "x").stderr
        assert "the tenant is the key's" in run("import", str(file), "--format", "native", "--tenant", "x", *to).stderr


def test_what_was_answered_survives_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "var"))
    file = tmp_path / "e.jsonl"
    file.write_text("\n".join(json.dumps(event(f"{i}")) for i in range(700)))
    with Process(tmp_path / "var") as service:
        assert run("import", str(file), "--format", "native", "--url", service.url, "--key", service.key).exit_code == 0
        service.kill()
    assert run("count").stdout.split() == ["700", "acme"]
    assert (
        run("import", str(file), "--format", "native", "--tenant", "acme").stderr.splitlines()[-1].startswith("0 stored, 700 dup")
    )


def test_a_service_that_is_not_there(file: Path) -> None:
    refused = run("import", str(file), "--format", "native", "--url", "http://127.0.0.1:1", "--key", "x")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("error: http://127.0.0.1:1")


def test_mistakes_are_one_line(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "var"))
    for arguments, said in (
        (("list",), "there are no records yet"),
        (("import", str(file), "--format", "nonsense"), "known: cloudtrail, github"),
        (("import", str(tmp_path / "none"), "--format", "native"), "no such file"),
    ):
        done = run(*arguments)
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_lines_are_one_record_each_also_for_the_route(service: Service) -> None:
    body = b"Mar  4 08:15:31 web-1 sshd[8]: Accepted password for ada from 203.0.113.5 port 4 ssh2\r\n\r\nnothing\n"
    answer = service.send("POST", "/v1/events?format=linux-auth", content=body)
    assert (answer.status_code, answer.json()["stored"]) == (200, 1)
    assert [reject["row"] for reject in answer.json()["rejected"]] == [1]
    trail = json.dumps({"Records": [record["raw"] for record in json.loads((GOLDEN / "cloudtrail.json").read_text())]})
    assert service.send("POST", "/v1/events?format=cloudtrail", content=trail).json()["stored"] == 5
