"""What is told to the outside when a control changes: to access control by CAEP's levels, to people what waits for them."""

from __future__ import annotations

from typing import Any

from features.alert import EntityKind, from_epoch
from models.controls import BOUNDED, Control
from models.incidents.printable import printable
from service.behaviour.ocsf import anomaly_analyses
from service.behaviour.records import Anomaly, Entity
from service.outbox.message import Message, Severity
from service.outbox.receivers import CAEP_KIND

LEVEL_CHANGED, WITHHELD = CAEP_KIND, "control.withheld"
EVENT_TYPE = "https://schemas.openid.net/secevent/caep/event-type/risk-level-change"
PRINCIPALS = {EntityKind.USER: "USER", EntityKind.HOST: "DEVICE", EntityKind.APPLICATION: "APPLICATION"}
_SEVERITIES = {"LOW": Severity.INFO, "MEDIUM": Severity.WARNING, "HIGH": Severity.ERROR}
_MOST_REASON = 200


def messages_of(entity: Entity, decided: Control, control: Control, anomaly: Anomaly | None, issuer: str) -> list[Message]:
    """Return what is to be told of an entity whose control was ``decided`` and let out as ``control`` before."""
    told = []
    if entity.control.caep != control.caep:
        told.append(_level_changed(entity, control, anomaly, issuer))
    if entity.why and entity.standing.level in BOUNDED and entity.standing.level is not decided:
        told.append(_withheld(entity))
    return told


def _level_changed(entity: Entity, before: Control, anomaly: Anomaly | None, issuer: str) -> Message:
    now = entity.control
    data = _data(entity, anomaly) | {"set": _claims(entity, before, issuer)}
    summary = f"Risk of {entity.kind.value} {entity.name}: {before.caep} → {now.caep} ({now.value})"
    return _message(LEVEL_CHANGED, entity, summary, _SEVERITIES[now.caep], data)


def _withheld(entity: Entity) -> Message:
    """Return what a person is to look at; it takes no name to say so."""
    level, who = entity.standing.level.value, entity.pseudonym
    data = {"entity": {"kind": entity.kind.value, "uid": who}, **_numbers(entity)}
    return _message(WITHHELD, entity, f"{level} of {who} is not let out. {entity.why}", Severity.WARNING, data)


def _claims(entity: Entity, before: Control, issuer: str) -> dict[str, Any]:
    """Return the claims of a security event token (RFC 8417) that do not depend on who receives it."""
    change = {
        "principal": PRINCIPALS.get(entity.kind, entity.kind.value.upper()),
        "current_level": entity.control.caep,
        "previous_level": before.caep,
        "risk_reason": reason_of(entity),
        "event_timestamp": int(entity.updated),
        "initiating_entity": "policy",
    }
    return {"iss": issuer, "sub_id": subject_id(entity.name), "events": {EVENT_TYPE: change}}


def subject_id(name: str) -> dict[str, str]:
    """Return the subject identifier (RFC 9493) of an entity: its mail address if the name is one, else the name as it is."""
    local, at, domain = name.rpartition("@")
    if at and local and "." in domain and name.isascii() and name.isprintable() and " " not in name:
        return {"format": "email", "email": name}
    return {"format": "opaque", "id": name}


def reason_of(entity: Entity) -> str:
    """Return in one line what a risk is mostly made of."""
    parts = entity.state.parts(entity.updated)[:3]
    named = ", ".join(f"{printable(part.name or part.source)[:60]} {part.points:.0f}" for part in parts)
    return f"risk {entity.risk:.0f} of 100" + (f": {named}" if named else "")[:_MOST_REASON]


def _data(entity: Entity, anomaly: Anomaly | None) -> dict[str, Any]:
    return {
        "entity": {"kind": entity.kind.value, "uid": entity.name},
        **_numbers(entity),
        "reason": reason_of(entity),
        "anomaly_analyses": anomaly_analyses(entity.kind, entity.name, anomaly),
    }


def _numbers(entity: Entity) -> dict[str, Any]:
    return {
        "risk": round(entity.risk, 1),
        "control": entity.control.value,
        "decided": entity.standing.level.value,
        "why": entity.why,
        "read": f"/v1/entities/{entity.kind.value}/{entity.pseudonym}",
    }


def _message(kind: str, entity: Entity, summary: str, severity: Severity, data: dict[str, Any]) -> Message:
    return Message.make(
        kind, entity.tenant, time=from_epoch(entity.updated), subject=entity.pseudonym, summary=summary, severity=severity,
        source=data["entity"]["uid"], data=data,
    )  # fmt: skip
