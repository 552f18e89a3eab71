"""What a hostile or broken sender may try: nothing is a 5xx, nothing harms what others sent, all that is taken can be read again."""

from __future__ import annotations

import asyncio
import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from features.normalisers.events import EVENT_NORMALISERS
from service.errors import InvalidError
from service.export import export
from service.keys import KeyStore, Role
from service.store.events import count_events, events_after
from tests.service.client import Service, finding

LONG = "x" * 3000
AFTER = "2023-11-15T00:00:00Z"
WAZUH = {
    "id": "w1",
    "timestamp": "2024-01-01T00:00:00Z",
    "rule": {"id": "1", "level": 3, "description": "d"},
    "agent": {"name": "n"},
}


@pytest.mark.parametrize(
    ("record", "path"),
    [
        (finding("a", rule=LONG), "/v1/alerts"),
        (finding("a", host=LONG), "/v1/alerts"),
        (finding("a", metadata={"product": {"name": LONG}}), "/v1/alerts"),
        (finding("a", actor={"user": {"name": LONG}}), "/v1/alerts"),
        ({**WAZUH, "agent": {"name": LONG}}, "/v1/alerts?format=wazuh"),
        ({**WAZUH, "rule": {"id": LONG, "level": 3}}, "/v1/alerts?format=wazuh"),
    ],
)
def test_what_could_not_be_read_again_is_not_taken(service: Service, record: dict[str, Any], path: str) -> None:
    assert service.post(record, path).status_code == 422
    assert service.host.database.last_seq() == 0
    assert service.post(finding("good")).status_code == 201
    assert len(service.send("GET", "/v1/queue").json()["alerts"]) == 1


@pytest.mark.parametrize("uid", ["a\0b", "\0", "a", "\u2028", "😀", "'\";--", "%", "*"])
def test_a_uid_of_any_characters_is_known_again(service: Service, uid: str) -> None:
    service.post(finding("a"))
    first, again = service.post(finding(uid)), service.post(finding(uid))
    assert again.status_code == 200
    assert first.json() == again.json()
    assert service.post([finding(uid), finding("other")]).json()["decisions"][0] == first.json()


@pytest.mark.parametrize("change", [{"uid": LONG}, {"time": "0001-01-01T00:00:00+23:00"}, {"time": "9999-12-31T23:59:59-23:00"}])
def test_a_label_that_cannot_be_harms_no_other(service: Service, change: dict[str, str]) -> None:
    service.post(finding("a"))
    label = {"alert_uid": "a", "verdict": "true_positive", **change}
    for _ in range(2):
        answer = service.post(label, "/v1/labels")
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
    assert service.post({**label, "uid": "l", "time": AFTER}, "/v1/labels").status_code == 201


@pytest.mark.parametrize(
    ("length", "status"), [("9" * 5000, 413), ("9" * 30, 413), ("-1", 422), ("x", 422), ("٣", 422), ("0", 422)]
)
def test_wrong_content_length(service: Service, length: str, status: int) -> None:
    answer = service.send("POST", "/v1/alerts", content=b"{}", headers={b"content-length": length.encode()})  # type: ignore[dict-item]
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_breaks_off_leaves_nothing(service: Service) -> None:
    """The sender hangs up in the middle of a body that is a whole record so far."""
    parts = [{"type": "http.request", "body": msgspec.json.encode(finding("a")), "more_body": True}, {"type": "http.disconnect"}]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return parts.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"authorization", f"Bearer {service.keys[Role.ADMIN]}".encode()), (b"content-length", b"9999")]
    scope = {"type": "http", "method": "POST", "path": "/v1/alerts", "raw_path": b"/v1/alerts", "query_string": b"",
             "headers": headers, "http_version": "1.1", "scheme": "http"}  # fmt: skip
    service.run(service.app(scope, receive, send))
    assert sent[0]["status"] == 422
    assert service.host.database.last_seq() == 0


def test_a_key_has_a_tenant(tmp_path: Path) -> None:
    """A key without one would leave the tenant to what a record says."""
    for tenant in ("", LONG):
        with pytest.raises(InvalidError):
            KeyStore(tmp_path / "keys.json").create(Role.PIPELINE, tenant, "")


TEXT = st.one_of(st.text(max_size=8), st.sampled_from(["a", "\0", "a\0b", LONG, "🜁", "\u202e"]))
NUMBER = st.one_of(st.integers(-(2**65), 2**65), st.integers(0, 7), st.none())


