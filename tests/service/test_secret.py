"""The installation's secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.errors import StartError
from service.secret import existing_secret, secret_of
from service.settings import ServiceSettings
from tests.service.client import Service, finding


def test_it_is_made_where_nothing_is_stored(tmp_path: Path) -> None:
    settings = ServiceSettings(var=tmp_path)
    with pytest.raises(StartError, match=r"secret\.key is missing"):
        existing_secret(settings)
    assert secret_of(settings) == existing_secret(settings)


def test_records_without_their_secret_are_not_gone_on_with(tmp_path: Path) -> None:
    with Service(tmp_path) as service:
        assert service.post(finding("a")).status_code == 201
    again = Service(tmp_path)
    again.settings.secret.unlink()
    with pytest.raises(StartError, match=r"secret\.key is missing"):
        again.__enter__()
    assert not service.settings.secret.exists()
