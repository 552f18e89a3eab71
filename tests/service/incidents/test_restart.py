"""Incidents after a restart, a power cut, and a failed write."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from service.incidents.batch import Batch
from tests.service.client import Service, until
from tests.service.incidents.alerts import caught_up, get, grouping, high, incident_of, listed, merge, post
from tests.service.process import Process

RECORDS = [high(f"a{i}", rule=f"r{i % 5}", host=f"h{i % 3}", seconds=97 * i) for i in range(40)]
UIDS = [record["finding_info"]["uid"] for record in RECORDS]


def everything(service: Service) -> list[dict[str, Any]]:
    return [get(service, item["uid"]) for item in listed(service, "limit=200")]


def test_after_a_restart_they_are_what_they_were(tmp_path: Path) -> None:
    with Service(tmp_path / "plain") as plain:
        post(plain, *RECORDS)
        shape = sorted(sorted(line["uid"] for line in one["lines"]) for one in everything(plain))
    for start in range(0, 40, 10):
        with Service(tmp_path / "again") as service:
            before = everything(service)
            caught_up(service)
            assert everything(service) == before
            post(service, *RECORDS[start : start + 10])
            found = grouping(service, *UIDS[: start + 10])
        with Service(tmp_path / "again") as service:
            assert grouping(service, *UIDS[: start + 10]) == found
    with Service(tmp_path / "again") as service:
        assert sorted(sorted(line["uid"] for line in one["lines"]) for one in everything(service)) == shape


def test_a_repeat_is_counted_on_after_a_restart(tmp_path: Path) -> None:
    for n in range(3):
        with Service(tmp_path) as service:
            post(service, high(f"a{n}", seconds=n))
    with Service(tmp_path) as service:
        found = get(service, str(incident_of(service, "a0")))
        assert (found["alerts"], found["revision"]) == (3, 3)
        assert found["lines"][0]["alert_uids"] == ["a0", "a1", "a2"]


def test_after_kill_9_nothing_is_lost_and_no_name_changes(tmp_path: Path) -> None:
    names: dict[str, str | None] = {}
    for life in range(3):
        with Process(tmp_path) as process:
            head = {"authorization": f"Bearer {process.key}"}
            some = RECORDS[10 * life : 10 * life + 10]
            assert httpx.post(f"{process.url}/v1/alerts", json=some, headers=head).status_code == 200
            time.sleep(0.15 * life)  # before, while, after they are correlated
            process.kill()
        with Service(tmp_path) as service:
            caught_up(service)
            now = grouping(service, *UIDS[: 10 * life + 10])
            assert None not in now.values()
            for uid, name in names.items():
                assert get(service, str(name))["uid"] == now[uid]
        names = now
    with Service(tmp_path) as service:
        assert grouping(service, *names) == names


def test_what_could_not_be_written_is_done_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    write, left = Batch.write, [2]

    def fail(self: Batch, connection: Any) -> None:
        write(self, connection)
        if left[0]:
            left[0] -= 1
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    post(service, high("a"))
    monkeypatch.setattr(Batch, "write", fail)
    post(service, high("b", rule="r2", seconds=30), high("c", rule="r3", host="h9"))
    assert left == [0]
    assert incident_of(service, "a") == incident_of(service, "b") != incident_of(service, "c")
    assert len(listed(service)) == 2


def test_a_merge_that_could_not_be_written_was_not_made(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    post(service, high("a"), high("b", host="h2"))
    a, b = str(incident_of(service, "a")), str(incident_of(service, "b"))
    with monkeypatch.context() as patch:

        def fail(_self: Batch, _connection: Any) -> None:
            raise OperationalError("INSERT", {}, Exception("database or disk is full"))

        patch.setattr(Batch, "write", fail)
        assert merge(service, a, b).status_code == 503
    until(service, lambda: merge(service, a, "none").status_code == 404)  # read again
    assert (get(service, a)["uid"], get(service, b)["uid"]) == (a, b)
    assert merge(service, a, b).status_code == 200
    assert get(service, b)["uid"] == get(service, a)["uid"]
