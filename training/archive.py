"""Unpacking what came from outside: flat, bounded, and never beyond its folder."""

from __future__ import annotations

import shutil
import stat
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from training.errors import FetchError

MOST_BYTES = 4 << 30
"""The most that an archive may unpack to."""


def unpack(name: str, address: str, archive: Path, folder: Path, most_bytes: int = MOST_BYTES) -> None:
    """Unpack the files of a zip into ``folder``, without its sub-folders; ``…_alerts.txt`` becomes ``…_alerts.csv``.

    Raises ``FetchError`` for an archive that is damaged, too large when unpacked, or names a path outside itself.
    """
    folder.mkdir(parents=True)
    try:
        with zipfile.ZipFile(archive) as packed:
            members = _members(packed)
            if sum(member.file_size for member in members.values()) > most_bytes:
                raise FetchError(name, address, f"unpacks to more than {most_bytes:,} bytes")
            for target, member in members.items():
                with packed.open(member) as source, (folder / target).open("wb") as file:
                    shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise FetchError(name, address, f"not a sound zip archive: {error}") from error
    except _UnsafeMemberError as error:
        raise FetchError(name, address, str(error)) from error


class _UnsafeMemberError(ValueError):
    """A member of an archive that must not be unpacked."""


def _members(packed: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the files to unpack by the name that each shall have."""
    found: dict[str, zipfile.ZipInfo] = {}
    for member in packed.infolist():
        path = PurePosixPath(member.filename)
        mode = member.external_attr >> 16
        if path.is_absolute() or ".." in path.parts or "\\" in member.filename or ":" in member.filename or stat.S_ISLNK(mode):
            raise _UnsafeMemberError(f"holds an unsafe entry {member.filename!r}")
        if member.is_dir() or "__MACOSX" in path.parts or path.name.startswith("."):
            continue
        target = path.name.removesuffix(".txt") + ".csv" if path.name.endswith("_alerts.txt") else path.name
        if target in found:
            raise _UnsafeMemberError(f"holds {target!r} twice")
        found[target] = member
    if not found:
        raise _UnsafeMemberError("holds no file")
    return found