@given(
    records=st.lists(
        st.fixed_dictionaries(
            {"class_uid": st.just(2004), "time": st.one_of(st.just(1_700_000_000_000), NUMBER)},
            optional={
                "finding_info": st.fixed_dictionaries({"uid": TEXT}, optional={"title": TEXT, "desc": TEXT}),
                "metadata": st.fixed_dictionaries({"product": st.fixed_dictionaries({"name": TEXT})}),
                "severity_id": NUMBER, "message": TEXT, "raw_data": TEXT, "unmapped": TEXT,
                "device": st.fixed_dictionaries({"hostname": TEXT}), "src_endpoint": st.fixed_dictionaries({"ip": TEXT}),
                "observables": st.lists(st.fixed_dictionaries({"type": TEXT, "value": TEXT}), max_size=2),
            },
        ),
        max_size=4,
    )
)  # fmt: skip
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_records_are_taken_or_refused(service: Service, records: list[dict[str, Any]]) -> None:
    answer = service.post([*records, finding("sure")])
    assert answer.status_code in (200, 422)
    assert service.post([*records, finding("sure")]).content == answer.content
    assert service.send("GET", "/v1/queue?limit=500").status_code == 200


def test_whatever_was_taken_is_exported(service: Service, tmp_path: Path) -> None:
    service.post(
        [finding("\0", rule="\0", host="\0", message="\0\u2028"), finding("b", severity_id=2**62), finding("c", severity_id=-1)]
    )
    service.post({"alert_uid": "\0", "verdict": "duplicate", "reason": "\0", "uid": "\0"}, "/v1/labels")
    service.post({"time": "2024-03-04T08:00:00Z", "actor": {"kind": "user", "uid": "\0"}, "action": "\0\u2028"}, "/v1/events")
    counts = {"alerts": 3, "labels": 1, "decisions": 3, "events": 1, "corrections": 0, "placements": 0, "day_verdicts": 0}
    assert export(service.settings, tmp_path / "out", None) == counts


def test_requests_called_off(service: Service) -> None:
    """Requests called off while they wait are still decided once, and disturb nobody."""

    async def together() -> None:
        calls = [
            asyncio.ensure_future(service.request("POST", "/v1/alerts", msgspec.json.encode(finding(f"a{i}")))) for i in range(50)
        ]
        await asyncio.sleep(0.01)
        for call in calls[::2]:
            call.cancel()
        done = await asyncio.gather(*calls, return_exceptions=True)
        assert all(answer.status_code == 201 for answer in done if not isinstance(answer, BaseException))

    service.run(together())
    assert service.post(finding("after")).status_code == 201


@given(
    fmt=st.sampled_from(sorted(EVENT_NORMALISERS)),
    body=st.one_of(
        st.binary(max_size=200),
        st.lists(st.fixed_dictionaries(
            {"time": st.one_of(st.just("2024-03-04T08:00:00Z"), TEXT), "actor": st.fixed_dictionaries({"kind": st.just("user"), "uid": TEXT})},
            optional={"uid": TEXT, "action": TEXT, "target": st.fixed_dictionaries({"kind": TEXT, "uid": TEXT}), "Records": TEXT},
        ), max_size=3).map(msgspec.json.encode),
    ),
)  # fmt: skip
@hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_events_are_taken_or_refused_and_read_again(service: Service, fmt: str, body: bytes) -> None:
    first = service.send("POST", f"/v1/events?format={fmt}", content=body)
    assert first.status_code in (200, 201, 409, 422)
    again = service.send("POST", f"/v1/events?format={fmt}", content=body)
    assert again.status_code in (200, 409, 422)
    if first.status_code < 300:
        assert again.json()["stored"] == 0
    with service.host.database.engine.connect() as connection:
        assert len(events_after(connection, 0, 10_000)) == count_events(connection).get("acme", 0)


@pytest.mark.parametrize("path", ["/v1/alerts", "/v1/events", "/v1/labels"])
def test_a_compressed_body_is_refused_as_such(service: Service, path: str) -> None:
    body = gzip.compress(msgspec.json.encode(finding("a")))
    answer = service.send("POST", path, content=body, headers={"content-encoding": "gzip"})
    assert (answer.status_code, "content-encoding 'gzip'" in answer.json()["detail"]) == (415, True)
