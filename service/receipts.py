"""The receipt of a label: its state, what it adds to the counters, which models learned from it, which decisions it changed."""

from __future__ import annotations

from typing import Any

from service.blinding import label_for
from service.effects import effects
from service.errors import NotFoundError
from service.host import Host
from service.keys import Key
from service.store.trace import Trace, find_trace


def receipt(host: Host, key: Key, uid: str) -> dict[str, Any]:
    """Return the receipt of a label of the key's tenant. Raises ``NotFoundError``."""
    with host.database.engine.connect() as connection:
        trace = find_trace(connection, key.tenant, uid)
        if trace is None:
            raise NotFoundError(f"no label {uid}")
        label = trace.given.label
        return {
            "label": label_for(key.role, label),
            "state": state(trace),
            "counters": counters(trace),
            "models": host.ledgers.told(label),
            **effects(host, connection, key, trace),
        }


def state(trace: Trace) -> dict[str, str]:
    """Return what has become of the label on its alert, ``by`` which other."""
    label, following = trace.given.label, trace.labels[trace.at + 1 :]
    if not following:
        return {"code": "contested", "by": label.contests} if label.contests else {"code": "in_force"}
    successor = following[0].label
    if successor.contests and trace.labels[-1].label.contests:
        return {"code": "contested", "by": successor.uid}
    if successor.contests:  # and somebody has decided
        successor = next(given.label for given in following if not given.label.contests)
    taken_back = label.verdict.target >= 0 > successor.verdict.target
    return {"code": "taken_back" if taken_back else "superseded", "by": successor.uid}


def counters(trace: Trace) -> dict[str, Any]:
    """Return what the label adds to the tenant's verdict counters, since when, or why nothing."""
    label, following = trace.given.label, trace.labels[trace.at + 1 :]
    if label.weight == 0.0:
        return {"weight": 0.0, "why": _nothing(trace)}
    if not following:
        return {"weight": label.weight, "since": label.received_time}
    span = {"since": label.received_time, "until": following[0].label.received_time}
    return {"weight": 0.0, "why": f"label {following[0].label.uid} took it out again", **span}


def _nothing(trace: Trace) -> str:
    label = trace.given.label
    if label.contests:
        return f"it contests label {label.contests}, and neither counts"
    if label.target < 0:
        return f"{label.verdict.value} says neither attack nor benign"
    return "a machine said it, and what machines say is not counted"
