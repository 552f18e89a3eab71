"""Fixtures of the outbox's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.outbox.receivers import ReceiverStore
from service.store.database import Database
from tests.service.client import Service
from tests.service.outbox.post import Post


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database of its own."""
    opened = Database(tmp_path / "service" / "tamis.db", bytes(32))
    yield opened
    opened.close()


@pytest.fixture
def post(database: Database, tmp_path: Path) -> Post:
    """An outbox on it."""
    return Post(database, ReceiverStore(tmp_path / "service" / "receivers.json"))


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that looks often."""
    with Service(tmp_path, poll_seconds=0.05) as running:
        yield running
