"""Fixtures of the service's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.client import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that has seen nothing yet."""
    with Service(tmp_path) as running:
        yield running
