"""Entities by API: who sees what, pages, hostile names, one tenant's from another's; shown to whom they concern, and erased."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from service.commands import app
from service.keys import Role
from service.store.entity_tables import anomalies, control_changes, entities, risk_days
from service.store.tables import alerts, events
from tests.service.behaviour.world import (
    BOUNDED,
    DAY,
    TODAY,
    Driven,
    alarm,
    alarming,
    benign,
    entity,
    looked,
    received,
    scored,
    week,
)
from tests.service.behaviour.world import told as told_outside
from tests.service.client import Service

MASKED = (Role.ANALYST, Role.SCIENTIST)
NAMES = [
    "anna", "a/b", "a b", "Ünïcödé", "日本", "a?b#c&d=e", "../../etc/passwd", "'; DROP TABLE entities; --", "<script>alert(1)</script>",
    "user-0123456789abcdef", "anna@example.com", "CORP\\anna", "%2e%2e", "x" * 900, "\u202egnirts", "a\u0000b", "none",
]  # fmt: skip


def listed(service: Service, query: str = "", key: str | None = None) -> list[dict[str, object]]:
    answer = service.send("GET", f"/v1/entities?{query}", key)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["entities"]
    return found


def test_the_highest_risk_comes_first_page_by_page(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        for i in range(1, 6):
            service.post([alarming(f"{i}-{rule}", f"rule {rule}", f"u{i}", f"h{i}", ago=i * DAY) for rule in range(2)])
        looked(service)
        whole = listed(service)
        risks = [one["risk"] for one in whole]
        assert len(whole) == 10
        assert risks == sorted(risks, reverse=True)
        assert {one["kind"] for one in listed(service, "kind=host&sort=risk")} == {"host"}
        found, after = [], ""
        while True:
            page = service.send("GET", f"/v1/entities?limit=3&after={after}").json()
            found += page["entities"]
            if (after := page["next"]) is None:
                break
        assert [(one["kind"], one["uid"]) for one in found] == [(one["kind"], one["uid"]) for one in whole]
        for query in ("after=x", "after=1:y", "sort=name", "kind=planet", "limit=0", "limit=1000"):
            assert service.send("GET", f"/v1/entities?{query}").status_code == 422, query
        assert service.send("GET", "/v1/entities/planet/u1").status_code == 422


def test_a_control_that_never_changed_is_since_no_time(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        benign(service, 1)
        (quiet,) = listed(service)
        assert entity(service, "user", str(quiet["uid"]))["since"] is None
        alarm(service)
        assert entity(service, "user", "anna")["since"] is not None


def test_whatever_somebody_is_called(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        service.post([alarming(f"a{i}", user=name) for i, name in enumerate(NAMES)])
        looked(service)
        for i, name in enumerate(NAMES):
            path = f"/v1/entities/user/{quote(name, safe='')}"
            told = service.send("GET", path)
            assert told.status_code == 200, told.text
            assert told.json()["uid"] == name
            assert service.send("GET", f"{path}?format=ocsf").json()["actor"]["user"]["name"] == name
            held = service.send("GET", f"{path}/records").json()
            assert [one["alert"]["uid"] for one in held["alerts"]] == [f"a{i}"]
            assert service.send("DELETE", path).json()["erased"] == 1
            assert service.send("GET", path).status_code == 404


def test_who_needs_no_names_sees_none_anywhere(tmp_path: Path) -> None:
    name = "Erika.Mustermann"
    with scored(tmp_path, **BOUNDED) as service:
        benign(service)
        for day in range(TODAY - 85, TODAY):
            received(service, week(day, [f"p{i}" for i in range(5)] + [name], strange=name if day >= TODAY - 3 else ""))
        service.post([alarming(f"{name}-{i}", f"odd logon of {name.upper()} {i}", name) for i in range(4)])
        looked(service)
        pseudonym = entity(service, "user", name)["pseudonym"]
        service.post({"reason": f"is {name} on holiday?"}, f"/v1/entities/user/{pseudonym}/unmask")
        paths = [f"/v1/entities/user/{pseudonym}{form}" for form in ("", "?format=ocsf")] + [
            "/v1/entities",
            "/v1/entities?kind=user",
        ]
        for role in MASKED:
            for path in paths:
                answer = service.send("GET", path, service.keys[role])
                assert answer.status_code == 200
                assert name.casefold() not in answer.text.casefold(), (role, path)
                for other in (f"ws-{name[::-1]}".casefold(), "burner", "files"):
                    assert other not in answer.text.casefold(), "nor what tells whose it is"
            assert service.send("GET", f"/v1/entities/user/{name}", service.keys[role]).status_code == 404, (
                "a name cannot be tried"
            )
            told = entity(service, "user", pseudonym, role)
            assert told["uid"] == pseudonym
            assert told["deviates"]
            assert told["baseline"]["usual"]["country"][0]["value"] == "DE"
            assert [one["time"] for one in told["sources"][0].get("alerts", [{"time": 1}])]
            assert "on holiday" in told["unmaskings"][0]["reason"]
        for role in (Role.ADMIN, Role.PIPELINE):
            whole = entity(service, "user", name, role)
            assert whole["uid"] == name
            assert entity(service, "user", pseudonym, role)["uid"] == name
            assert any(each.get("uid", "").startswith(name) for one in whole["sources"] for each in one.get("alerts", []))


def test_a_pseudonym_stays_and_means_nothing_elsewhere(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        service.post([alarming("a", user="anna"), alarming("b", user="bob")])
        service.post([alarming("a", user="anna")], key=service.other)
        looked(service)
        mine = {one["uid"] for one in listed(service, key=service.keys[Role.ANALYST])}
        other = entity_of(service, service.other)["pseudonym"]
        assert len(mine) == 2
        assert other not in mine
        assert service.send("GET", f"/v1/entities/user/{other}").status_code == 404
    with Driven(tmp_path / "var", poll_seconds=3600.0) as service:
        assert {one["uid"] for one in listed(service, key=service.keys[Role.SCIENTIST])} == mine


def entity_of(service: Service, key: str) -> dict[str, object]:
    found: dict[str, object] = service.send("GET", "/v1/entities/user/anna", key).json()
    return found


def test_unmasking_is_logged_and_the_log_is_never_changed(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        alarm(service)
        analyst = service.keys[Role.ANALYST]
        pseudonym = listed(service, key=analyst)[0]["uid"]
        path = f"/v1/entities/user/{pseudonym}/unmask"
        for body in ({}, {"reason": ""}, {"reason": "  "}, {"reason": "x" * 501}, {"reason": "x", "by": "somebody"}, []):
            assert service.post(body, path, analyst).status_code == 422, body
        assert service.send("POST", path, analyst, content=b"x" * 10_000).status_code == 413
        assert service.post({"reason": "x"}, path, service.keys[Role.SCIENTIST]).status_code == 403
        assert service.post({"reason": "x"}, "/v1/entities/user/anna/unmask", analyst).status_code == 404, (
            "a name is no pseudonym"
        )
        assert service.post({"reason": "x"}, f"/v1/entities/host/{pseudonym}/unmask", analyst).status_code == 404
        assert service.post({"reason": "x"}, path, service.other).status_code == 404
        assert service.send("GET", "/v1/unmaskings").json() == {"unmaskings": []}
        told = service.post({"reason": "call them back"}, path, analyst).json()
        assert (told["uid"], told["pseudonym"], told["entity"]["uid"]) == ("anna", pseudonym, "anna")
        log = service.send("GET", "/v1/unmaskings").json()["unmaskings"]
        assert [(one["pseudonym"], one["by"], one["role"], one["reason"]) for one in log] == [
            (pseudonym, "analyst", "analyst", "call them back")
        ]
        assert service.send("GET", "/v1/unmaskings", analyst).status_code == 403
        assert service.send("GET", "/v1/unmaskings", service.other).json() == {"unmaskings": []}
        for change in ("UPDATE unmaskings SET reason = ''", "DELETE FROM unmaskings"):
            with service.host.database.engine.connect() as connection, pytest.raises(IntegrityError, match="append-only"):
                connection.exec_driver_sql(change)


def test_one_persons_records_are_shown_to_them_and_then_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = "Erika.Mustermann"
    with scored(tmp_path) as service:
        for day in range(TODAY - 4, TODAY):
            received(service, week(day, ["bob", name]))
        service.post([alarming("x1", user=name), alarming("x2", user="bob")])
        service.post({"alert_uid": "x1", "verdict": "false_positive"}, "/v1/labels")
        looked(service)
        path = f"/v1/entities/user/{name.lower()}"
        pseudonym = entity(service, "user", name)["pseudonym"]
        service.post({"reason": "to ask"}, f"/v1/entities/user/{pseudonym}/unmask")
        assert service.send("GET", f"{path}/records", service.keys[Role.PIPELINE]).status_code == 403
        held = service.send("GET", f"{path}/records").json()
        assert len(held["events"]) >= 8
        assert (held["pseudonym"], held["entity"]["name"]) == (pseudonym, name)
        assert [one["verdicts"][0]["verdict"] for one in held["alerts"]] == ["false_positive"]
        assert held["risk"]
        assert held["anomalies"]
        assert [one["reason"] for one in held["unmaskings"]] == ["to ask"]
        monkeypatch.setenv("TAMIS_VAR", str(tmp_path / "var"))
        made = CliRunner().invoke(app, ["records", "--tenant", "acme", "--uid", name])
        assert made.exit_code == 0, made.output
        assert {**msgspec.json.decode(made.stdout), "as_of": ""} == {**held, "as_of": ""}
        assert service.send("DELETE", path, service.keys[Role.ANALYST]).status_code == 403
        assert service.send("DELETE", path, service.other).status_code == 404
        gone = service.send("DELETE", path).json()
        assert (gone["erased"], gone["events"]) == (1, len(held["events"]))
        assert service.send("DELETE", path).status_code == 404
        looked(service)
        assert service.send("GET", path).status_code == 404
        rest = service.send("GET", f"{path}/records").json()
        assert (rest["events"], rest["anomalies"], rest["alerts"], rest["risk"], rest["entity"]) == ([], [], [], [], None)
        assert [one["reason"] for one in rest["unmaskings"]] == ["to ask"], "who asked is still known"
        assert entity(service, "user", "bob")["baseline"]["events_a_day"]["median"] >= 2.0
        with service.host.database.engine.connect() as connection:
            for table in (entities, anomalies, risk_days, control_changes, events, alerts):
                assert "mustermann" not in str(connection.execute(select(table)).all()).casefold(), table
        assert all("mustermann" not in str(one).casefold() for one in told_outside(service))
        assert service.send("GET", "/v1/alerts/x1").status_code == 410
    assert CliRunner().invoke(app, ["verify-log"]).exit_code == 0
    for day in (["erase", "--tenant", "acme", "--entity", "bob"],):
        assert CliRunner().invoke(app, day).exit_code == 0
    with Driven(tmp_path / "var", poll_seconds=3600.0) as service:
        looked(service)
        assert service.send("GET", "/v1/entities/user/bob").status_code == 404


def test_as_ocsf(tmp_path: Path) -> None:
    with scored(tmp_path) as service:
        for day in range(TODAY - 85, TODAY):
            received(service, week(day, [f"p{i}" for i in range(6)], strange="p1" if day >= TODAY - 3 else ""))
        service.post(alarming("a", user="p2", host="ws"))
        looked(service)
        told = service.send("GET", "/v1/entities/user/p1?format=ocsf").json()
        assert (told["class_uid"], told["type_uid"], told["category_uid"]) == (2004, 200402, 2)
        assert isinstance(told["risk_score"], int)
        assert service.send("GET", "/v1/entities/host/ws?format=ocsf").json()["device"]["hostname"] == "ws"
        assert service.send("GET", "/v1/entities/user/p1?format=xml").status_code == 422
