"""Every error as a problem document (RFC 9457)."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from service.errors import OverloadedError, ServiceError

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"

_SCHEMA = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"description": HTTPStatus(status).phrase, "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    for status in (401, 403, 404, 409, 410, 413, 415, 422, 429, 500, 503)
}
"""What any route may answer besides its success."""


def problem(
    status: int, title: str, detail: str = "", errors: list[dict[str, Any]] | None = None, retry_seconds: int = 0
) -> Response:
    """Return a problem document as a response."""
    body: dict[str, Any] = {"type": "about:blank", "title": title, "status": status}
    if detail:
        body["detail"] = detail
    if errors:
        body["errors"] = errors
    headers = {}
    if retry_seconds:
        headers["Retry-After"] = str(retry_seconds)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)


def document(error: ServiceError) -> Response:
    """Return the problem document of one of our errors."""
    return problem(error.status, error.title, error.detail, error.errors, error.retry_seconds)


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error with a problem document, and none with a stack."""

    async def ours(_request: Request, error: Exception) -> Response:
        assert isinstance(error, ServiceError)  # noqa: S101 — registered for this type only
        return document(error)

    async def http(_request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101
        answer = problem(error.status_code, HTTPStatus(error.status_code).phrase)
        answer.headers.update(error.headers or {})
        return answer

    async def invalid(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101
        found = [{"field": ".".join(str(part) for part in e["loc"]), "reason": e["msg"]} for e in error.errors()]
        return problem(422, "Unprocessable content", "a parameter is wrong", found)

    async def storage(_request: Request, error: Exception) -> Response:
        log.error("reading the records failed", exc_info=error)
        return document(OverloadedError("the records cannot be read at present"))

    async def unexpected(_request: Request, error: Exception) -> Response:
        log.error("unexpected error", exc_info=error)
        return problem(500, "Internal error")

    app.add_exception_handler(ServiceError, ours)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(SQLAlchemyError, storage)
    app.add_exception_handler(Exception, unexpected)
