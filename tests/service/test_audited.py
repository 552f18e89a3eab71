"""What the audit says: estimates by group with intervals, and how the tests stand; in sums only."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner

from service.commands import app
from service.keys import Role
from tests.service.client import Service, until
from tests.service.watch.world import audited, call, decide, drawn, looked, people, policy, settle


def asked(service: Service, query: str = "", key: str | None = None) -> dict[str, Any]:
    answer = service.send("GET", f"/v1/audit{query}", key or service.keys[Role.ANALYST])
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_misses_are_estimated_overall_and_by_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with audited(tmp_path) as service:
        nothing = asked(service)
        assert (nothing["drawn"], nothing["tests"]) == (0, [])
        assert nothing["misses"] == {"all": {"judged": 0, "confirmed": 0, "share": 0.0, "low": 0.0, "high": 1.0}}
        keys = people(service)
        night = decide(service)
        by_lot = [one["alert_uid"] for one in night if "audit" in one["reason_codes"]]
        bad = drawn(night)[:2]
        call(service, [uid for uid in by_lot if uid not in bad], keys[:1], "false_positive")
        call(service, ["nx.0"], keys[1:], "false_positive")
        call(service, bad[:1], keys[:1])
        call(service, bad[1:], keys)
        found = asked(service)
        assert (found["drawn"], found["judged"], found["pending"]) == (len(by_lot), len(by_lot) - 1, 1)
        assert set(found["misses"]) == {"all", "tenant:acme", "product:wazuh", "severity:3", "rule:wazuh/r1"}
        whole = found["misses"]["all"]
        assert (whole["judged"], whole["confirmed"]) == (len(by_lot) - 1, 1)
        weights = {one["alert_uid"]: 1.0 / one.get("shown", 1.0) for one in night}
        share = weights[bad[1]] / sum(weights[uid] for uid in by_lot if uid != bad[0])
        assert whole["share"] == pytest.approx(share)
        assert whole["low"] < share < whole["high"]
        assert asked(service, key=service.other)["drawn"] == 0
        assert not any(uid in str(found) for uid in by_lot)
        monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "var"))
        told = CliRunner().invoke(app, ["audit", "--json"]).stdout
        assert msgspec.json.decode(told) == found
        assert "rule:wazuh/r1" in CliRunner().invoke(app, ["audit", "--tenant", "acme"]).stdout


def test_the_tests_tell_what_they_saw(tmp_path: Path) -> None:
    with audited(tmp_path) as service:
        keys = people(service)
        decide(service)
        call(service, ["nx.1", "nx.2"], keys[:1])
        settle(service)
        until(service, lambda: bool(asked(service)["tests"]))
        first, second = asked(service)["tests"]
        assert (first["tenant"], second["tenant"]) == ("", "acme")
        assert (first["observed"], first["suppressed"], first["threshold"], first["withdrawn"]) == (2, 0, 20.0, False)
        assert first["evidence"] < 1.0
        service.host.watcher.now = time.time
        looked(service)  # or a look under way would take up with its later time what comes now
        call(service, drawn(decide(service, "m")), keys)
        settle(service)
        until(service, lambda: bool(policy(service).withdrawals))
        until(service, lambda: [test["withdrawn"] for test in asked(service)["tests"]] == [True, True])
        assert [test["evidence"] >= 20.0 for test in asked(service)["tests"]] == [True, True]


def test_roles_and_parameters(service: Service) -> None:
    assert service.send("GET", "/v1/audit", service.keys[Role.PIPELINE]).status_code == 403
    for days in ("0", "401", "x"):
        assert service.send("GET", f"/v1/audit?days={days}", service.keys[Role.ADMIN]).status_code == 422
