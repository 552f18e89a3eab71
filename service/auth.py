"""Who may do what: one table of routes and roles; the tenant comes from the key and from nowhere else."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from service.errors import ForbiddenError, UnauthorizedError
from service.keys import Key, Role

EVERYONE = frozenset(Role)

ROLES: dict[tuple[str, str], frozenset[Role]] = {
    ("POST", "/v1/alerts"): frozenset({Role.PIPELINE, Role.ADMIN}),
    ("GET", "/v1/alerts/{uid}"): EVERYONE,
    ("DELETE", "/v1/alerts"): frozenset({Role.ADMIN}),
    ("DELETE", "/v1/alerts/{uid}"): frozenset({Role.ADMIN}),
    ("GET", "/v1/decisions/{uid}"): EVERYONE,
    ("POST", "/v1/events"): frozenset({Role.PIPELINE, Role.ADMIN}),
    ("POST", "/v1/labels"): frozenset({Role.ANALYST, Role.ADMIN}),
    ("GET", "/v1/labels/{uid}/receipt"): frozenset({Role.ANALYST, Role.SCIENTIST, Role.ADMIN}),
    ("GET", "/v1/queue"): frozenset({Role.ANALYST, Role.ADMIN}),
    ("GET", "/v1/entities"): EVERYONE,
    ("GET", "/v1/entities/{kind}/{uid}"): EVERYONE,
    ("DELETE", "/v1/entities/{kind}/{uid}"): frozenset({Role.ADMIN}),
    ("GET", "/v1/entities/{kind}/{uid}/records"): frozenset({Role.ADMIN}),
    ("POST", "/v1/entities/{kind}/{uid}/unmask"): frozenset({Role.ANALYST, Role.ADMIN}),
    ("POST", "/v1/entities/{kind}/{uid}/verdicts"): frozenset({Role.ANALYST, Role.ADMIN}),
    ("GET", "/v1/unmaskings"): frozenset({Role.ADMIN}),
    ("GET", "/v1/incidents"): EVERYONE,
    ("GET", "/v1/incidents/{uid}"): EVERYONE,
    ("POST", "/v1/incidents/{uid}/merge"): frozenset({Role.ANALYST, Role.ADMIN}),
    ("POST", "/v1/incidents/{uid}/split"): frozenset({Role.ANALYST, Role.ADMIN}),
    ("POST", "/v1/incidents/{uid}/outcomes"): frozenset({Role.PIPELINE, Role.ADMIN}),
    ("GET", "/v1/incidents/{uid}/report"): EVERYONE,
    ("GET", "/v1/incidents/{uid}/recommendations"): EVERYONE,
    ("GET", "/v1/incidents/{uid}/chain"): EVERYONE,
    ("GET", "/v1/incidents/{uid}/similar"): EVERYONE,
    ("GET", "/v1/playbooks"): EVERYONE,
    ("GET", "/v1/measures"): frozenset({Role.ANALYST, Role.SCIENTIST, Role.ADMIN}),
    ("GET", "/v1/audit"): frozenset({Role.ANALYST, Role.SCIENTIST, Role.ADMIN}),
    ("GET", "/v1/thresholds"): EVERYONE,
    ("GET", "/v1/policy"): EVERYONE,
    ("PUT", "/v1/policy"): frozenset({Role.ADMIN}),
    ("PATCH", "/v1/policy"): frozenset({Role.ADMIN}),
    ("POST", "/v1/policy/stop"): frozenset({Role.ANALYST, Role.ADMIN}),
    ("POST", "/v1/policy/resume"): frozenset({Role.ADMIN}),
    ("GET", "/v1/policy/history"): frozenset({Role.ANALYST, Role.SCIENTIST, Role.ADMIN}),
    ("GET", "/v1/policy/report"): frozenset({Role.SCIENTIST, Role.ADMIN}),
    ("POST", "/v1/thresholds/whatif"): frozenset({Role.SCIENTIST, Role.ADMIN}),
    ("GET", "/metrics"): frozenset({Role.ADMIN, Role.SCIENTIST}),
    ("GET", "/openapi.json"): EVERYONE,
}
"""Every route but the health probes. A route that is missing here is closed to all."""


_BEARER = HTTPBearer(auto_error=False, description="An API key from `tamis keys create`; `X-API-Key` is understood too.")


def authorise(request: Request) -> Key:
    """Return the key of the request if its role may use the matched route."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        given = request.headers.get("x-api-key", "")
    if not given:
        raise UnauthorizedError("send an API key: Authorization: Bearer …")
    key: Key = request.app.state.host.keys.authenticate(given)
    if key.role not in ROLES.get((request.method, request.scope["route"].path_format), frozenset()):
        raise ForbiddenError(f"a key of role {key.role.value} may not do this")
    return key


async def _authorised(request: Request, _scheme: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]) -> Key:
    return authorise(request)


Authorised = Annotated[Key, Depends(_authorised)]
"""The key as a dependency, which also describes it in the OpenAPI document. The scoring path calls :func:`authorise` itself:
resolving dependencies would cost more than all else that it does for a request."""

DESCRIBED = [{_BEARER.scheme_name: list[str]()}]
"""What OpenAPI says of a route that calls :func:`authorise` itself."""
