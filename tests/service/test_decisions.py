"""GET /v1/queue and /v1/thresholds."""

from __future__ import annotations

from tests.service.client import Service, finding


def test_the_queue_is_read_page_by_page(service: Service) -> None:
    service.post([finding(f"a{i}") for i in range(25)])
    seen: list[str] = []
    cursor = ""
    while True:
        page = service.send("GET", f"/v1/queue?limit=10&cursor={cursor}").json()
        seen += [item["alert_uid"] for item in page["alerts"]]
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == [f"a{i}" for i in range(25)]


def test_wrong_parameters(service: Service) -> None:
    for query in ("limit=0", "limit=x", "limit=100000", "cursor=a.b", "cursor=1", f"cursor={'9' * 50}.1"):
        assert service.send("GET", f"/v1/queue?{query}").status_code == 422, query


def test_thresholds_without_a_model(service: Service) -> None:
    answer = service.send("GET", "/v1/thresholds")
    assert answer.json()["suppress_below"] is None
    assert service.send("GET", "/v1/thresholds", headers={"if-none-match": answer.headers["etag"]}).status_code == 304
