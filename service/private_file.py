"""Records in a file of their own that only its owner can read: what the command line writes and a running service reads."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from features.files import sync
from service.errors import StartError

T = TypeVar("T", bound=msgspec.Struct)


class PrivateFile(Generic[T]):
    """A list of records as JSON, mode 0600, changed under a lock and replaced whole."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        self._path, self._kind = path, kind
        self._records: tuple[T, ...] = ()
        self._stamp: tuple[int, int] | None = None

    def read(self) -> tuple[T, ...]:
        """Return the records, looking at the file only if it changed. Raises ``StartError`` when it is damaged."""
        try:
            status = self._path.stat()
            if self._stamp == (status.st_mtime_ns, status.st_ino):
                return self._records
            records = msgspec.json.decode(self._path.read_bytes(), type=tuple[self._kind, ...])  # type: ignore[name-defined]
        except FileNotFoundError:
            self._records, self._stamp = (), None
            return ()
        except msgspec.MsgspecError as error:
            raise StartError(f"{self._path}: {error}") from error
        self._records, self._stamp = records, (status.st_mtime_ns, status.st_ino)
        return self._records

    @contextmanager
    def change(self) -> Iterator[list[T]]:
        """Hold the lock and give the records as a list, to be written as it was left; nothing is written on an error."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            records = list(self.read())
            yield records
            draft = self._path.with_suffix(f".{os.getpid()}.part")
            draft.touch(mode=0o600)
            with draft.open("wb") as file:
                file.write(msgspec.json.encode(records))
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
            sync(self._path.parent)
