"""What a label did: its state, its counters, its models, and the decisions it changed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.audit import Audit
from models.ledger import LabelLedger, LeftOut, label_key
from service.keys import Role
from service.ledgers import WHY
from tests.service.bundles import publish
from tests.service.client import Service, finding, serves
from tests.service.test_verdicts import AFTER, say

MODEL: dict[str, Any] = {"columns": ("rule_attacks_30d",), "limit": 0.5, "audit": Audit(rate=0.0)}
"""It suppresses what nobody ever called an attack."""


@pytest.fixture
def judging(tmp_path: Path) -> Iterator[Service]:
    """A service with a model that looks at the tenant's own verdicts, and five habitual alerts."""
    publish(tmp_path / "var", tmp_path / "first", 1, **MODEL)
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        service.post([finding("a", seconds=0), *(finding(f"e{i}", seconds=60 * i) for i in range(4))])
        yield service


def receipt(service: Service, uid: str, role: Role = Role.ADMIN) -> dict[str, Any]:
    answer = service.send("GET", f"/v1/labels/{uid}/receipt", service.keys[role])
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def siblings(service: Service, name: str, days: float = 1.0) -> list[dict[str, Any]]:
    records = [finding(f"{name}{i}", seconds=86400.0 * days + 60 * i) for i in range(4)]
    decided: list[dict[str, Any]] = service.post([*records, finding(f"{name}-far", host="h2", seconds=86400.0 * days)]).json()[
        "decisions"
    ]
    return decided


def test_it_names_the_decisions_that_it_changed_and_what_they_would_have_been(judging: Service, tmp_path: Path) -> None:
    """``before`` is what a service decides that is alike in all but the label."""
    other = tmp_path / "other"
    publish(other, tmp_path / "again", 1, **MODEL)
    (other / "secret.key").write_bytes(judging.settings.secret.read_bytes())
    with Service(other) as service:
        service.post([finding("a", seconds=0), *(finding(f"e{i}", seconds=60 * i) for i in range(4))])
        twins = {d["alert_uid"]: d for d in siblings(service, "after")}
    uid = say(judging, "ann", "true_positive")["uid"]
    later = {d["alert_uid"]: d for d in siblings(judging, "after")}
    found = receipt(judging, uid)
    assert found["state"] == {"code": "in_force"}
    assert found["counters"]["weight"] == 1.0
    group = found["siblings"]
    assert (group["count"], group["complete"], group["looked_at"], group["waiting"]) == (4, True, 5, 0)
    assert group["changed"] == 4
    assert {twins[listed["alert_uid"]]["action"] for listed in group["listed"]} >= {"suppress"}
    for listed in group["listed"]:
        uid = listed["alert_uid"]
        assert listed["after"] == {name: later[uid][name] for name in ("action", "priority", "score", "bundle")}
        assert listed["before"] == {name: twins[uid][name] for name in ("action", "priority", "score")}


def test_a_label_that_no_longer_counts_changes_nothing_more(judging: Service) -> None:
    first = say(judging, "ann", "true_positive")["uid"]
    siblings(judging, "while")
    second = say(judging, "ann", "false_positive")["uid"]
    siblings(judging, "since", 1.1)
    found = receipt(judging, first)
    assert found["state"] == {"code": "superseded", "by": second}
    assert found["counters"]["weight"] == 0.0
    assert second in found["counters"]["why"]
    assert (found["siblings"]["count"], found["siblings"]["changed"]) == (8, 4)
    assert {item["alert_uid"][:5] for item in found["siblings"]["listed"][:4]} == {"while"}
    undone = receipt(judging, second)
    assert undone["siblings"]["changed"] == 4  # without it the first would still stand
    assert undone["siblings"]["listed"][0]["before"]["action"] == "queue"


