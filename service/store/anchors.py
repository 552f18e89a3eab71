"""Anchors: where the decision log ended at certain times, kept in a file beside the keys, so that cutting its tail off is found."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from service.errors import ServiceError
from service.private_file import PrivateFile
from service.store.decision_log import head

log = logging.getLogger(__name__)

EVERY_SECONDS = 3600.0


class Anchor(msgspec.Struct, frozen=True):
    """At ``time`` the log ended at row ``row``, and its chain in ``chain`` (hexadecimal)."""

    time: datetime
    row: int
    chain: str


def read_anchors(path: Path) -> tuple[Anchor, ...]:
    """Return all anchors, oldest first. Raises ``StartError`` when the file is damaged."""
    return PrivateFile(path, Anchor).read()


class Anchors:
    """Appends to the file, never changes what it holds."""

    def __init__(self, path: Path, engine: Engine, now: Callable[[], float] = time.time) -> None:
        self._file, self._engine, self._now = PrivateFile(path, Anchor), engine, now
        self._next = 0.0

    def drop(self) -> None:
        """Write down where the log ends now, as far as it is committed. The service goes on where that fails; it is in its own log."""
        self._next = self._now() + EVERY_SECONDS
        try:
            self._append()
        except (ServiceError, SQLAlchemyError, OSError):
            log.exception("the end of the decision log could not be anchored")

    def _append(self) -> None:
        with self._engine.connect() as connection:
            end = head(connection)
        with self._file.change() as anchors:
            if anchors and end.row < anchors[-1].row:
                log.error(
                    "the decision log ends at row %d; it was anchored at row %d: see `tamis verify-log`", end.row, anchors[-1].row
                )
            anchors.append(Anchor(datetime.fromtimestamp(self._now(), UTC), end.row, end.chain.hex()))

    def drop_if_due(self) -> None:
        """Do so once an hour."""
        if self._now() >= self._next:
            self.drop()
