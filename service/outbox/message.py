"""What is said to the outside: one thing that happened, to whom it belongs, and what there is to know about it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from features.alert import MAX_NAME
from service.errors import InvalidError

MAX_DATA_BYTES = 2**20
"""Of ``data`` as JSON. A message is stored in the scorer's transaction and sent whole, so it may not be just anything."""
MAX_SUMMARY = 1024
KIND = re.compile(r"[a-z][a-z0-9_]{0,31}(\.[a-z0-9_]{1,32}){1,3}")


class Severity(StrEnum):
    """How bad it is, in the words of PagerDuty's common event format."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened. Make it with :meth:`make`, which checks it."""

    uid: str
    """The ``webhook-id``: the same however often it is sent, so a receiver knows what it has seen."""
    kind: str
    """What happened, as ``incident.escalated``."""
    tenant: str
    time: datetime
    """When it happened (UTC), not when it is sent."""
    subject: str
    """What it is about, such as an incident's uid. Messages about one subject reach a receiver in order."""
    summary: str
    """One line for a person."""
    severity: Severity
    source: str = ""
    """The host or account concerned, for a person; may be empty."""
    data: msgspec.Raw = msgspec.Raw(b"{}")
    """What there is to know, a JSON object; part of the public interface of its kind."""

    @classmethod
    def make(
        cls,
        kind: str,
        tenant: str,
        *,
        time: datetime,
        subject: str,
        summary: str,
        severity: Severity,
        source: str = "",
        data: Mapping[str, Any] | None = None,
    ) -> Message:
        """Return a new message with a uid of its own. ``summary`` is cut to one line, ``source`` to a name's length.

        Raises ``InvalidError`` for a kind or subject that cannot be, a time without zone, or ``data`` that is no JSON or too
        large. Call it before anything of its cause is written; then enqueuing it fails only where storage does.
        """
        if not KIND.fullmatch(kind):
            raise InvalidError(f"kind: {kind!r} is not of the form incident.escalated")
        if not 0 < len(tenant) <= MAX_NAME or not 0 < len(subject) <= MAX_NAME:
            raise InvalidError(f"tenant and subject must have 1 to {MAX_NAME} characters")
        if time.tzinfo is None:
            raise InvalidError("time: lacks a zone")
        made = cls(
            uid=f"msg_{secrets.token_hex(16)}",
            kind=kind,
            tenant=tenant,
            time=time,
            subject=subject,
            summary=_line(summary, MAX_SUMMARY),
            severity=severity,
            source=_line(source, MAX_NAME),
            data=_encoded(data or {}),
        )
        if len(made.data) > MAX_DATA_BYTES:
            raise InvalidError(f"data: has {len(made.data)} bytes, more than {MAX_DATA_BYTES}")
        _encoded(made)
        return made


def _line(text: str, most: int) -> str:
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def _encoded(value: object) -> msgspec.Raw:
    try:
        return msgspec.Raw(msgspec.json.encode(value))
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise InvalidError(f"the message is no JSON: {error}") from error
