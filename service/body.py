"""Request bodies: told to OpenAPI, read whole within the limit, split into records without decoding them twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
from fastapi import Request
from starlette.requests import ClientDisconnect

from service.errors import InvalidError, TooLargeError, UnsupportedError

_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Records(NamedTuple):
    """The records of a body; ``single`` when it was one object and the answer should be one too."""

    items: list[bytes]
    single: bool


def json_body(schema: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    """Return what OpenAPI says of a route that takes one JSON document."""
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


async def read_body(request: Request, most: int) -> bytes:
    """Return the body. Raises ``TooLargeError`` before more than ``most`` bytes are kept, ``InvalidError`` if it breaks off,
    ``UnsupportedError`` if it is compressed."""
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise UnsupportedError(f"content-encoding {packed[:20]!r} is not unpacked here: send the body as it is")
    stated = request.headers.get("content-length", "").lstrip("0")
    if stated.isdecimal() and (len(stated) > len(str(most)) or int(stated) > most):
        raise TooLargeError(f"at most {most} bytes")
    parts, size = [], 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > most:
                raise TooLargeError(f"at most {most} bytes")
            parts.append(part)
    except ClientDisconnect as error:
        raise InvalidError("the body breaks off") from error
    return b"".join(parts)


def split(body: bytes, content_type: str) -> Records:
    """Split a body into records: one JSON object, an array, or NDJSON (by content type or looks). Raises ``InvalidError``."""
    trimmed = body.strip()
    if not trimmed:
        raise InvalidError("the body is empty")
    if "ndjson" in content_type or "jsonl" in content_type or _is_lines(trimmed):
        return Records([line for line in trimmed.split(b"\n") if line.strip()], single=False)
    if trimmed[:1] != b"[":
        return Records([trimmed], single=True)
    try:
        items = [bytes(item) for item in _ARRAY.decode(trimmed)]
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidError(f"not a JSON array: {error}") from error
    if not items:
        raise InvalidError("the array is empty")
    return Records(items, single=False)


def _is_lines(body: bytes) -> bool:
    """Whether the first of several lines is an object by itself: then each is a record."""
    first, newline, _ = body.partition(b"\n")
    if not newline or not first.startswith(b"{"):
        return False
    try:
        _OBJECT.decode(first)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return True
