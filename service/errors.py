"""All errors of ``service/``, under one root; each knows the problem document (RFC 9457) that it becomes.

ServiceError
├── UnauthorizedError 401   no key, or one that is not known
├── ForbiddenError 403      the key's role may not do this
├── NotFoundError 404       nothing of that uid for this tenant
├── ConflictError 409       the uid is taken by other content
├── GoneError 410           it was erased
├── PreconditionError 412   another version is in force than the one that was seen
├── TooLargeError 413       the body exceeds the limit
├── UnsupportedError 415    the body is compressed
├── InvalidError 422        the body cannot be understood; ``errors`` lists row, field and reason
├── RefusedTargetError 422  the URL may not be called
├── RateLimitedError 429    this analyst gives too many verdicts; retry later
├── OverloadedError 503     too much is waiting, or storage fails; retry later
└── StartError              the service cannot start (port or database in use, damaged files)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class ServiceError(Exception):
    """Root of everything that ``service/`` raises.

    Attributes: ``status``, ``title``, ``detail``, ``errors``; ``retry_seconds``, 0 where trying again is of no use.
    """

    status = 500
    title = "Internal error"
    retry_seconds = 0

    def __init__(self, detail: str = "", errors: Sequence[dict[str, Any]] = ()) -> None:
        self.detail, self.errors = detail, list(errors)
        super().__init__(detail)


class UnauthorizedError(ServiceError):
    """No key, or one that is not known."""

    status, title = 401, "Unauthorized"


class ForbiddenError(ServiceError):
    """The key's role may not do this."""

    status, title = 403, "Forbidden"


class NotFoundError(ServiceError):
    """Nothing of that uid for this tenant."""

    status, title = 404, "Not found"


class ConflictError(ServiceError):
    """The uid is taken by other content."""

    status, title = 409, "Conflict"


class GoneError(ServiceError):
    """It was erased, and does not come back."""

    status, title = 410, "Gone"


class PreconditionError(ServiceError):
    """Another version is in force than the one that was seen, or none was named."""

    status, title = 412, "Precondition failed"


class TooLargeError(ServiceError):
    """The body exceeds the limit."""

    status, title = 413, "Body too large"


class UnsupportedError(ServiceError):
    """The body is packed in a way that is not unpacked here."""

    status, title = 415, "Unsupported media type"


class InvalidError(ServiceError):
    """The body cannot be understood."""

    status, title = 422, "Unprocessable content"


class RefusedTargetError(ServiceError):
    """The URL, or an address that its host has, may not be called."""

    status, title = 422, "Refused target"


class RateLimitedError(ServiceError):
    """This analyst gives too many verdicts; nothing of the request was taken."""

    status, title = 429, "Too many requests"

    def __init__(self, detail: str, retry_seconds: int) -> None:
        super().__init__(detail)
        self.retry_seconds = retry_seconds


class OverloadedError(ServiceError):
    """Too much is waiting, or storage fails; nothing of the request was taken, so it may be sent again."""

    status, title = 503, "Try again later"
    retry_seconds = 2


class StartError(ServiceError):
    """The service cannot start."""

    status, title = 503, "Cannot start"
