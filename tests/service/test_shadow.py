"""The report of a shadow period from stored decisions and verdicts, over HTTP and on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from models.live_policy import Mode
from service.commands import app
from service.keys import Role
from tests.service.bundles import automate, publish
from tests.service.client import Service, finding


def test_a_shadow_period_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    var = tmp_path / "var"
    publish(var, tmp_path / "work")
    automate(var, mode=Mode.SHADOW)
    with Service(var) as service:
        made = service.post([finding(f"a{i}", host=f"h{i % 2}", seconds=60.0 * i) for i in range(60)]).json()["decisions"]
        would = [d["alert_uid"] for d in made if d["action"] == "suppress"]
        service.post([{"alert_uid": uid, "verdict": "false_positive"} for uid in would[:10]], "/v1/labels")
        service.post({"alert_uid": would[10], "verdict": "true_positive"}, "/v1/labels")
        service.post([finding("b", seconds=0.0)], key=service.other)
        report = service.send("GET", "/v1/policy/report", service.keys[Role.SCIENTIST]).json()
        assert service.send("GET", "/v1/policy/report?days=0").status_code == 422
        assert service.send("GET", "/v1/policy/report", service.other).json()["groups"]["all"]["alerts"] == 1
    whole = report["groups"]["all"]
    assert (whole["alerts"], whole["suppressed"], whole["let_out"]) == (60, len(would), 0)
    assert (whole["attacks"]["hits"], whole["attacks"]["of"]) == (1, 11)
    assert whole["saved_seconds"] == len(would) * report["seconds"]
    assert {"product:wazuh", "severity:3", "rule:wazuh/r1"} < set(report["groups"])
    assert (whole["missed"]["of"], whole["right"]["of"], whole["precision_bound"]) == (1, 0, 0.0)
    monkeypatch.setenv("TAMIS_VAR", str(var))
    told = CliRunner().invoke(app, ["policy", "report", "--tenant", "acme"]).stdout
    assert f"all: {len(would)} of 60 alerts would be suppressed" in told
    assert "of 11 of them judged 1 are attacks" in told


def test_without_records_there_is_nothing_to_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", str(tmp_path))
    refused = CliRunner().invoke(app, ["policy", "report", "--tenant", "acme"])
    assert (refused.exit_code, "no records yet" in refused.stderr) == (1, True)
