"""API keys: made once, shown once, stored only as a digest."""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import msgspec

from features.alert import MAX_NAME, Name
from service.errors import InvalidError, NotFoundError, StartError, UnauthorizedError


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


class KeyStore:
    """Keys in one file of mode 0600, replaced whole; a running service sees a change within a second."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, Key] = {}
        self._stamp: tuple[int, int] | None = None

    def create(self, role: Role, tenant: str, name: str) -> str:
        """Make a key and return its text, which is stored nowhere. Raises ``InvalidError`` for a tenant that cannot be."""
        if not 0 < len(tenant) <= MAX_NAME:
            raise InvalidError(f"the tenant's name must have 1 to {MAX_NAME} characters")
        uid, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        key = Key(uid=uid, role=role, tenant=tenant, name=name, digest=_digest(secret), created=datetime.now(UTC))
        with self._locked():
            self._write([*self.list(), key])
        return f"tamis_{uid}_{secret}"

    def revoke(self, uid: str) -> None:
        """Make a key useless. Raises ``NotFoundError``."""
        with self._locked():
            keys = self.list()
            if not any(key.uid == uid and key.revoked is None for key in keys):
                raise NotFoundError(f"no key {uid}")
            now = datetime.now(UTC)
            self._write([msgspec.structs.replace(key, revoked=now) if key.uid == uid else key for key in keys])

    def list(self) -> list[Key]:
        """Return all keys, revoked ones too."""
        self.refresh()
        return list(self._keys.values())

    def refresh(self) -> None:
        """Read the file again if it changed. Raises ``StartError`` when it is damaged."""
        try:
            status = self._path.stat()
            if self._stamp == (status.st_mtime_ns, status.st_ino):
                return
            keys = msgspec.json.decode(self._path.read_bytes(), type=list[Key])
        except FileNotFoundError:
            self._keys = {}
            return
        except msgspec.MsgspecError as error:
            raise StartError(f"{self._path}: {error}") from error
        self._keys = {key.uid: key for key in keys}
        self._stamp = (status.st_mtime_ns, status.st_ino)

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

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write(self, keys: list[Key]) -> None:  # type: ignore[valid-type]
        draft = self._path.with_suffix(f".{os.getpid()}.part")
        draft.touch(mode=0o600)
        draft.write_bytes(msgspec.json.encode(keys))
        draft.replace(self._path)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
