"""GET /v1/incidents/{uid}/report, and what to do next."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.alert import EntityKind
from features.context import import_facts
from models.closure.report_html import POLICY
from models.live_policy import LivePolicy, NeverTouch
from service.keys import Role
from tests.service.client import Service
from tests.service.closure.cases import QUIET, attack, raised, report, status_of, told
from tests.service.closure.test_returning import noisy, suppressing


def test_a_report_comes_as_data_text_and_a_page(service: Service) -> None:
    uid = raised(service, attack("a"), attack("b", "T1071.001", seconds=60))
    data = service.send("GET", f"/v1/incidents/{uid}/report")
    assert (data.json()["status"], data.json()["title"], data.json()["decided"]) == ("open", "malware on a host", 2)
    text = service.send("GET", f"/v1/incidents/{uid}/report?format=md")
    assert text.headers["content-type"].startswith("text/markdown")
    assert text.text.startswith(f"# Incident {uid}")
    page = service.send("GET", f"/v1/incidents/{uid}/report?format=html")
    assert page.headers["content-security-policy"] == POLICY
    assert "<svg" in page.text
    assert service.send("GET", f"/v1/incidents/{uid}/report?format=pdf").status_code == 422


def test_a_hostile_name_stays_text(service: Service) -> None:
    host = "<script>alert(1)</script>"
    uid = raised(service, attack("a", host=host))
    page = service.send("GET", f"/v1/incidents/{uid}/report?format=html").text
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "<script" not in service.send("GET", f"/v1/incidents/{uid}/report?format=md").text
    assert "<script" not in service.send("GET", f"/v1/incidents/{uid}/chain").json()["picture"]


def test_of_a_closed_incident_the_report_is_that_of_its_closing(tmp_path: Path) -> None:
    with Service(tmp_path, **QUIET) as service:
        uid = raised(service, attack("a"))
        report(service, uid, told("o1"))
        closing = service.send("GET", f"/v1/incidents/{uid}/report").json()
        assert (closing["status"], closing["resolution"]["state"]) == ("closed", "mitigated")
        report(service, uid, told("o2", "collect-forensics", ago=20))
        assert service.send("GET", f"/v1/incidents/{uid}/report").json() == closing
        assert [one["uid"] for one in closing["outcomes"]] == ["o1"]


@pytest.mark.parametrize("path", ["report", "recommendations", "chain", "similar"])
def test_an_incident_of_another_tenant_is_none(service: Service, path: str) -> None:
    uid = raised(service, attack("a"))
    assert service.send("GET", f"/v1/incidents/{uid}/{path}", service.other).status_code == 404
    assert service.send("GET", f"/v1/incidents/{uid}/{path}").status_code == 200


def test_an_analyst_sees_no_score_and_no_draw(tmp_path: Path) -> None:
    with suppressing(tmp_path) as service:
        uid, *_ = noisy(service)
        report(service, uid, told("o1", status="failed"))
        seen, all_ = (
            service.send("GET", f"/v1/incidents/{uid}/report", service.keys[role]).json() for role in (Role.ANALYST, Role.ADMIN)
        )
        assert any("score" in one for one in all_["decisions"])
        assert any("audit" in one["reason_codes"] for one in all_["decisions"])
        assert any("shown" in one for one in all_["decisions"])
        assert not any({"score", "anomaly_score", "reason_codes", "shown"} & one.keys() for one in seen["decisions"])
        assert {line.get("score", 0.0) for line in seen["incident"]["lines"]} == {0.0}
        assert {link["probability"] for link in seen["incident"]["links"]} <= {0.0}
        text = service.send("GET", f"/v1/incidents/{uid}/report?format=md", service.keys[Role.ANALYST]).text
        assert "audit" not in text
        assert "highest score" not in text
        assert all_["certificates"][0]["certificate"]["status"] == "granted"
        pipeline = service.send("GET", f"/v1/incidents/{uid}/report", service.keys[Role.PIPELINE]).json()
        assert not any("audit" in one.get("reason_codes", ()) or "shown" in one for one in pipeline["decisions"])


def test_recommendations_follow_outcomes_and_what_worked(tmp_path: Path) -> None:
    with Service(tmp_path, **QUIET) as service:
        uid = raised(service, attack("a"))
        first = service.send("GET", f"/v1/incidents/{uid}/recommendations").json()["recommendations"]
        assert first[0]["slug"] == "isolate-host"
        assert [target["uid"] for target in first[0]["targets"]] == ["ws-1"]
        assert "reimage-host" not in {one["slug"] for one in first}
        assert any("No similar incident" in why for why in first[0]["reasons"])
        report(service, uid, told("o1"))
        assert status_of(service, uid) == "closed"
        later = service.send("GET", f"/v1/incidents/{uid}/recommendations").json()["recommendations"]
        assert "isolate-host" not in {one["slug"] for one in later}
        assert {one["action"] for one in later if one["slug"] == "reimage-host"} == {"approve"}
        other = raised(service, attack("b", host="ws-2", seconds=9e6))
        again = service.send("GET", f"/v1/incidents/{other}/recommendations").json()["recommendations"]
        assert "Of 1 similar incident handled with it, 1 was mitigated." in again[0]["reasons"]
        (alike,) = service.send("GET", f"/v1/incidents/{other}/similar").json()["similar"]
        assert (alike["uid"], alike["responses"][0]["outcome"]) == (uid, "succeeded")


def test_what_was_learned_survives_a_restart(tmp_path: Path) -> None:
    with Service(tmp_path, **QUIET) as service:
        uid = raised(service, attack("a"))
        report(service, uid, told("o1"))
    with Service(tmp_path, **QUIET) as service:
        other = raised(service, attack("b", host="ws-2", seconds=9e6))
        (alike,) = service.send("GET", f"/v1/incidents/{other}/similar").json()["similar"]
        assert alike["uid"] == uid


def test_a_critical_host_is_not_touched_without_a_person(tmp_path: Path) -> None:
    (tmp_path / "assets.csv").write_text("tenant,uid,criticality\nacme,ws-1,4\n")
    with Service(tmp_path / "var") as service:
        import_facts(service.settings.context, "assets", tmp_path / "assets.csv", "", datetime.now(UTC))
        service.run(service.host._look_at_context())
        uid = raised(service, attack("a"))
        first = service.send("GET", f"/v1/incidents/{uid}/recommendations").json()["recommendations"][0]
        assert (first["slug"], first["action"]) == ("isolate-host", "approve")
        assert any("critical" in why for why in first["reasons"])


def test_what_may_be_automatic_and_whom_nothing_touches_are_of_one_version(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A version that cannot be read in between names nobody who is not to be touched."""
    uid = raised(service, attack("a"))
    never = NeverTouch(tenant="acme", kind=EntityKind.HOST, uid="ws-1")
    looks = iter([LivePolicy(never_touch=(never,))])
    monkeypatch.setattr(service.host.closer.counsel, "_live", lambda: (next(looks, None), None))
    first = service.send("GET", f"/v1/incidents/{uid}/recommendations").json()["recommendations"][0]
    assert first["slug"] == "isolate-host"
    assert any("not to be touched by automation" in why for why in first["reasons"])


def test_a_chain_is_told(service: Service) -> None:
    uid = raised(service, attack("a"), attack("b", "T1071.001", seconds=60))
    found = service.send("GET", f"/v1/incidents/{uid}/chain").json()
    assert found["chain"]["entry"] == {"kind": "host", "uid": "ws-1"}
    assert "ws-1" in found["text"]
    assert found["picture"].startswith("<svg")


def test_the_catalogue_says_what_it_refused(tmp_path: Path) -> None:
    own = tmp_path / "playbooks"
    own.mkdir()
    (own / "broken.json").write_text("{}")
    with Service(tmp_path / "var", playbooks=own) as service:
        found = service.send("GET", "/v1/playbooks").json()
        assert "isolate-host" in {one["slug"] for one in found["playbooks"]}
        assert [one["file"] for one in found["refused"]] == ["broken.json"]
        assert next(one for one in found["playbooks"] if one["slug"] == "reimage-host")["action"] == "approve"
