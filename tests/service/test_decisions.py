"""GET /v1/queue and /v1/decisions."""

from __future__ import annotations

from pathlib import Path

from tests.service.bundles import publish
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


def test_with_a_model(tmp_path: Path) -> None:
    """The queue is worked from the most urgent on, oldest first among equals; each entry says why."""
    digest = publish(tmp_path / "var", tmp_path / "work")
    with Service(tmp_path / "var") as service:
        records = [finding(f"a{i}", rule=f"r{i % 7}", host=f"h{i % 5}", seconds=60 * i) for i in range(60)]
        decided = service.post(records).json()["decisions"]
        waits = [d for d in decided if d["action"] != "suppress"]
        wanted = [d["alert_uid"] for d in sorted(waits, key=lambda d: -d["priority"])]
        page = service.send("GET", "/v1/queue?limit=500").json()["alerts"]
        assert len({d["priority"] for d in waits}) > 1
        assert [item["alert_uid"] for item in page] == wanted
        assert all(item["decision"]["reasons"] for item in page)
        alone = service.send("GET", f"/v1/decisions/{wanted[0]}").json()
        assert alone == page[0]["decision"]
        again = service.post(records[:1], "/v1/alerts?include=reasons").json()["decisions"][0]
        assert again == service.send("GET", "/v1/decisions/a0").json()
        answer = service.send("GET", "/v1/thresholds")
        assert answer.json()["bundle"] == digest
        assert answer.json()["certificates"]
