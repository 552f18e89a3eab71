"""Measures over HTTP: of what is stored, for the key's tenant, with nothing counted that nobody looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.keys import Role
from tests.service.client import Service, finding


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    with Service(tmp_path) as running:
        yield running


def _measures(service: Service, query: str = "", key: str | None = None) -> dict[str, Any]:
    answer = service.send("GET", f"/v1/measures{query}", key or service.keys[Role.ANALYST])
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_of_nothing_all_is_defined(service: Service) -> None:
    found = _measures(service)["measures"]
    assert found["alerts"] == 0
    assert found["acknowledge"]["n"] == 0
    assert found["acknowledge"]["median"] is None


def test_false_positives_by_rule_with_the_count_of_reviewed(service: Service) -> None:
    service.post([finding(f"a{i}", rule="loud", seconds=60.0 * i) for i in range(4)])
    verdicts = [{"alert_uid": "a0", "verdict": "false_positive"}, {"alert_uid": "a1", "verdict": "true_positive"}]
    assert service.send("POST", "/v1/labels", service.keys[Role.ANALYST], json=verdicts).status_code == 201
    body = _measures(service, "?days=1")
    (rule,) = body["measures"]["rules"]
    assert body["rules"][rule["rule"]][1] == "loud"
    assert (rule["alerts"], rule["reviewed"], rule["false_rate"]["n"], rule["false_rate"]["hits"]) == (4, 2, 2, 1)
    assert body["measures"]["reviewed"]["hits"] == 2
    assert body["analysts"] == ["analyst"]


def test_another_tenant_sees_its_own(service: Service) -> None:
    service.post([finding("a0")])
    assert _measures(service, key=service.other)["measures"]["alerts"] == 0


def test_roles_and_parameters(service: Service) -> None:
    assert service.send("GET", "/v1/measures", service.keys[Role.PIPELINE]).status_code == 403
    for days in ("0", "401", "x"):
        assert service.send("GET", f"/v1/measures?days={days}", service.keys[Role.ADMIN]).status_code == 422
