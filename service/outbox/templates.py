"""Bodies: the same message in the form that its receiver reads. The same message always makes the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from service.outbox.message import Message
from service.outbox.receivers import PAGERDUTY_ACTIONS, Receiver, Template
from service.outbox.tokens import SET_MEDIA_TYPE, security_event_token

MAX_PAGERDUTY_BYTES = 512_000
"""PagerDuty takes 512 KB; what it calls a KB is taken to be the smaller one."""
_AROUND_BYTES = 64
_ENCODER = msgspec.json.Encoder()


def body(message: Message, receiver: Receiver, keys: Sequence[str] = ()) -> bytes:
    """Return the body of a message for a receiver; ``keys`` are the secrets that sign now, the newest first."""
    if receiver.template is Template.PAGERDUTY:
        return _pagerduty(message, receiver.routing_key)
    if receiver.template is Template.CAEP:
        return security_event_token(message, receiver.target.url, keys)
    return _standard(message)


def media_type(receiver: Receiver) -> str:
    """Return the media type of a receiver's bodies."""
    return SET_MEDIA_TYPE if receiver.template is Template.CAEP else "application/json"


def _standard(message: Message) -> bytes:
    """Type, timestamp and data as Standard Webhooks would have them; beside them what every message has."""
    return _ENCODER.encode(
        {
            "type": message.kind,
            "timestamp": message.time,
            "tenant": message.tenant,
            "subject": message.subject,
            "summary": message.summary,
            "severity": message.severity,
            "source": message.source,
            "data": message.data,
        }
    )


def _pagerduty(message: Message, routing_key: str) -> bytes:
    """An event of PagerDuty's Events API v2. What does not fit of ``data`` is left out, the largest parts first."""
    event: dict[str, Any] = {
        "routing_key": routing_key,
        "event_action": PAGERDUTY_ACTIONS[message.kind],
        "dedup_key": dedup_key(message),
        "client": "Tamis",
        "payload": {
            "summary": message.summary or message.kind,
            "source": message.source or message.tenant,
            "severity": message.severity,
            "timestamp": message.time,
            "group": message.tenant,
            "class": message.kind,
            "custom_details": {"message": message.uid, "subject": message.subject},
        },
    }
    room = MAX_PAGERDUTY_BYTES - len(_ENCODER.encode(event))
    event["payload"]["custom_details"] |= _fitting(message.data, room)
    return _ENCODER.encode(event)


def dedup_key(message: Message) -> str:
    """Return what PagerDuty knows the subject by; tenants cannot meet in it, however they and their subjects are named."""
    return "tamis-" + hashlib.sha256(_ENCODER.encode([message.tenant, message.subject])).hexdigest()


def _fitting(data: msgspec.Raw, room: int) -> dict[str, Any]:
    """Return as many parts of ``data`` as have room (bytes), the smallest first, and the number of those left out."""
    parts = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
    room -= _AROUND_BYTES
    fitting: dict[str, msgspec.Raw] = {}
    for size, name in sorted((len(_ENCODER.encode(name)) + len(part) + 2, name) for name, part in parts.items()):
        room -= size
        if room < 0:
            return {"data": fitting, "left_out": len(parts) - len(fitting)}
        fitting[name] = parts[name]
    return {"data": fitting}
