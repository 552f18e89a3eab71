"""Every route × every role, no key and wrong keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from service.auth import ROLES
from service.keys import KeyStore, Role
from service.routes import (
    alerts,
    audit,
    closure,
    decisions,
    entities,
    events,
    health,
    incidents,
    labels,
    measures,
    policy,
    thresholds,
)
from tests.service.client import Service, until

OPEN = {"/healthz", "/readyz"}


@pytest.mark.parametrize("route", sorted(ROLES))
def test_matrix(service: Service, route: tuple[str, str]) -> None:
    method, path = route[0], route[1].format(uid="none", kind="user")
    for role in Role:
        refused = service.send(method, path, service.keys[role]).status_code == 403
        assert refused == (role not in ROLES[route]), role
    known = service.keys[Role.ADMIN]
    for wrong in ("", "x", "tamis__", "tamis_a_b", known[:-1] + ("A" if known[-1] != "A" else "B"), known + "x", "tamis_" + "ü"):
        answer = service.send(method, path, key="", headers={b"authorization": f"Bearer {wrong}".encode()} if wrong else {})
        assert answer.status_code == 401, wrong
        assert answer.headers["www-authenticate"] == "Bearer"


def test_every_route_is_in_the_table_or_open(service: Service) -> None:
    routes = [
        route
        for module in (
            alerts,
            audit,
            closure,
            decisions,
            entities,
            events,
            health,
            incidents,
            labels,
            measures,
            policy,
            thresholds,
        )
        for route in module.router.routes
    ]
    found = {(method, route.path_format) for route in routes if isinstance(route, APIRoute) for method in route.methods}
    assert len(found) == len(routes)
    assert {route for route in found if route[1] not in OPEN} == set(ROLES)
    described = {(method.upper(), path) for path, methods in service.app.openapi()["paths"].items() for method in methods}
    assert described == found - {("GET", "/openapi.json")}
    without = {path for path, methods in service.app.openapi()["paths"].items() for name in ("post", "put", "patch")
               if name in methods and "requestBody" not in methods[name]}  # fmt: skip
    assert not without
    for path in OPEN:
        assert service.send("GET", path, key="").status_code == 200


def test_a_revoked_key_is_refused_at_the_next_look(tmp_path: Path) -> None:
    with Service(tmp_path, poll_seconds=0.05) as service:
        store = KeyStore(service.settings.keys)
        key = store.create(Role.ANALYST, "acme", "temporary")
        until(service, lambda: service.send("GET", "/v1/queue", key).status_code == 200)
        store.revoke(key.split("_")[1])
        until(service, lambda: service.send("GET", "/v1/queue", key).status_code == 401)
