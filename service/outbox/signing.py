"""The one signer, and its counterpart: Standard Webhooks 1.0, symmetric (HMAC-SHA256)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

from service.errors import InvalidError, UnauthorizedError

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
TOLERANCE_SECONDS = 300
"""How far the sender's clock may be from ours; what is older may be a replay."""
_PREFIX = "whsec_"
_SECRET_BYTES = range(24, 65)
_MAX_SIGNATURES = 16


def new_secret() -> str:
    """Return a new random secret in its serialised form, ``whsec_`` and base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def sign(keys: Sequence[str], uid: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the three headers of an attempt made at ``timestamp`` (epoch seconds), with one signature for each secret.

    Raises ``InvalidError`` for a secret that is none.
    """
    signatures = (f"v1,{_signature(key, uid, str(timestamp), body)}" for key in keys)
    return {ID: uid, TIMESTAMP: str(timestamp), SIGNATURE: " ".join(signatures)}


def verify(keys: Sequence[str], headers: Mapping[str, str], body: bytes, now: float) -> str:
    """Return the uid of a message that one of ``keys`` has signed. Header names are in lower case.

    Raises ``UnauthorizedError`` if a header is missing, the time is out of tolerance or no signature fits; the comparison takes
    the same time for any signature.
    """
    uid, timestamp, given = (headers.get(name, "") for name in (ID, TIMESTAMP, SIGNATURE))
    if not uid or not given or not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 12):
        raise UnauthorizedError("the webhook's headers are incomplete")
    if abs(now - int(timestamp)) > TOLERANCE_SECONDS:
        raise UnauthorizedError("the webhook's time is out of tolerance")
    offered = [part[3:].encode() for part in given.split(" ")[:_MAX_SIGNATURES] if part.startswith("v1,")]
    wanted = [_signature(key, uid, timestamp, body).encode() for key in keys]
    if not any([hmac.compare_digest(mine, theirs) for mine in wanted for theirs in offered]):  # noqa: C419 — compare all
        raise UnauthorizedError("the webhook's signature does not fit")
    return uid


def _signature(key: str, uid: str, timestamp: str, body: bytes) -> str:
    signed = b".".join((uid.encode(), timestamp.encode(), body))
    return base64.b64encode(hmac.digest(raw_key(key), signed, hashlib.sha256)).decode()


def raw_key(key: str) -> bytes:
    """Return the bytes of a secret. Raises ``InvalidError`` for one that is none."""
    try:
        raw = base64.b64decode(key.removeprefix(_PREFIX), validate=True)
    except binascii.Error as error:
        raise InvalidError(f"a signing secret is {_PREFIX} and base64") from error
    if len(raw) not in _SECRET_BYTES:
        raise InvalidError(f"a signing secret has {_SECRET_BYTES.start} to {_SECRET_BYTES.stop - 1} bytes, this one {len(raw)}")
    return raw
