"""Security event tokens: RFC 8417's claims, signed as RFC 7515 says, pushed as RFC 8935 says."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from features.alert import EntityKind
from service.behaviour.messages import EVENT_TYPE, subject_id
from service.errors import InvalidError
from service.outbox.receivers import ReceiverStore, Template
from service.outbox.signing import new_secret, raw_key
from service.outbox.targets import Target
from service.outbox.tokens import SET_MEDIA_TYPE, key_id, security_event_token
from tests.service.behaviour.world import BOUNDED, alarm, benign, entity, later, looked, scored, told
from tests.service.client import Service, until
from tests.service.outbox.stub import Stub, message

CLAIMS = {"iss": "tamis", "sub_id": {"format": "opaque", "id": "x"}, "events": {EVENT_TYPE: {"current_level": "HIGH"}}}


def opened(token: bytes, key: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a token's signature; return its header and claims."""
    signed, _, signature = token.rpartition(b".")
    assert hmac.compare_digest(decoded(signature), hmac.digest(raw_key(key), signed, hashlib.sha256))
    header, claims = (json.loads(decoded(part)) for part in signed.split(b"."))
    return header, claims


def decoded(part: bytes) -> bytes:
    return base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4))


def test_a_token_is_signed_by_the_secret_that_everybody_knows() -> None:
    new, old = new_secret(), new_secret()
    made = message(1, data={"set": CLAIMS, "entity": {"uid": "x"}})
    token = security_event_token(made, "https://idp.example.com/events", [new, old])
    header, claims = opened(token, old)
    assert header == {"alg": "HS256", "typ": "secevent+jwt", "kid": key_id(old)}
    assert claims == {**CLAIMS, "jti": made.uid, "iat": int(made.time.timestamp()), "aud": "https://idp.example.com/events"}
    assert b"=" not in token
    assert token == security_event_token(made, "https://idp.example.com/events", [new, old])
    for data, keys in (({"set": CLAIMS}, []), ({}, [new])):
        with pytest.raises(InvalidError):
            security_event_token(message(1, data=data), "a", keys)


def test_a_receiver_hears_of_one_tenants_people(tmp_path: Path) -> None:
    store, target, now = ReceiverStore(tmp_path / "r.json"), Target(url="https://idp.example.com/e"), datetime.now(UTC)
    with pytest.raises(InvalidError, match="one tenant"):
        store.add("idp", target, now, template=Template.CAEP)
    made, _ = store.add("idp", target, now, template=Template.CAEP, tenant="acme")
    assert not made.wants(message(1))


@pytest.mark.parametrize(
    ("name", "subject"),
    [
        ("anna@example.com", {"format": "email", "email": "anna@example.com"}),
        ("anna", {"format": "opaque", "id": "anna"}),
        ("anna@host", {"format": "opaque", "id": "anna@host"}),
        ("a b@example.com", {"format": "opaque", "id": "a b@example.com"}),
        ("ä@example.com", {"format": "opaque", "id": "ä@example.com"}),
    ],
)
def test_subjects(name: str, subject: dict[str, str]) -> None:
    assert subject_id(name) == subject


def got(service: Service, stub: Stub, count: int) -> None:
    until(service, lambda: service.run(service.host.outbox.look()) is None and len(stub.got) >= count)
    service.sleep(0.2)
    assert len(stub.got) == count


def test_a_change_of_level_reaches_access_control_once_and_in_order(tmp_path: Path) -> None:
    with Stub() as stub, scored(tmp_path, issuer="https://tamis.example.com", **BOUNDED) as service:
        target = Target(
            url=f"{stub.target().url}", allow_private=("127.0.0.1",), allow_http=True, allow_ports=stub.target().allow_ports
        )
        receivers = ReceiverStore(service.settings.receivers)
        _, secret = receivers.add("idp", target, datetime.now(UTC), template=Template.CAEP, tenant="acme")
        benign(service)
        alarm(service, "anna@example.com")
        assert entity(service, "user", "anna@example.com")["control"] == "restrict"
        alarm(service, "held", key=service.other)
        got(service, stub, 1)
        request = stub.got[0]
        assert request.headers["content-type"] == SET_MEDIA_TYPE
        assert request.headers["accept"] == "application/json"
        header, claims = opened(request.body, secret)
        change = claims["events"][EVENT_TYPE]
        assert header["typ"] == "secevent+jwt"
        assert (claims["iss"], claims["aud"], claims["jti"]) == ("https://tamis.example.com", target.url, request.uid)
        assert claims["sub_id"] == {"format": "email", "email": "anna@example.com"}
        assert (change["principal"], change["current_level"], change["previous_level"]) == ("USER", "HIGH", "LOW")
        assert abs(change["event_timestamp"] - time.time()) < 600
        assert "rule" in change["risk_reason"]
        looked(service)
        for _ in range(40):
            later(service, 86_400.0)
        got(service, stub, 3)
        levels = [opened(one.body, secret)[1]["events"][EVENT_TYPE] for one in stub.got]
        assert [one["current_level"] for one in levels] == ["HIGH", "MEDIUM", "LOW"]
        assert [one["previous_level"] for one in levels] == ["LOW", "HIGH", "MEDIUM"]
        assert len({one.uid for one in stub.got}) == 3


def test_a_host_is_a_device_and_a_hostile_name_stays_in_its_place(tmp_path: Path) -> None:
    with scored(tmp_path, **BOUNDED) as service:
        benign(service)
        hostile = 'x"},"current_level":"LOW\u202e\n'
        alarm(service, hostile)
        made = [one for one in told(service) if one.kind == "risk.level_changed"]
        assert len(made) == 1
        claims = json.loads(bytes(made[0].data))["set"]
        assert claims["sub_id"]["id"] == hostile
        assert claims["events"][EVENT_TYPE]["current_level"] == "HIGH"
        assert "\n" not in made[0].summary
        assert "\u202e" not in claims["events"][EVENT_TYPE]["risk_reason"]
        assert EntityKind.HOST
