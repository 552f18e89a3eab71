"""Signatures: Standard Webhooks' published vector, and what must not pass."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import InvalidError, UnauthorizedError
from service.outbox.signing import TOLERANCE_SECONDS, new_secret, sign, verify

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
UID, WHEN, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
"""The vector of the reference libraries of Standard Webhooks 1.0."""


def test_the_published_vector() -> None:
    assert sign([KEY], UID, WHEN, BODY) == {
        "webhook-id": UID,
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(
    st.binary(min_size=24, max_size=64), st.text("abcdef0123456789", min_size=1), st.integers(0, 2**33), st.binary(max_size=300)
)
def test_it_is_the_hmac_of_the_specification(raw: bytes, uid: str, when: int, body: bytes) -> None:
    signed = f"{uid}.{when}.".encode() + body
    wanted = base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()
    key = "whsec_" + base64.b64encode(raw).decode()
    headers = sign([key], uid, when, body)
    assert headers["webhook-signature"] == f"v1,{wanted}"
    assert verify([key], headers, body, when) == uid


def test_while_secrets_overlap_each_of_them_verifies() -> None:
    new, old, other = new_secret(), new_secret(), new_secret()
    headers = sign([new, old], UID, WHEN, BODY)
    assert headers["webhook-signature"].count("v1,") == 2
    for keys in ([new], [old], [other, old]):
        assert verify(keys, headers, BODY, WHEN) == UID
    with pytest.raises(UnauthorizedError):
        verify([other], headers, BODY, WHEN)


@pytest.mark.parametrize("late", [-TOLERANCE_SECONDS, 0, TOLERANCE_SECONDS])
def test_clocks_may_differ_by_five_minutes(late: int) -> None:
    headers = sign([KEY], UID, WHEN, BODY)
    assert verify([KEY], headers, BODY, WHEN + late) == UID
    with pytest.raises(UnauthorizedError, match="tolerance"):
        verify([KEY], headers, BODY, WHEN + (late + 1 if late > 0 else late - 1 if late < 0 else 10_000))


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-id": ""},
        {"webhook-id": UID + "x"},
        {"webhook-timestamp": ""},
        {"webhook-timestamp": "hello"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "١٦١٤٢٦٥٣٣٠"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": str(WHEN + 1)},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1,dawfeoifkpqwoekfpqoekf"},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v2,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "v1,x " * 1000 + "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
    ],
)
def test_forgeries(change: dict[str, str]) -> None:
    headers = sign([KEY], UID, WHEN, BODY)
    assert verify([KEY], headers, BODY, WHEN) == UID
    with pytest.raises(UnauthorizedError):
        verify([KEY], headers | change, BODY, WHEN)
    with pytest.raises(UnauthorizedError):
        verify([KEY], headers, BODY + b" ", WHEN)


def test_other_signatures_beside_ours_do_no_harm() -> None:
    headers = sign([KEY], UID, WHEN, BODY)
    headers["webhook-signature"] = f"v1a,xyz v2,abc {headers['webhook-signature']}"
    assert verify([KEY], headers, BODY, WHEN) == UID


@pytest.mark.parametrize("key", ["", "whsec_", "whsec_abc", "whsec_" + base64.b64encode(bytes(23)).decode(), "whsec_" + "A" * 88])
def test_a_secret_that_is_none(key: str) -> None:
    with pytest.raises(InvalidError, match="secret"):
        sign([key], UID, WHEN, BODY)
