"""The store of the live policy: versions that are never changed, and what is refused."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from models.decision import BlastRadius
from models.errors import PolicyError
from models.live_policy import Cap, LivePolicy, Mode, Setting, Stop
from models.policy_store import PolicyStore

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def _with(tenant: str) -> Setting:
    return Setting(tenant=tenant, mode=Mode.AUTOMATE)


def test_nothing_said_is_version_zero(tmp_path: Path) -> None:
    store = PolicyStore(tmp_path / "policy")
    assert store.read() == LivePolicy()
    assert store.find(LivePolicy().digest) == LivePolicy()


def test_each_change_is_a_version_of_its_own_and_is_found_by_its_digest(tmp_path: Path) -> None:
    store = PolicyStore(tmp_path)
    first = store.change(lambda p: msgspec.structs.replace(p, modes=(_with("a"),)), by="ann", time=NOW, note="why")
    second = store.change(lambda p: msgspec.structs.replace(p, modes=()), by="ben", time=NOW)
    assert (first.version, second.version, store.read()) == (1, 2, second)
    assert (first.by, first.note) == ("ann", "why")
    assert store.find(first.digest) == first
    assert store.find("0" * 16) is None


def test_those_who_change_it_at_once_all_succeed(tmp_path: Path) -> None:
    names = [str(i) for i in range(8)]

    def add(name: str) -> None:
        PolicyStore(tmp_path).change(lambda p: msgspec.structs.replace(p, modes=(*p.modes, _with(name))), by=name, time=NOW)

    threads = [threading.Thread(target=add, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(s.tenant for s in PolicyStore(tmp_path).read().modes) == names
    assert PolicyStore(tmp_path).newest() == 8


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"format": 2, "version": 1}', b'{"format": 0, "version": 1}', b'{"format": 1, "version": 3}', b"\xff",
     b'{"format": 1, "version": 1, "guardrail": []}', b'{"format": 1, "version": 1, "modes": [{"mode": "auto"}]}',
     b'{"format": 1, "version": 1, "never_suppress": [{"by": "colour"}]}'],
)  # fmt: skip
def test_what_is_not_understood_is_refused_with_its_path(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "00000001.json").write_bytes(body)
    with pytest.raises(PolicyError, match=r"00000001\.json"):
        PolicyStore(tmp_path).read()
    with pytest.raises(PolicyError):
        PolicyStore(tmp_path).change(lambda p: p, by="ann", time=NOW)
    assert PolicyStore(tmp_path).newest() == 1


def test_the_last_good_version_is_found_behind_damaged_ones(tmp_path: Path) -> None:
    store = PolicyStore(tmp_path)
    assert store.last_good() == (LivePolicy(), "")
    first = store.change(lambda p: msgspec.structs.replace(p, modes=(_with("a"),)), by="ann", time=NOW)
    assert store.last_good() == (first, "")
    (tmp_path / "00000002.json").write_bytes(b"{")
    (tmp_path / "00000003.json").write_bytes(b"")
    policy, refusal = store.last_good()
    assert policy == first
    assert "00000003" in refusal
    made = store.change(lambda p: p, by="ann", time=NOW, whatever=True)
    assert (made.version, made.modes) == (4, first.modes)
    for path in tmp_path.glob("*.json"):
        path.write_bytes(b"{")
    assert store.last_good()[0] is None
    assert store.change(lambda p: p, by="ann", time=NOW, whatever=True).version == 5


def test_what_cannot_be_opened_may_be_a_stop_and_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = PolicyStore(tmp_path)
    store.change(lambda p: msgspec.structs.replace(p, modes=(_with("a"),)), by="ann", time=NOW)
    second = store.change(lambda p: msgspec.structs.replace(p, stops=(Stop(by="ann", time=NOW),)), by="ann", time=NOW)
    with monkeypatch.context() as shut:
        shut.setattr(Path, "read_bytes", unopened("00000002.json"))
        policy, refusal = store.last_good()
        assert policy is None
        assert "00000002" in refusal
        with pytest.raises(PolicyError, match="Too many open files"):
            store.change(lambda p: p, by="watch", time=NOW, whatever=True)
    assert store.last_good() == (second, "")
    (tmp_path / "00000002.json").unlink()
    assert store.last_good(2)[0] == store.read(1), "what is not there says nothing"


def unopened(name: str) -> Callable[[Path], bytes]:
    """Return a way to read files by which one of them cannot be opened."""
    read = Path.read_bytes

    def opened(path: Path) -> bytes:
        if path.name == name:
            raise OSError(errno.EMFILE, "Too many open files")
        return read(path)

    return opened


def test_what_would_be_refused_when_read_is_not_written(tmp_path: Path) -> None:
    store = PolicyStore(tmp_path)
    twice = LivePolicy(modes=(_with("a"), _with("a")))
    endless = LivePolicy(caps=(Cap(tier=BlastRadius.MINIMAL, most=1, window_seconds=float("nan")),))
    naive = LivePolicy(modes=(Setting(tenant="a", mode=Mode.SHADOW, expires=datetime(2026, 1, 1)),))  # noqa: DTZ001
    for policy in (twice, endless, naive):
        with pytest.raises(PolicyError):
            store.change(lambda _, new=policy: new, by="ann", time=NOW)
    assert store.newest() == 0


def test_behind_a_damaged_version_nothing_is_lost_of_one_that_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = PolicyStore(tmp_path)
    store.change(lambda p: msgspec.structs.replace(p, stops=(Stop(by="ann", time=NOW),)), by="ann", time=NOW)
    (tmp_path / "00000002.json").write_bytes(b"{")
    with monkeypatch.context() as shut:
        shut.setattr(Path, "read_bytes", unopened("00000001.json"))
        with pytest.raises(PolicyError, match="Too many open files"):
            store.change(lambda p: p, by="watch", time=NOW, whatever=True)
    assert store.change(lambda p: p, by="watch", time=NOW, whatever=True).stops


def test_versions_that_cannot_be_listed_are_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = PolicyStore(tmp_path)
    store.change(lambda p: msgspec.structs.replace(p, modes=(_with("a"),)), by="ann", time=NOW)
    monkeypatch.setattr(os, "listdir", _unlisted)
    policy, refusal = store.last_good()
    assert policy is None
    assert "Too many open files" in refusal
    for ask in (store.newest, store.read, lambda: store.change(lambda p: p, by="ann", time=NOW, whatever=True)):
        with pytest.raises(PolicyError, match="Too many open files"):
            ask()


def _unlisted(_: Path) -> list[str]:
    raise OSError(errno.EMFILE, "Too many open files")
