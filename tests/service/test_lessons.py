"""GET /v1/queue?purpose=label."""

from __future__ import annotations

from typing import Any

from models.teaching import Why
from service.keys import Role
from service.lessons import BECAUSE
from tests.service.client import Service, finding
from tests.service.test_audit import decide, is_drawn, shape
from tests.service.test_verdicts import say


def lessons(service: Service, budget: int, role: Role = Role.ANALYST) -> list[dict[str, Any]]:
    answer = service.send("GET", f"/v1/queue?purpose=label&budget={budget}", service.keys[role])
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["alerts"]
    return found


def test_contested_first_then_what_nobody_judged(service: Service) -> None:
    service.post([finding(f"j{i}", rule="judged", seconds=1000 * i) for i in range(10)])
    for i in range(5):
        service.post({"alert_uid": f"j{i}", "verdict": "false_positive"}, "/v1/labels")
    service.post([finding("a"), *(finding(f"n{i}", rule=f"n{i}", host=f"h{i}") for i in range(10))])
    say(service, "ann", "true_positive")
    contest = say(service, "bob", "false_positive")["uid"]
    found = lessons(service, 8)
    assert found[0]["alert_uid"] == "a"
    assert (found[0]["why"], found[0]["contested_label"]) == ("contested", contest)
    assert all(item["alert_uid"][0] == "n" for item in found[1:] if item["why"] != "random")
    assert all(item["because"] == BECAUSE[Why(item["why"])] for item in found)
    assert found == lessons(service, 8)
    page = service.send("GET", "/v1/queue").json()["alerts"]
    assert [item["contested_label"] for item in page if "contested_label" in item] == [contest]


def test_the_draws_of_the_audit_hide_among_the_lots(audited: Service) -> None:
    drawn = {d["alert_uid"]: is_drawn(d) for d in decide(audited) if d["action"] == "queue"}
    whys: dict[bool, set[str]] = {True: set(), False: set()}
    shapes: dict[bool, set[str]] = {True: set(), False: set()}
    for round_ in range(25):
        for item in lessons(audited, 30):
            told = {name: value for name, value in item.items() if name not in ("why", "because")}
            whys[drawn[item["alert_uid"]]].add(item["why"])
            shapes[drawn[item["alert_uid"]]].add(str(shape(told)))
        audited.post(finding(f"more{round_}", rule=f"more{round_}", seconds=90_000 + 400 * round_))
        drawn[f"more{round_}"] = False
    assert whys[True] <= whys[False]
    assert "random" in whys[False]
    assert shapes[True] == shapes[False]


def test_nothing_waits(service: Service) -> None:
    assert lessons(service, 5) == []


def test_wrong_parameters(service: Service) -> None:
    for query in ("purpose=label&budget=0", "purpose=label&budget=501", "purpose=label&budget=x", "purpose=play"):
        assert service.send("GET", f"/v1/queue?{query}").status_code == 422, query


def test_another_tenant_is_asked_nothing(service: Service) -> None:
    service.post(finding("a"))
    assert service.send("GET", "/v1/queue?purpose=label", service.other).json()["alerts"] == []


def test_every_why_has_its_sentence() -> None:
    assert set(BECAUSE) == set(Why)
