"""Settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from service.errors import StartError
from service.metrics import REGISTRY
from service.settings import ServiceSettings
from tests.service.process import ROOT


def test_every_setting_has_its_row() -> None:
    rows = {line.split()[0]: line.split()[1] for line in (ServiceSettings.__doc__ or "").splitlines() if len(line.split()) > 2}
    defaults = {name: getattr(ServiceSettings(), name) for name in ServiceSettings.__struct_fields__}
    assert {name: rows[name].strip("`") for name in defaults} == {name: str(value) for name, value in defaults.items()}
    told = re.findall(r"^\| `TAMIS_(\w+)` \| (\S+) \|", (ROOT / "REFERENCE.md").read_text(), re.MULTILINE)
    assert told == [(name.upper(), str(value)) for name, value in defaults.items()]


def test_every_metric_has_its_row() -> None:
    told = re.findall(r"^\| `(tamis_\w+)` \| (.+) \|$", (ROOT / "REFERENCE.md").read_text(), re.MULTILINE)
    known = [(metric.name + "_total" * (metric.type == "counter"), metric.documentation) for metric in REGISTRY.collect()]
    assert told == known


def test_from_env(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAMIS_VAR", "/somewhere")
    monkeypatch.setenv("TAMIS_PORT", "9000")
    settings = ServiceSettings.from_env()
    assert (settings.var, settings.port) == (Path("/somewhere"), 9000)
    monkeypatch.setenv("TAMIS_PORT", "x")
    with pytest.raises(StartError, match="port"):
        ServiceSettings.from_env()
