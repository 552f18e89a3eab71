"""API keys: made once, shown once, stored only as a digest."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from features.alert import MAX_NAME, Name
from service.errors import InvalidError, NotFoundError, UnauthorizedError
from service.private_file import PrivateFile


class Role(StrEnum):
    """What a key may do; see ``service/auth.py`` for the table of routes."""

    PIPELINE = "pipeline"
    ANALYST = "analyst"
    SCIENTIST = "scientist"
    ADMIN = "admin"


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """One API key. ``digest`` is the SHA-256 of a 256-bit random secret, so a slow hash would add nothing."""

    uid: str
    role: Role
    tenant: Name
    name: str
    digest: str
    created: datetime
    revoked: datetime | None = None

    @property
    def analyst(self) -> str:
        """The name that verdicts given with it carry."""
        return self.name or self.uid


class KeyStore:
    """Keys in one file of mode 0600, replaced whole; a running service sees a change within a second."""

    def __init__(self, path: Path) -> None:
        self._file = PrivateFile(path, Key)
        self._keys: dict[str, Key] = {}

    def create(self, role: Role, tenant: str, name: str) -> str:
        """Make a key and return its text, which is stored nowhere. Raises ``InvalidError`` for a tenant that cannot be."""
        if not 0 < len(tenant) <= MAX_NAME:
            raise InvalidError(f"the tenant's name must have 1 to {MAX_NAME} characters")
        uid, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        key = Key(uid=uid, role=role, tenant=tenant, name=name, digest=_digest(secret), created=datetime.now(UTC))
        with self._file.change() as keys:
            keys.append(key)
        return f"tamis_{uid}_{secret}"

    def revoke(self, uid: str) -> None:
        """Make a key useless. Raises ``NotFoundError``."""
        with self._file.change() as keys:
            at = next((i for i, key in enumerate(keys) if key.uid == uid and key.revoked is None), None)
            if at is None:
                raise NotFoundError(f"no key {uid}")
            keys[at] = msgspec.structs.replace(keys[at], revoked=datetime.now(UTC))

    def list(self) -> list[Key]:
        """Return all keys, revoked ones too."""
        self.refresh()
        return list(self._keys.values())

    def refresh(self) -> None:
        """Read the file again if it changed. Raises ``StartError`` when it is damaged."""
        self._keys = {key.uid: key for key in self._file.read()}

    def authenticate(self, text: str) -> Key:
        """Return the key that ``text`` is. Raises ``UnauthorizedError``; the comparison takes the same time for any secret."""
        parts = text.split("_", 2)
        if len(parts) == 3 and parts[1] not in self._keys:
            self.refresh()  # it may have been made a moment ago
        key = self._keys.get(parts[1]) if len(parts) == 3 and parts[0] == "tamis" else None
        given = _digest(parts[2] if len(parts) == 3 else "")
        known = hmac.compare_digest(given, key.digest if key else "0" * 64)
        if key is None or not known or key.revoked is not None:
            raise UnauthorizedError("the API key is not known")
        return key


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
