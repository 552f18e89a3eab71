"""POST /v1/thresholds/whatif: over what is stored, for the key's tenant, strictly read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import httpx
import numpy as np
import pytest

from features.encode import FactEncoder
from features.label import Verdict
from models.audit import Audit
from service import whatif
from service.keys import Role
from tests.conftest import build_alert, build_label
from tests.service.bundles import AUDIT_LINE, publish
from tests.service.client import Service, finding

HUNDREDTH = "maximum suppression @ missed_incidents <= 0.01, confidence 0.95"
STRICTER = "maximum suppression @ missed_incidents <= 0.001, confidence 0.95"


def _ask(service: Service, key: str | None = None, **body: Any) -> httpx.Response:
    given = {"objectives": [HUNDREDTH], **body}
    return service.send("POST", "/v1/thresholds/whatif", service.keys[Role.SCIENTIST] if key is None else key, json=given)


def _feed(service: Service) -> list[dict[str, Any]]:
    records = [finding(f"a{i}", host=f"h{i % 5}", seconds=20 * i) for i in range(400)]
    found: list[dict[str, Any]] = service.post(records).json()["decisions"]
    return found


def test_what_would_be_hidden_is_what_was(audited: Service) -> None:
    """The objective in force, asked for again, hides exactly what the policy hides, drawn ones included."""
    decided = _feed(audited)
    below = [d for d in decided if "below_threshold" in d["reason_codes"]]
    told = _ask(audited).json()
    assert told["alerts"] == told["scored"] == 400
    assert told["proposed"]["hidden"] == told["present"]["hidden"] == len(below) > 100
    assert told["proposed"]["drawn_a_day"] * told["days"] == pytest.approx(sum(d.get("shown", 1.0) for d in below))
    assert told["pace"]["source"] == "assumed"
    assert len(told["curve"]) > 50


def test_past_true_positives_are_named_and_misses_estimated(audited: Service) -> None:
    decided = _feed(audited)
    drawn = [d["alert_uid"] for d in decided if "audit" in d["reason_codes"] and d.get("shown", 1.0) < 1.0]
    hidden = next(d["alert_uid"] for d in decided if d["action"] == "suppress")
    verdicts = [{"alert_uid": uid, "verdict": "true_positive" if uid == drawn[0] else "false_positive"} for uid in drawn]
    verdicts.append({"alert_uid": hidden, "verdict": "true_positive"})
    assert audited.send("POST", "/v1/labels", audited.keys[Role.ANALYST], json=verdicts).status_code == 201
    told = _ask(audited).json()["proposed"]
    assert {one["alert"]["alert_uid"] for one in told["hidden_attacks"]} == {drawn[0], hidden}
    assert told["hidden_attacks"][0]["alert"]["rule"] == "rule r1"
    assert told["hidden_attacks"][0]["alert"]["entity"].startswith("h")
    known = {one["uid"] for one in audited.send("GET", "/v1/incidents", audited.keys[Role.ANALYST]).json()["incidents"]}
    lost = {one["incident_uid"] for one in told["lost"]}
    assert lost  # by their incidents, once they are joined
    assert lost <= known | {drawn[0], hidden}
    misses = told["misses"]
    assert misses["judged"] == len(drawn)  # the verdict on what was not drawn does not count
    assert misses["misses"]["low"] <= misses["misses"]["share"] <= misses["misses"]["high"]
    assert _ask(audited, objectives=[STRICTER]).json()["proposed"]["lost"] == []


def test_a_policy_that_never_showed_such_alerts_supports_nothing(tmp_path: Path) -> None:
    publish(tmp_path / "var", tmp_path / "work", audit=Audit(rate=0.0, daily=1.0, line=AUDIT_LINE))
    with Service(tmp_path / "var") as service:
        _feed(service)
        misses = _ask(service).json()["proposed"]["misses"]
        assert misses["never"] == misses["alerts"] > 0
        assert misses["misses"] == {"share": None, "low": 0.0, "high": 1.0}
        assert misses["note"].startswith("no support")


def test_a_refused_objective_and_costs(audited: Service) -> None:
    _feed(audited)
    refused = _ask(audited, objectives=[STRICTER]).json()["proposed"]
    assert (refused["certificates"][0]["status"], refused["certificates"][0]["missing"], refused["hidden"]) == (
        "refused",
        2495,
        0,
    )
    assets = {"miss": 1e9, "wrong_response": 1.0, "delay": 1.0}
    assert _ask(audited, costs={"review": 1.0, "default": assets}).json()["proposed"]["hidden"] == 0


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"objectives": ["hide all"]}, "expected a sentence like"),
        ({"objectives": [HUNDREDTH, STRICTER]}, "contradicts"),
        ({"objectives": ["maximum suppression @ missed_incidents <= 0.0, confidence 0.95"]}, "must lie in (0, 1)"),
        ({"objectives": ["maximum major response @ precision >= 0.9, confidence 0.95"]}, "asks less of a larger blast radius"),
        ({"objectives": []}, "length >= 1"),
        ({"objectives": [HUNDREDTH], "day": 3}, "unknown field"),
        ({"objectives": [HUNDREDTH], "days": 0}, "days"),
        ({"objectives": [HUNDREDTH], "days": 91}, "days: at most 90"),
        ({"objectives": [HUNDREDTH], "costs": {"review": -1.0}}, "costs"),
        ({"objectives": HUNDREDTH}, "objectives"),
    ],
)
def test_what_is_wrong_is_told(audited: Service, body: dict[str, Any], word: str) -> None:
    answer = audited.send("POST", "/v1/thresholds/whatif", json=body)
    assert answer.status_code == 422
    problem = answer.json()
    assert word in problem["detail"]
    if "sentence" in str(problem.get("errors", "")):
        assert problem["errors"][0]["sentence"] in body["objectives"]


def test_roles_tenants_and_no_model(audited: Service, tmp_path: Path) -> None:
    _feed(audited)
    for role, code in ((Role.PIPELINE, 403), (Role.ANALYST, 403), (Role.SCIENTIST, 200), (Role.ADMIN, 200)):
        assert _ask(audited, audited.keys[role]).status_code == code
    other = _ask(audited, audited.other).json()
    assert (other["alerts"], other["proposed"]["hidden"], other["proposed"]["hidden_attacks"]) == (0, 0, [])
    with Service(tmp_path / "empty") as bare:
        assert _ask(bare).status_code == 409


def test_work_is_bounded(tmp_path: Path) -> None:
    publish(tmp_path / "var", tmp_path / "work")
    with Service(tmp_path / "var", whatif_alerts=50) as service:
        _feed(service)
        told = _ask(service).json()
        assert told["alerts"] == 50
        assert "only the latest 50 alerts" in " ".join(told["notes"])


def test_attacks_of_no_incident_are_counted_as_certificates_do() -> None:
    alerts = [build_alert(i, at=i * 43_200.0, rule="scan" if i < 5 else "other", host="h1") for i in range(6)]
    rows = whatif._Rows(
        seq=list(range(6)), uid=[alert.uid for alert in alerts], received=np.zeros(6), incident=["", "", "", "joined", "", ""],
        block=FactEncoder(b"s" * 32).alerts(alerts), judgement=cast(Any, None), shown=np.ones(6),
        came=np.ones(6, bool), left_out=0,
    )  # fmt: skip
    given = [(i, build_label(alert, Verdict.TRUE_POSITIVE, uid=f"l{i}", incident_uid="")) for i, alert in enumerate(alerts)]
    target, incident, uids = whatif._in_force(rows, given)
    assert target.tolist() == [1] * 6
    assert [uids[number] for number in incident] == ["a0", "a0", "a2", "joined", "a4", "a5"]
    taken_back = build_label(alerts[5], Verdict.FALSE_POSITIVE, uid="l6", incident_uid="")
    target, incident, uids = whatif._in_force(rows, [*given, (5, taken_back)])
    assert (target[5], incident[5], uids) == (0, -1, ["a0", "a2", "joined", "a4"])
