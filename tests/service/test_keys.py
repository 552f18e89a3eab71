"""The key store."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from service.errors import NotFoundError, StartError, UnauthorizedError
from service.keys import KeyStore, Role


def test_the_secret_is_stored_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    text = KeyStore(path).create(Role.PIPELINE, "acme", "siem")
    assert text.split("_", 2)[2].encode() not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_authenticate_and_revoke(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys.json")
    text = store.create(Role.ANALYST, "acme", "ann")
    store.refresh()
    key = store.authenticate(text)
    assert (key.role, key.tenant, key.name) == (Role.ANALYST, "acme", "ann")
    store.revoke(key.uid)
    store.refresh()
    with pytest.raises(UnauthorizedError):
        store.authenticate(text)
    with pytest.raises(NotFoundError):
        store.revoke(key.uid)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    with pytest.raises(StartError, match=r"keys\.json"):
        KeyStore(tmp_path / "keys.json").refresh()
