"""POST and GET /v1/alerts."""

from __future__ import annotations

from urllib.parse import quote

import msgspec
import pytest

from service.keys import Role
from tests.service.client import Service, finding


def test_single_is_created_then_repeated(service: Service) -> None:
    first, again = service.post(finding("a")), service.post(finding("a"))
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert first.json()["action"] == "queue"
    assert first.json()["reason_codes"] == ["no_model"]


def test_same_uid_with_other_content_is_a_conflict(service: Service) -> None:
    service.post(finding("a"))
    answer = service.post(finding("a", rule="r2"))
    assert answer.status_code == 409
    assert service.send("GET", "/v1/alerts/a").json()["finding_info"]["analytic"]["uid"] == "r1"


def test_batch_answers_in_order_with_rejects_by_row(service: Service) -> None:
    service.post(finding("old"))
    records = [
        finding("b"),
        {"class_uid": 2004},
        finding("old", rule="other"),
        finding("b"),
        finding("b", host="h9"),
        finding("old"),
    ]
    answer = service.post(records)
    body = answer.json()
    assert answer.status_code == 200
    assert [decision["alert_uid"] for decision in body["decisions"]] == ["b", "b", "old"]
    assert [reject["row"] for reject in body["rejected"]] == [1, 2, 4]
    assert body["decisions"][0] == body["decisions"][1]


def test_batch_of_which_nothing_is_taken_is_422(service: Service) -> None:
    answer = service.post([{"class_uid": 2004}, {"class_uid": 1}])
    assert answer.status_code == 422
    assert [error["row"] for error in answer.json()["errors"]] == [0, 1]


def test_ndjson_with_a_broken_line(service: Service) -> None:
    lines = [msgspec.json.encode(finding("a")), b'{"class_uid": 20', b"", msgspec.json.encode(finding("b"))]
    answer = service.send("POST", "/v1/alerts", content=b"\n".join(lines), headers={"content-type": "application/x-ndjson"})
    assert [decision["alert_uid"] for decision in answer.json()["decisions"]] == ["a", "b"]
    assert len(answer.json()["rejected"]) == 1


def test_formats(service: Service) -> None:
    row = {"time": 1_642_000_000, "name": "Rule x", "ip": "10.0.0.1", "host": "web", "short": "W-x", "uid": "n-1"}
    assert service.post(row, "/v1/alerts?format=ait-ads").status_code == 201
    assert service.post(row, "/v1/alerts?format=nonsense").status_code == 422
    assert service.send("GET", "/v1/alerts/n-1").json()["device"]["hostname"] == "web"


@pytest.mark.parametrize(
    "body",
    [
        b"", b" \n ", b"[]", b"null", b"3", b'"text"', b"{", b"[{}", b"\xff\xfe", b"\x00", b"[" * 100_000, b'{"a":' * 100_000,
        msgspec.json.encode(finding("x")).replace(b"1700000000000", b"NaN"),
        msgspec.json.encode(finding("x")).replace(b"1700000000000", b"1e999"),
        msgspec.json.encode(finding("x")).replace(b"1700000000000", b"9" * 5000),
        msgspec.json.encode(finding("x")).replace(b"1700000000000", b"1"),
        msgspec.json.encode(finding("x")).replace(b'"r1"', b'"\\ud800"'),
        msgspec.json.encode(finding("")),
        msgspec.json.encode(finding("x" * 2000)),
    ],
)  # fmt: skip
def test_hostile_bodies_are_refused_and_leave_nothing(service: Service, body: bytes) -> None:
    answer = service.send("POST", "/v1/alerts", content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.host.database.last_seq() == 0
    assert service.post(finding("after")).status_code == 201


def test_another_tenant_sees_nothing_and_may_use_the_same_uid(service: Service) -> None:
    service.post(finding("a"))
    assert service.send("GET", "/v1/alerts/a", service.other).status_code == 404
    assert service.post(finding("a", rule="r9"), key=service.other).status_code == 201
    assert service.send("GET", "/v1/queue", service.other).json()["alerts"][0]["rule"]["uid"] == "r9"


def test_a_body_cannot_name_another_tenant(service: Service) -> None:
    record = finding("a", metadata={"product": {"name": "wazuh"}, "tenant_uid": "other"})
    assert service.post(record).status_code == 422


def test_concurrent_copies_are_one_alert(service: Service) -> None:
    body = msgspec.json.encode(finding("a"))
    answers = service.send_all([("POST", "/v1/alerts", body)] * 32)
    assert sorted(answer.status_code for answer in answers) == [200] * 31 + [201]
    assert len({answer.content for answer in answers}) == 1


def test_a_large_batch_sent_again_gives_the_same_answer(service: Service) -> None:
    body = msgspec.json.encode([finding(f"a{i}") for i in range(5_000)])
    first = service.send("POST", "/v1/alerts", content=body)
    assert service.send("POST", "/v1/alerts", content=body).content == first.content


def test_oversize(service: Service) -> None:
    answer = service.send("POST", "/v1/alerts", content=b" " * (service.settings.max_body_bytes + 1))
    assert answer.status_code == 413


def test_decision_by_alert_uid(service: Service) -> None:
    decided = service.post(finding("a")).json()
    assert service.send("GET", "/v1/decisions/a", service.keys[Role.SCIENTIST]).json() == decided
    assert service.send("GET", "/v1/decisions/b").status_code == 404


def test_ndjson_is_known_by_its_looks(service: Service) -> None:
    lines = b"\n".join(msgspec.json.encode(finding(uid)) for uid in "ab")
    assert len(service.send("POST", "/v1/alerts", content=lines).json()["decisions"]) == 2
    pretty = msgspec.json.format(msgspec.json.encode(finding("c")), indent=2)
    assert service.send("POST", "/v1/alerts", content=pretty).status_code == 201


def test_a_uid_may_hold_anything(service: Service) -> None:
    for uid in ("a/b", "ä ö", "x?y#z", "%2F"):
        assert service.post(finding(uid)).status_code == 201
        assert service.send("GET", "/v1/decisions/" + quote(uid, safe="")).json()["alert_uid"] == uid
