"""The bundle store: the folder where trained bundles are published and the service looks for the champion."""

from __future__ import annotations

import os
import shutil
from datetime import datetime
from pathlib import Path

import msgspec

from features.files import sync
from models.bundle_files import read_manifest
from models.errors import BundleError, BundleStoreError


class Publication(msgspec.Struct, frozen=True):
    """One act of publishing: which bundle became champion, when, by whom, and whether it was a rollback."""

    digest: str
    time: datetime
    by: str
    rollback: bool = False


class _Champion(msgspec.Struct):
    digest: str
    history: list[Publication]


class BundleStore:
    """Bundles by digest in one folder; ``champion.json`` names the one to serve and is replaced atomically."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._pointer = root / "champion.json"

    def path(self, digest: str) -> Path:
        """Return the directory of a bundle."""
        return self.root / digest

    def current(self) -> str | None:
        """Return the champion's digest, or ``None`` before the first publication."""
        champion = self._read()
        return champion.digest if champion else None

    def history(self) -> list[Publication]:
        """Return all publications, oldest first."""
        champion = self._read()
        return champion.history if champion else []

    def publish(self, source: Path, *, by: str, time: datetime) -> str:
        """Copy the bundle at ``source`` in, make it champion, and return its digest.

        Raises ``BundleStoreError`` for what is no bundle, or one that cannot judge alerts.
        """
        try:
            manifest, digest = read_manifest(source)
        except BundleError as error:
            raise BundleStoreError(str(source), f"not a bundle: {error.reason}") from error
        if not manifest.judges_alerts:
            raise BundleStoreError(str(source), "holds a model of behaviour only: it cannot be champion for alerts")
        if not self.path(digest).exists():
            draft = self.root / f"{digest}.{os.getpid()}.part"
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(source, draft)
            for file in draft.iterdir():
                sync(file)
            draft.rename(self.path(digest))
            sync(self.root)
        self._point(Publication(digest, time, by))
        return digest

    def rollback(self, *, by: str, time: datetime) -> str:
        """Make the bundle that was champion before the present one champion again; return its digest.

        Raises ``BundleStoreError`` when there is none, or none any more.
        """
        past = self.history()
        served: list[str] = []  # as a stack: a rollback takes the top one off
        for publication in past:
            if publication.rollback:
                served.pop()
            elif not served or served[-1] != publication.digest:
                served.append(publication.digest)
        if len(served) < 2:
            raise BundleStoreError(str(self.root), "there is no earlier bundle to roll back to")
        if not self.path(served[-2]).is_dir():
            raise BundleStoreError(str(self.path(served[-2])), "the earlier bundle is no longer here")
        self._point(Publication(served[-2], time, by, rollback=True))
        return served[-2]

    def _point(self, publication: Publication) -> None:
        champion = _Champion(publication.digest, [*self.history(), publication])
        draft = self._pointer.with_suffix(f".{os.getpid()}.part")
        draft.write_bytes(msgspec.json.encode(champion))
        sync(draft)
        draft.replace(self._pointer)
        sync(self.root)

    def _read(self) -> _Champion | None:
        try:
            return msgspec.json.decode(self._pointer.read_bytes(), type=_Champion)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.MsgspecError) as error:
            raise BundleStoreError(str(self._pointer), f"unreadable: {error}") from error
