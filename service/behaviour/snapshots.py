"""Snapshots of behaviour: a start folds only the events and words that came after the newest that fits.

One fits the model, the settings and the format under which it was made, and is as the service wrote it: it is sealed with the
installation's secret. Any other is left aside, and all stored events are folded. It holds what was learned of people, so only the
service may read it. One that was begun longer ago than judgements are kept is left aside, too, and what events no longer say is
forgotten: that is asked when one is read, not of a service that runs on.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import msgspec

from models.behaviour.model import BehaviourModel
from service.behaviour.plain import PlainError, learned, put_in
from service.behaviour.watching import Watching
from service.behaviour.words import Place
from service.settings import ServiceSettings

log = logging.getLogger(__name__)

FORMAT = 8
"""To be raised when what is learned of behaviour is held, or means, something else."""
_SEAL = 32
_NAME = re.compile(r"behaviour-([0-9]+)-([0-9a-f]{16})\.bin")
_DRAFT = "behaviour.part"


class _Saved(msgspec.Struct, array_like=True):
    event: int
    word: int
    began: float
    state: bytes


class Snapshots:
    """The snapshots of behaviour as ``model`` judges it."""

    def __init__(self, settings: ServiceSettings, secret: bytes, model: BehaviourModel) -> None:
        self._folder, self._secret, self._every = settings.state, secret, settings.snapshot_facts
        self._kept_seconds = settings.keep_anomalies_seconds
        whole = hashlib.sha256(f"{FORMAT} {settings.false_discovery!r} {settings.late_seconds!r}".encode())
        for name, data in sorted(model.to_files().items()):
            whole.update(name.encode() + hashlib.sha256(data).digest())
        self._key = whole.hexdigest()
        self._last = 0

    def newest(self, until: Place, make: Callable[[], Watching], now: float) -> Watching:
        """Return behaviour as in the newest snapshot of nothing after ``until``, or what ``make`` makes.

        What comes after ``until`` is of records that are gone, as where older ones were put back: it is deleted before others get its number.
        """
        for path in _found(self._folder, self._key):
            try:
                saved = self._read(path)
                if saved.event > until.event or saved.word > until.word:
                    log.warning("snapshot deleted: %s: what it was made of is stored no more", path.name)
                    path.unlink()
                    continue
                if now - saved.began > self._kept_seconds:
                    continue
                watching = make()
                put_in(watching, saved.state)
            except (OSError, PlainError) as error:
                log.warning("snapshot left aside: %s: %s", path.name, error)
            else:
                self._last = watching.seq
                return watching
        return make()

    def due(self, watching: Watching) -> bool:
        """Whether so much was folded since the last that it is time for another."""
        return watching.seq - self._last >= self._every

    def save(self, watching: Watching) -> None:
        """Write what was learned, and forget older snapshots; nothing if there is nothing new. Whatever fails is logged."""
        if watching.seq <= self._last:
            return
        path = self._folder / f"behaviour-{watching.seq}-{self._key[:16]}.bin"
        try:
            saved = _Saved(watching.seq, watching.word, watching.began, learned(watching))
            self._write(path, zlib.compress(msgspec.msgpack.encode(saved), 1))
            for old in _found(self._folder):
                if old != path:
                    old.unlink()
        except Exception:  # what was observed is right all the same
            log.exception("no snapshot of behaviour could be written")
        self._last = watching.seq  # one that fails is not tried again at every event

    def _write(self, path: Path, body: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = self._folder / _DRAFT
        try:
            draft.touch(mode=0o600)
            with draft.open("wb") as file:
                file.write(self._seal(body) + body)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)

    def forget(self) -> None:
        """Delete all snapshots: what they say of people must be known no more."""
        self._last = 0
        forget_snapshots(self._folder)

    def _read(self, path: Path) -> _Saved:
        data = path.read_bytes()
        if not hmac.compare_digest(data[:_SEAL], self._seal(data[_SEAL:])):
            raise PlainError("is not as it was written")
        try:
            return msgspec.msgpack.decode(zlib.decompress(data[_SEAL:]), type=_Saved)
        except (zlib.error, msgspec.MsgspecError) as error:
            raise PlainError(f"cannot be read: {error}") from error

    def _seal(self, body: bytes) -> bytes:
        seal = hmac.new(self._secret, b"behaviour " + self._key.encode(), hashlib.sha256)
        seal.update(body)
        return seal.digest()


def forget_snapshots(folder: Path) -> None:
    """Delete all snapshots of behaviour in the folder of states, whatever made them, and what was begun of one."""
    for path in folder.glob("behaviour*"):
        path.unlink()


def _found(folder: Path, key: str = "") -> list[Path]:
    """Return the snapshots in a folder, or those of one key, the newest first."""
    named = [(found, path) for path in folder.glob("behaviour-*.bin") if (found := _NAME.fullmatch(path.name))]
    some = [(int(found[1]), path) for found, path in named if found[2].startswith(key[:16])]
    return [path for _, path in sorted(some, reverse=True)]
