"""Keyed 64-bit hashes of text, so that chosen strings can neither collide nor be looked up."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from features.errors import SourceError

SECRET_BYTES = 32
_CACHE_LIMIT = 1_000_000


def load_or_create_secret(path: Path) -> bytes:
    """Return the installation's hash secret, made on first use (mode 0600).

    Raises ``SourceError`` when the file is there but does not hold a secret: a new one would orphan all state.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        draft.touch(mode=0o600)
        with draft.open("wb", buffering=0) as file:
            file.write(os.urandom(SECRET_BYTES))
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):  # another process was first: its secret holds
            os.link(draft, path)
        draft.unlink()
    secret = path.read_bytes()
    if len(secret) != SECRET_BYTES:
        raise SourceError(str(path), f"is not a secret of {SECRET_BYTES} bytes")
    return secret


class KeyedHash:
    """Hash (column, text) to 64 bits under a secret; 0 is kept for "absent".

    Hashes are remembered, because the same few names come again and again; the memory is bounded.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._cache: dict[tuple[str, str], int] = {}
        self._persons: dict[str, bytes] = {}

    def of(self, column: str, text: str) -> int:
        """Return the hash of ``text`` as a value of ``column``; 0 for empty text."""
        if not text:
            return 0
        key = (column, text)
        found = self._cache.get(key)
        if found is None:
            if len(self._cache) >= _CACHE_LIMIT:
                self._cache.clear()
            found = self._cache[key] = self._digest(column, text)
        return found

    def _digest(self, column: str, text: str) -> int:
        person = self._persons.get(column)
        if person is None:
            person = self._persons[column] = hashlib.blake2b(column.encode(), digest_size=16).digest()
        digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=self._secret, person=person)
        return int.from_bytes(digest.digest(), "little") or 1