def test_states(service: Service) -> None:
    service.post(finding("a"))
    first = say(service, "ann", "true_positive")["uid"]
    contest = say(service, "bob", "false_positive")["uid"]
    assert receipt(service, first)["state"] == {"code": "contested", "by": contest}
    assert receipt(service, contest)["state"] == {"code": "contested", "by": first}
    assert receipt(service, contest)["counters"] == {"weight": 0.0, "why": f"it contests label {first}, and neither counts"}
    decided = say(service, "ann", "true_positive", supersedes=contest)["uid"]
    assert receipt(service, first)["state"] == {"code": "superseded", "by": decided}
    assert receipt(service, contest)["state"] == {"code": "superseded", "by": decided}
    back = say(service, "ann", "undetermined")["uid"]
    assert receipt(service, decided)["state"] == {"code": "taken_back", "by": back}
    assert receipt(service, back)["counters"]["why"].startswith("undetermined")


def test_what_each_model_made_of_it(judging: Service, tmp_path: Path) -> None:
    uid = say(judging, "ann", "true_positive", uid="l1")["uid"]
    key = label_key("acme", uid)
    learned = LabelLedger(used={key: 1.25}), LabelLedger(left_out={key: LeftOut.REPEAT}), LabelLedger()
    digests = []
    for seed, ledger in enumerate(learned, 2):
        digests.append(publish(tmp_path / "var", tmp_path / f"m{seed}", seed, ledger=ledger, **MODEL))
        if seed == 2:
            serves(judging, digests[0])
            siblings(judging, "learned", 2.0)
    models = receipt(judging, uid)["models"]
    assert [model["bundle"] for model in models[1:]] == digests
    assert models[0]["unknown"] == "it was trained before the label was given"
    assert models[1]["used"] == 1.25
    assert (models[2]["left_out"], models[2]["why"]) == ("repeat", WHY[LeftOut.REPEAT])
    assert "without this label" in models[3]["unknown"]
    listed = {item["alert_uid"]: item for item in receipt(judging, uid)["siblings"]["listed"]}
    assert listed["learned0"]["by_model"]["bundle"] == models[0]["bundle"]
    assert set(listed["learned0"]["by_model"]) == {"bundle", "action", "priority", "score"}
    serves(judging, digests[-1])


def test_every_reason_has_its_sentence() -> None:
    assert set(WHY) == set(LeftOut)


def test_an_analyst_learns_nothing_of_what_waits(judging: Service) -> None:
    uid = say(judging, "ann", "true_positive")["uid"]
    siblings(judging, "after")
    found = receipt(judging, uid, Role.ANALYST)["siblings"]
    assert (found["count"], found["waiting"], found["listed"]) == (0, 4, [])
    judging.post({"alert_uid": "after0", "verdict": "true_positive", "time": "2023-11-17T00:00:00Z"}, "/v1/labels")
    listed = receipt(judging, uid, Role.ANALYST)["siblings"]["listed"]
    assert [item["alert_uid"] for item in listed] == ["after0"]
    assert "score" not in listed[0]["after"]


def test_none_for_others_and_unknown(judging: Service) -> None:
    label = say(judging, "ann", "true_positive", uid="a/b")
    assert receipt(judging, "a%2Fb", Role.SCIENTIST)["label"] == label
    assert judging.send("GET", "/v1/labels/none/receipt").status_code == 404
    assert judging.send("GET", "/v1/labels/a%2Fb/receipt", judging.other).status_code == 404
    assert judging.send("GET", "/v1/labels/a%2Fb/receipt", judging.keys[Role.PIPELINE]).status_code == 403


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    publish(tmp_path / "var", tmp_path / "first", 1, **MODEL)
    with Service(tmp_path / "var") as service:
        service.post([finding("a"), *(finding(f"e{i}", seconds=60 * i) for i in range(4))])
        uid = say(service, "ann", "true_positive", time=AFTER)["uid"]
        siblings(service, "after")
        found = receipt(service, uid)
    with Service(tmp_path / "var") as service:
        assert receipt(service, uid) == found
