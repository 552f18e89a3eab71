"""Private files."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import msgspec
import pytest

from service.errors import NotFoundError, StartError
from service.private_file import PrivateFile


class Record(msgspec.Struct, frozen=True):
    number: int


def test_changes_from_everywhere_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a" / "records.json"

    def add(start: int) -> None:
        for n in range(20):
            with PrivateFile(path, Record).change() as records:
                records.append(Record(start + n))

    threads = [threading.Thread(target=add, args=(start,)) for start in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = PrivateFile(path, Record).read()
    assert {record.number for record in found} == {start + n for start in (0, 100, 200) for n in range(20)}
    assert {child.name for child in path.parent.iterdir()} == {"records.json", "records.lock"}


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_only_its_owner_reads_it(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        with PrivateFile(tmp_path / "records.json", Record).change() as records:
            records.append(Record(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "records.json").stat().st_mode) == 0o600


def test_a_failed_change_changes_nothing(tmp_path: Path) -> None:
    file = PrivateFile(tmp_path / "records.json", Record)
    with file.change() as records:
        records.append(Record(1))

    def fail() -> None:
        with file.change() as changed:
            changed.clear()
            raise NotFoundError

    with pytest.raises(NotFoundError):
        fail()
    assert file.read() == (Record(1),)


def test_what_is_read_follows_the_file(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    file = PrivateFile(path, Record)
    with PrivateFile(path, Record).change() as records:
        records.append(Record(1))
    assert file.read() == (Record(1),)
    path.write_text("[{]")
    with pytest.raises(StartError, match=r"records\.json"):
        file.read()
    path.unlink()
    assert file.read() == ()


def test_what_takes_the_place_of_the_file_is_on_the_disk_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or after a power cut there were no keys, or those that were revoked."""
    path, synced, sync = tmp_path / "records.json", list[tuple[bool, int]](), os.fsync

    def noted(handle: int) -> None:
        of = os.fstat(handle)
        synced.append((path.exists(), 0 if stat.S_ISDIR(of.st_mode) else of.st_size))
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    with PrivateFile(path, Record).change() as records:
        records.append(Record(1))
    assert synced == [(False, path.stat().st_size), (True, 0)], "the file, then the folder in which it has its name"
