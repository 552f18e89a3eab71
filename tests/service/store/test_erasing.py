"""Erasure: what is personal is gone from the file, what was decided stays, and the log is whole."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from features.history import read_alerts, read_labels
from service.commands import app
from service.export import export
from service.keys import Role
from tests.service.client import Service, finding
from tests.service.closure.cases import attack, raised, report, told
from tests.service.store.test_log_check import looked_at

SECRET = "Erika Mustermann of payroll"


def personal(uid: str, **more: object) -> dict[str, object]:
    return finding(uid, message=SECRET, **more)  # type: ignore[arg-type]


def in_file(service: Service, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in service.settings.database.parent.glob("tamis.db*"))


def test_an_erased_alert_is_gone_and_all_else_stays(tmp_path: Path) -> None:
    with Service(tmp_path / "var") as service:
        service.post([personal("anna-1"), personal("anna-2", seconds=10), finding("b", seconds=20)])
        service.post({"alert_uid": "anna-1", "verdict": "false_positive", "reason": SECRET}, "/v1/labels")
        assert service.send("DELETE", "/v1/alerts/anna-1", service.keys[Role.ANALYST]).status_code == 403
        assert service.send("DELETE", "/v1/alerts/anna-1", service.other).status_code == 404
        assert service.send("DELETE", "/v1/alerts/anna-1").status_code == 204
        for method, path in (("GET", "/v1/alerts/anna-1"), ("GET", "/v1/decisions/anna-1"), ("DELETE", "/v1/alerts/anna-1")):
            answer = service.send(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (410, "application/problem+json")
        assert service.post(personal("anna-1")).status_code == 410
        assert (
            service.post([personal("anna-1"), personal("anna-2", seconds=10)]).json()["rejected"][0]["reason"].endswith("erased")
        )
        assert service.send("GET", "/v1/alerts/never").status_code == 404
        assert service.send("DELETE", "/v1/alerts/anna-2").status_code == 204
        assert [item["alert_uid"] for item in service.send("GET", "/v1/queue").json()["alerts"]] == ["b"]
        found = looked_at(service)
        assert (found.rows, found.erased, found.faults) == (3, 2, [])
        assert not in_file(service, SECRET)
        assert not in_file(service, "anna-")
    assert export(service.settings, tmp_path / "out", None)["decisions"] == 3
    first = next(iter(read_alerts(tmp_path / "out")))[0][1]
    assert (first.rule.uid, first.entities, first.message, first.raw) == ("r1", (), "", "")
    assert [label.reason for _, label in read_labels(tmp_path / "out")] == [""]


def test_by_entity_and_in_an_incident_that_escalates(tmp_path: Path) -> None:
    with Service(tmp_path / "var") as service:
        uid = raised(service, attack("a", seconds=0))
        assert service.send("DELETE", "/v1/alerts?entity=nobody").status_code == 404
        host = service.send("GET", "/v1/alerts/a").json()["device"]["hostname"]
        assert service.send("DELETE", f"/v1/alerts?entity={host.upper()}").json()["erased"] >= 1
        assert service.send("GET", "/v1/alerts/a").status_code == 410
        for path in (f"/v1/incidents/{uid}", f"/v1/incidents/{uid}/chain", f"/v1/incidents/{uid}/report", "/v1/measures"):
            assert service.send("GET", path).status_code in (200, 404), path
        report(service, uid, told("o1", status="failed"))
        assert looked_at(service).faults == []
    with Service(tmp_path / "var") as service:
        assert service.send("GET", "/v1/alerts/a").status_code == 410


def test_nothing_else_can_change_an_alert(service: Service) -> None:
    service.post([finding("a"), finding("b", seconds=5)])
    service.send("DELETE", "/v1/alerts/a")
    other = sqlite3.connect(service.settings.database)
    try:
        for change in (
            "UPDATE alerts SET payload = x'7b7d' WHERE uid = 'b'",
            "UPDATE alerts SET payload = x'7b7d' WHERE length(digest) = 0",
            "DELETE FROM erasures",
        ):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(change)
    finally:
        other.close()


def test_who_blanks_an_alert_by_hand_is_found(service: Service) -> None:
    service.post([finding("a"), finding("b", seconds=5)])
    other = sqlite3.connect(service.settings.database)
    try:
        other.execute("INSERT INTO erasures VALUES (1, 0.0, 'me', x'00')")
        other.execute("UPDATE alerts SET payload = x'7b7d', digest = x'' WHERE seq = 1")
        other.commit()
    finally:
        other.close()
    (fault,) = looked_at(service).faults
    assert (fault.row, fault.what) == (1, "its alert is marked as erased, but not by the service")


def test_by_command_only_while_nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "var"))

    def run(*arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(app, arguments)
        return done.exit_code, done.output

    with Service(tmp_path / "var") as service:
        service.post([personal("a"), finding("b", seconds=5, host="h2")])
        code, said = run("erase", "--tenant", "acme", "--alert", "a")
        assert (code, "DELETE /v1/alerts" in said) == (1, True)
        assert run("verify-log")[0] == 0
    assert run("erase", "--tenant", "acme", "--alert", "a")[0] == 0
    assert run("erase", "--tenant", "acme", "--alert", "a") == (1, "error: alert a was erased\n")
    assert run("erase", "--tenant", "acme", "--alert", "x") == (1, "error: no alert x\n")
    assert run("erase", "--tenant", "acme", "--entity", "H2")[0] == 0
    assert run("verify-log") == (0, "2 decisions, 2 of erased alerts, 2 anchors: whole\n")
    assert not in_file(service, SECRET)
    connection = sqlite3.connect(service.settings.database)
    connection.execute("DROP TRIGGER decisions_no_update")
    connection.execute("UPDATE decisions SET priority = 1 WHERE id = 2")
    connection.commit()
    connection.close()
    code, said = run("verify-log")
    assert (code, said.startswith("row 2 (alert erased-")) == (1, True)
    assert said.endswith("1 fault\n")


def test_without_records_or_secret_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path))
    runner = CliRunner()
    assert "there are no records yet" in runner.invoke(app, ["verify-log"]).output
    with Service(tmp_path) as service:
        service.post(finding("a"))
    service.settings.secret.unlink()
    done = runner.invoke(app, ["verify-log"])
    assert (done.exit_code, "is missing" in done.output) == (1, True)
    assert not service.settings.secret.exists()
