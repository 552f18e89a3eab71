"""Security event tokens (RFC 8417), signed as compact JWS with HMAC-SHA256 (RFC 7515) under the receiver's own secret."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Sequence
from typing import Any

import msgspec

from service.errors import InvalidError
from service.outbox.message import Message
from service.outbox.signing import raw_key

SET_MEDIA_TYPE = "application/secevent+jwt"
_ENCODER = msgspec.json.Encoder()


def security_event_token(message: Message, audience: str, keys: Sequence[str]) -> bytes:
    """Return the token of a message that carries the claims of one. The message's uid is its ``jti``, so a repetition is known as one.

    It is signed by the oldest of ``keys`` that still holds: whoever has not taken up a new secret yet knows that one. ``kid`` says which.
    Raises ``InvalidError`` where there is no secret, or nothing to tell.
    """
    claims: dict[str, Any] | None = msgspec.json.decode(message.data).get("set")
    if not keys or claims is None:
        raise InvalidError("there is no secret that signs, or no event")
    secret = raw_key(keys[-1])
    header = {"alg": "HS256", "typ": "secevent+jwt", "kid": key_id(keys[-1])}
    told = {**claims, "jti": message.uid, "iat": int(message.time.timestamp()), "aud": audience}
    signed = _part(_ENCODER.encode(header)) + b"." + _part(_ENCODER.encode(told))
    return signed + b"." + _part(hmac.digest(secret, signed, hashlib.sha256))


def key_id(key: str) -> str:
    """Return by what a token names the secret that signed it; it tells nothing of the secret."""
    return hashlib.sha256(raw_key(key)).hexdigest()[:16]


def _part(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
