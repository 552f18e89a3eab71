"""Bodies: Standard Webhooks' payload, PagerDuty's event within its limits."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.outbox.message import MAX_DATA_BYTES, Message, Severity
from service.outbox.receivers import Receiver, Template
from service.outbox.targets import Target
from service.outbox.templates import MAX_PAGERDUTY_BYTES, body, dedup_key
from tests.service.outbox.stub import TIME, message

KEY = "0123456789abcdef0123456789abcdef"
STANDARD = Receiver(uid="rcv_1", name="soar", target=Target(url=""), created=TIME)
PAGERDUTY = Receiver(
    uid="rcv_2", name="pager", target=Target(url=""), created=TIME, template=Template.PAGERDUTY, routing_key=KEY
)  # fmt: skip


def event(made: Message) -> dict[str, Any]:
    content = body(made, PAGERDUTY)
    assert len(content) <= MAX_PAGERDUTY_BYTES
    decoded: dict[str, Any] = json.loads(content)
    return decoded


def test_standard() -> None:
    made = message(7, data={"alerts": ["a", "<b>"]})
    content = body(made, STANDARD)
    assert json.loads(content) == {
        "type": "incident.escalated",
        "timestamp": "2024-03-04T08:00:00Z",
        "tenant": "acme",
        "subject": "i7",
        "summary": "Credential access on h1",
        "severity": "critical",
        "source": "h1",
        "data": {"alerts": ["a", "<b>"]},
    }
    assert body(made, STANDARD) == content


def test_pagerduty() -> None:
    made = message(7, data={"chain": "h1 → h2"})
    assert event(made) == {
        "routing_key": KEY,
        "event_action": "trigger",
        "dedup_key": dedup_key(made),
        "client": "Tamis",
        "payload": {
            "summary": "Credential access on h1",
            "source": "h1",
            "severity": "critical",
            "timestamp": "2024-03-04T08:00:00Z",
            "group": "acme",
            "class": "incident.escalated",
            "custom_details": {"message": made.uid, "subject": "i7", "data": {"chain": "h1 → h2"}},
        },
    }


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("incident.escalated", "trigger"),
        ("incident.acknowledged", "acknowledge"),
        ("incident.closed", "resolve"),
        ("certificate.withdrawn", "trigger"),
    ],
)
def test_one_incident_is_one_in_pagerduty(kind: str, action: str) -> None:
    made = event(message(3, kind=kind))
    assert (made["event_action"], made["dedup_key"]) == (action, event(message(3))["dedup_key"])


def test_tenants_do_not_meet_in_a_dedup_key() -> None:
    keys = {dedup_key(message(tenant=tenant, subject=subject)) for tenant, subject in [("a", "b/c"), ("a/b", "c"), ("b", "b/c")]}
    assert len(keys) == 3
    assert all(len(key) <= 255 for key in keys)


def test_what_pagerduty_requires_is_never_empty() -> None:
    payload = event(message(summary=" \n", source="", severity=Severity.INFO))["payload"]
    assert (payload["summary"], payload["source"], payload["severity"]) == ("incident.escalated", "acme", "info")


@given(st.lists(st.integers(0, 80_000), max_size=12), st.sampled_from("\x00üx"))
@settings(max_examples=50, deadline=None)
def test_what_does_not_fit_is_left_out_and_counted(sizes: list[int], char: str) -> None:
    sizes = [size // len(json.dumps(char)) for size in sizes]
    data = {f"part{n}": char * size for n, size in enumerate(sizes)}
    details = event(message(data=data))["payload"]["custom_details"]
    kept = details["data"]
    assert kept.items() <= data.items()
    assert len(kept) + details.get("left_out", 0) == len(data)
    others = [len(value) for name, value in data.items() if name not in kept]
    if others:
        largest = max((len(value) for value in kept.values()), default=0)
        assert largest <= min(others)
        filled = len(body(message(data=kept), PAGERDUTY)) + len(msgspec.json.encode(char * min(others)))
        assert filled > MAX_PAGERDUTY_BYTES - 100


@pytest.mark.parametrize("data", [{"x" * (MAX_DATA_BYTES - 100): 1}, {"report": "y" * (MAX_DATA_BYTES - 100), "a": 1}])
def test_a_part_too_large(data: dict[str, Any]) -> None:
    details = event(message(data=data))["payload"]["custom_details"]
    assert details["left_out"] == 1
    assert details["data"] == {name: value for name, value in data.items() if name == "a"}


def test_text_of_full_length_fits() -> None:
    event(message(summary="\U0001f600" * 2000, source="ü" * 2000, subject="\U0001f600" * 1024, tenant="\U0001f600" * 1024))
