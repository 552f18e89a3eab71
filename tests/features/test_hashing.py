"""Keyed hashes and the secret behind them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import SourceError
from features.hashing import SECRET_BYTES, KeyedHash, load_or_create_secret


@given(column=st.text(max_size=8), text=st.text(max_size=30))
def test_a_hash_is_64_bits_and_repeats(column: str, text: str) -> None:
    first = KeyedHash(b"k" * 32).of(column, text)
    assert first == KeyedHash(b"k" * 32).of(column, text)
    assert 0 <= first < 2**64
    assert (first == 0) == (text == "")


def test_column_and_secret_matter() -> None:
    one, other = KeyedHash(b"k" * 32), KeyedHash(b"l" * 32)
    assert len({one.of("host", "a"), one.of("user", "a"), other.of("host", "a"), one.of("hos", "ta")}) == 4


def test_a_lone_surrogate_can_be_hashed() -> None:
    assert KeyedHash(b"k" * 32).of("host", "\ud800")


def test_the_secret_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret"
    secret = load_or_create_secret(path)
    assert len(secret) == SECRET_BYTES
    assert load_or_create_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["secret"]


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 33])
def test_a_damaged_secret_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secret").write_bytes(content)
    with pytest.raises(SourceError, match="32 bytes"):
        load_or_create_secret(tmp_path / "secret")
    assert (tmp_path / "secret").read_bytes() == content


def test_a_new_secret_is_on_the_disk_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or after a power cut nothing that was stored under it could be read."""
    synced, sync = list[int](), os.fsync

    def noted(handle: int) -> None:
        synced.append(os.fstat(handle).st_size)
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    load_or_create_secret(tmp_path / "secret")
    assert synced == [SECRET_BYTES]
    load_or_create_secret(tmp_path / "secret")
    assert len(synced) == 1
