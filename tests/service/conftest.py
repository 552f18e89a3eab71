"""Fixtures of the service's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from models.audit import Audit
from tests.service.bundles import AUDIT_LINE as LINE
from tests.service.bundles import publish
from tests.service.client import Service


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """A service that has seen nothing yet."""
    with Service(tmp_path) as running:
        yield running


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[Service]:
    """A service with a model that suppresses, and audits three in ten of that."""
    publish(tmp_path / "var", tmp_path / "work", audit=Audit(rate=0.3, daily=1.0, line=LINE))
    with Service(tmp_path / "var") as running:
        yield running
