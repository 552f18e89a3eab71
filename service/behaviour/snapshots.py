"""Snapshots of behaviour: a start folds only the events and words that came after the newest that fits.

One fits the model, the settings and the format under which it was made, and is as the service wrote it: it is sealed with the
installation's secret. Any other is left aside, and all stored events are folded. It holds what was learned of people, so only the
service may read it, and none is gone on from for longer than judgements are kept: then what events no longer say is forgotten.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
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

FORMAT = 3
"""To be raised when what is learned of behaviour is held, or means, something else."""
_SEAL = 32


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
        """Return behaviour as in the newest snapshot of nothing after ``until``, or what ``make`` makes."""
        for path in sorted(_found(self._folder, self._key), key=_event, reverse=True):
            try:
                saved = self._read(path)
                if saved.event > until.event or saved.word > until.word or now - saved.began > self._kept_seconds:
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
        """Write what was learned, and forget older snapshots; nothing if there is nothing new. A disk that fails is logged."""
        if watching.seq <= self._last:
            return
        path = self._folder / f"behaviour-{watching.seq}-{self._key[:16]}.bin"
        try:
            saved = _Saved(watching.seq, watching.word, watching.began, learned(watching))
            self._write(path, zlib.compress(msgspec.msgpack.encode(saved), 1))
            for old in _found(self._folder):
                if old != path:
                    old.unlink()
        except (OSError, PlainError):
            log.exception("no snapshot of behaviour could be written")
        self._last = watching.seq  # one that fails is not tried again at every event

    def _write(self, path: Path, body: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(path.name + ".part")
        draft.touch(mode=0o600)
        with draft.open("wb") as file:
            file.write(self._seal(body) + body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)

    def forget(self) -> None:
        """Delete all snapshots: what they say of people must be known no more."""
        self._last = 0
        for path in _found(self._folder):
            path.unlink()

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


def _found(folder: Path, key: str = "") -> list[Path]:
    return list(folder.glob(f"behaviour-*-{key[:16] or '*'}.bin"))


def _event(path: Path) -> int:
    return int(path.stem.split("-")[1])
