"""The store of the live policy: one file for each version, never changed, the newest in force."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import msgspec

from features.files import sync
from models.errors import PolicyError
from models.live_policy import FORMAT, LivePolicy, checked

_TRIES = 20


class PolicyStore:
    """Versions ``00000001.json``, ``00000002.json`` … in one folder. Making a version that another made first fails and is tried again."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._by_digest: dict[str, LivePolicy] = {}

    def newest(self) -> int:
        """Return the number of the newest version; 0 where nothing was ever said. Raises ``PolicyError`` where that cannot be seen."""
        try:
            return max(
                (int(name[:-5]) for name in os.listdir(self.root) if name.endswith(".json") and name[:-5].isdecimal()), default=0
            )
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise PolicyError(str(self.root), str(error)) from error

    def read(self, version: int | None = None) -> LivePolicy:
        """Return a version, the newest if none is named. Version 0 says nothing: every tenant is in ``shadow``.

        Raises ``PolicyError`` for one that is damaged or was made by another version of the code.
        """
        number = self.newest() if version is None else version
        if number == 0:
            return LivePolicy()
        path = self._path(number)
        try:
            body = path.read_bytes()
            made_for = msgspec.json.decode(body, type=_Format).format
            if made_for != FORMAT:
                raise PolicyError(str(path), f"format {made_for}, this version reads {FORMAT}")
            policy = msgspec.json.decode(body, type=LivePolicy)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PolicyError(str(path), str(error)) from error
        if policy.version != number:
            raise PolicyError(str(path), f"calls itself version {policy.version}")
        return checked(policy, str(path))

    def last_good(self, until: int | None = None) -> tuple[LivePolicy | None, str]:
        """Return the newest version that can be read, of those up to ``until``, and why the newest was refused (``""``: it was not).

        ``None`` where versions were made, but none can be read, or where one is whole for all that is known and only cannot be
        opened, or not even listed: it may be a stop.
        """
        try:
            newest, refusal = self.newest() if until is None else until, ""
        except PolicyError as error:
            return None, str(error)
        for number in range(newest, 0, -1):
            try:
                return self.read(number), refusal
            except PolicyError as error:
                refusal = refusal or str(error)
                if _unopened(error):
                    return None, refusal
        return (None if newest else LivePolicy()), refusal

    def stamp(self, version: int) -> tuple[int, int, int] | None:
        """Return what tells a version's file from another that took its place, ``None`` where there is none: one look at the disk,
        which is all that watching costs."""
        try:
            told = self._path(version).stat()
        except OSError:
            return None
        return told.st_ino, told.st_mtime_ns, told.st_size

    def find(self, digest: str) -> LivePolicy | None:
        """Return the version of that digest."""
        if digest not in self._by_digest:
            for number in range(self.newest() + 1):
                try:
                    policy = self.read(number)
                except PolicyError:
                    continue
                self._by_digest[policy.digest] = policy
        return self._by_digest.get(digest)

    def change(
        self,
        edit: Callable[[LivePolicy], LivePolicy],
        *,
        by: str,
        time: datetime,
        note: str = "",
        whatever: bool = False,
    ) -> LivePolicy:
        """Make a new version of the newest one by ``edit`` and return it, durable. Raises ``PolicyError``; then nothing changed.

        ``whatever``: where the newest is damaged, start from the last good one; where none is, from one that says nothing. A stop
        must succeed; for all else a person is to look first. Of one that only cannot be opened nothing that it says may be lost.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        for _ in range(_TRIES):
            newest = self.newest()
            before = self._start_from(newest) if whatever else self.read(newest)
            after = msgspec.structs.replace(edit(before), format=FORMAT, version=newest + 1, by=by, time=time, note=note)
            if self._write(self._readable(after)):
                return after
        raise PolicyError(str(self.root), "others change it all the time; try again")

    def _start_from(self, newest: int) -> LivePolicy:
        for number in range(newest, 0, -1):
            try:
                return self.read(number)
            except PolicyError as error:
                if _unopened(error):
                    raise
        return LivePolicy()

    def _readable(self, policy: LivePolicy) -> LivePolicy:
        """Return the policy as it will be read. Raises ``PolicyError`` for one that would be refused then."""
        try:
            return checked(msgspec.json.decode(msgspec.json.encode(policy), type=LivePolicy), str(self.root))
        except (msgspec.MsgspecError, UnicodeError) as error:
            raise PolicyError(str(self.root), str(error)) from error

    def _write(self, policy: LivePolicy) -> bool:
        path = self._path(policy.version)
        draft = path.with_suffix(f".{os.getpid()}.{id(policy)}.part")
        draft.touch(mode=0o600)
        with draft.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(policy), indent=1))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return False
        finally:
            draft.unlink()
        sync(self.root)
        return True

    def _path(self, version: int) -> Path:
        return self.root / f"{version:08}.json"


def _unopened(error: PolicyError) -> bool:
    return isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError)


class _Format(msgspec.Struct):
    format: int
