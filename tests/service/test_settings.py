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


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("TAMIS_PORT", "x"),
        ("TAMIS_PORT", "99999"),
        ("TAMIS_POLL_SECONDS", "0"),
        ("TAMIS_POLL_SECONDS", "nan"),
        ("TAMIS_WEBHOOK_SECONDS", "inf"),
        ("TAMIS_QUIET_SECONDS", "-1"),
        ("TAMIS_KEEP_RISK_SECONDS", "nan"),
        ("TAMIS_BATCH_ALERTS", "0"),
        ("TAMIS_MAX_BODY_BYTES", "-5"),
        ("TAMIS_FALSE_DISCOVERY", "7"),
        ("TAMIS_STEP_UP_SHARE", "0"),
    ],
)
def test_what_cannot_be_is_refused_by_the_name_of_its_variable(monkeypatch: pytest.MonkeyPatch, variable: str, text: str) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(StartError, match=f"^{variable}={text}: "):
        ServiceSettings.from_env()
