"""Files of records: opened whatever they are packed with, split into records, and what is put aside of them. Beside it what any file
needs: to be held by the disk, and to be named where the operating system refuses."""

from __future__ import annotations

import gzip
import lzma
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import msgspec

from features.errors import RecordError, SourceError

_RAW_SHOWN = 2000


class Reject(msgspec.Struct, frozen=True):
    """One record put aside: where it stands, what was wrong, and how it began."""

    source: str
    row: int
    field: str
    reason: str
    raw: str


def reject(error: RecordError, raw: bytes | None, source: str, row: int) -> Reject:
    """Return a record put aside, with its beginning."""
    return Reject(source, row, error.field, error.reason, (raw or b"")[:_RAW_SHOWN].decode("utf-8", "replace"))


def _open(file: Path) -> IO[bytes]:
    if file.suffix == ".gz":
        return cast("IO[bytes]", gzip.GzipFile(file))
    return lzma.LZMAFile(file) if file.suffix == ".xz" else file.open("rb")


def sync(path: Path) -> None:
    """Return when the disk holds a file, or which files a folder has."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def named(error: Exception) -> str:
    """Return an error in one line; of the operating system's what it would not do, and with which file."""
    if not isinstance(error, OSError) or error.filename is None:
        return str(error)
    return f"{error.filename if error.filename2 is None else error.filename2}: {error.strerror}"


@contextmanager
def opened(file: Path) -> Iterator[IO[bytes]]:
    """Open a plain, gzip or xz file; what is wrong with it becomes a ``SourceError``."""
    try:
        with _open(file) as stream:
            yield stream
    except (EOFError, lzma.LZMAError, gzip.BadGzipFile, zlib.error) as error:
        raise SourceError(str(file), f"truncated or damaged archive: {error}") from error
    except OSError as error:
        raise SourceError(str(file), error.strerror or str(error)) from error


def json_items(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the records of JSON lines, or of one array; of a damaged array each line is a record, so that one spoils no other."""
    first = stream.readline().removeprefix(b"\xef\xbb\xbf")
    if not first.lstrip().startswith(b"["):
        yield from (line.strip() for line in (first,) if line.strip())
        yield from (line.strip() for line in stream if line.strip())
        return
    whole = first.lstrip() + stream.read()
    try:
        yield from (bytes(item) for item in msgspec.json.decode(whole, type=list[msgspec.Raw]))
    except (msgspec.MsgspecError, RecursionError):
        if first.rstrip().endswith(b"]"):
            yield first
            return
        for line in whole[1:].splitlines():
            item = line.strip().removesuffix(b"]").strip(b", \t\r\n")
            if item:
                yield item
