"""POST /v1/events: durable, once, and of the key's tenant."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from features.event import Event, user
from service.keys import Role
from service.store.database import Database
from service.store.events import ReadEvent, Taken, count_events, event_row, events_after, insert_events
from tests.service.client import Service, finding


def event(uid: str = "e1", actor: str = "ada", **more: Any) -> dict[str, Any]:
    """Return an event as it is sent."""
    return {"uid": uid, "time": "2024-03-04T08:00:00Z", "actor": {"kind": "user", "uid": actor}, "action": "logon", **more}


def post(service: Service, records: object, key: str | None = None, fmt: str = "native") -> httpx.Response:
    return service.post(records, f"/v1/events?format={fmt}", key)


def stored(service: Service) -> list[ReadEvent]:
    with service.host.database.engine.connect() as connection:
        return events_after(connection, 0, 10_000)


def test_an_event_is_stored_and_its_repetition_said(service: Service) -> None:
    first, again = post(service, event()), post(service, event())
    assert (first.status_code, first.json()) == (201, {"stored": 1, "duplicates": [], "rejected": []})
    assert (again.status_code, again.json()) == (200, {"stored": 0, "duplicates": [0], "rejected": []})
    assert post(service, event(actor="eve")).status_code == 409
    assert [(read.seq, read.event.tenant, read.event.actor.uid) for read in stored(service)] == [(1, "acme", "ada")]


@pytest.mark.parametrize("lines", [True, False])
def test_of_many_each_that_is_refused_is_named(service: Service, lines: bool) -> None:
    records = [event("a"), event("b", time="2024-03-04"), event("a"), event("c"), {"uid": "d"}, event("a", actor="eve")]
    body = b"\n".join(map(msgspec.json.encode, records)) if lines else msgspec.json.encode(records)
    answer = service.send("POST", "/v1/events", content=body).json()
    assert (answer["stored"], answer["duplicates"]) == (2, [2])
    assert [(reject["row"], reject["field"]) for reject in answer["rejected"]] == [(1, "time"), (4, "time"), (5, "uid")]
    assert [read.event.uid for read in stored(service)] == ["a", "c"]


def test_nothing_that_can_be_read_or_taken_is_an_error(service: Service) -> None:
    for records in ([], {}, [{}], [event(time="x")], event(time="1989-12-31T00:00:00Z")):
        assert post(service, records).status_code == 422
    assert post(service, event(), fmt="nonsense").status_code == 422
    post(service, event())
    assert post(service, [event(actor="eve")]).status_code == 422


@pytest.mark.parametrize(
    ("ahead", "status"), [(timedelta(minutes=4), 201), (timedelta(minutes=6), 422), (timedelta(days=-9000), 201)]
)
def test_a_time_may_be_old_but_not_ahead_of_its_receipt(service: Service, ahead: timedelta, status: int) -> None:
    assert post(service, event(time=(datetime.now(UTC) + ahead).isoformat())).status_code == status


def test_the_tenant_is_the_keys(service: Service) -> None:
    assert post(service, event(tenant="other")).status_code == 422
    assert post(service, event(), service.other).status_code == post(service, event()).status_code == 201
    assert post(service, event(), service.keys[Role.PIPELINE]).status_code == 200
    with service.host.database.engine.connect() as connection:
        assert count_events(connection) == {"acme": 1, "other": 1}
        assert count_events(connection, "other") == {"other": 1}


def test_hostile_text_is_kept_as_it_is(service: Service) -> None:
    names = ["a\x00b", "'; DROP TABLE events; --", "\u202eeve", "<script>", "x" * 1024]
    assert post(service, [event(str(i), name) for i, name in enumerate(names)]).json()["stored"] == len(names)
    assert [read.event.actor.uid for read in stored(service)] == names


def test_more_than_may_wait_is_refused_with_nothing_taken(tmp_path: Path) -> None:
    with Service(tmp_path, max_waiting_events=3) as service:
        body = msgspec.json.encode([event(f"{i}") for i in range(3)])
        other = msgspec.json.encode([event(f"x{i}") for i in range(3)])
        answers = service.send_held([("POST", "/v1/events", body), ("POST", "/v1/events", other)])
        assert sorted(answer.status_code for answer in answers) == [200, 503]
        assert [answer.headers["retry-after"] for answer in answers if answer.status_code == 503] == ["2"]
        assert len(stored(service)) == 3
        assert post(service, [event(f"y{i}") for i in range(5)]).status_code == 200  # one request alone may be of any size


def test_alerts_do_not_wait_behind_many_events(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request of many events is several transactions, so that an alert sent after it is decided before it ends."""
    monkeypatch.setattr("service.event_intake.AT_ONCE", 10)
    body = msgspec.json.encode([event(f"{i}") for i in range(500)])
    alert = msgspec.json.encode(finding("a"))
    order: list[str] = []

    async def both() -> None:
        async def send(path: str, content: bytes) -> None:
            await service.request("POST", path, content)
            order.append(path)

        await asyncio.gather(send("/v1/events", body), send("/v1/alerts", alert))

    service.run(both())
    assert order == ["/v1/alerts", "/v1/events"]
    assert len(stored(service)) == 500


def test_when_storage_fails_the_sender_is_told_to_come_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OperationalError("insert", {}, Exception("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr("service.store.events.insert_rows", fails)
        answer = post(service, event())
    assert answer.status_code == 503
    assert stored(service) == []
    assert post(service, event()).status_code == 201


@settings(max_examples=40, deadline=None)
@given(uids=st.lists(st.sampled_from("abcdef"), min_size=1, max_size=20), cut=st.integers(0, 20))
def test_however_they_are_sent_each_is_stored_once(tmp_path_factory: pytest.TempPathFactory, uids: list[str], cut: int) -> None:
    database = Database(tmp_path_factory.mktemp("db") / "t.db", b"s" * 32)
    at = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [event_row(Event(uid=uid, tenant="t", time=at, actor=user("u"), action="x"), 1.0) for uid in uids]
    taken = insert_events(database.writer, rows[:cut]) + insert_events(database.writer, rows[cut:])
    assert [what is Taken.STORED for what in taken] == [uid not in uids[:i] for i, uid in enumerate(uids)]
    assert [read.event.uid for read in events_after(database.writer, 0, 99)] == list(dict.fromkeys(uids))
    database.close()
