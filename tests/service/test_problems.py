"""Every error is a problem document that gives nothing away."""

from __future__ import annotations

import pytest

from service.host import Host
from service.keys import Role
from tests.service.client import Service, finding


def test_form(service: Service) -> None:
    requests = [
        ("GET", "/none", None), ("DELETE", "/v1/queue", None), ("GET", "/v1/queue?limit=x", None), ("GET", "/v1/queue", ""),
        ("GET", "/v1/queue", service.keys[Role.PIPELINE]), ("GET", "/v1/alerts/none", None), ("POST", "/v1/alerts", None),
    ]  # fmt: skip
    for (method, path, key), status in zip(requests, (404, 405, 422, 401, 403, 404, 422), strict=True):
        answer = service.send(method, path, key)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert answer.json()["title"]


def test_an_unexpected_error_shows_no_stack(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_host: Host, _digest: str) -> None:
        raise RuntimeError("secret words")

    service.post({})
    monkeypatch.setattr(Host, "explainer", fail)
    service.post(finding("a"))
    answer = service.send("GET", "/v1/decisions/a")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text
