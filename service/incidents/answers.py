"""Incidents as answers. An analyst sees no scores: they are about to judge, and some alerts are the audit's draws."""

from __future__ import annotations

from typing import Any

import msgspec

from features.alert import from_epoch
from models.incidents.agenda import Chosen
from models.incidents.incident import Incident
from service.incidents.records import Event, Record
from service.keys import Role

_NAMED = 10
"""So many different things of a sort are named in a summary."""
_HIDDEN = ("score", "anomaly", "probability")


def summary(record: Record, role: Role) -> dict[str, Any]:
    """Return what a list says of an incident."""
    incident = record.incident
    told: dict[str, Any] = {
        "uid": record.uid,
        "status": record.status.value,
        "revision": record.revision,
        "created": from_epoch(record.created),
        "updated": from_epoch(record.updated),
        "first": incident.first,
        "last": from_epoch(record.last),
        "priority": record.priority,
        "alerts": record.alerts,
        "lines": len(incident.lines),
        "entities": _entities(incident)[:_NAMED],
        "rules": [{"product": product, "uid": rule.uid, "name": rule.name} for product, rule in incident.rules[:_NAMED]],
        "tactics": incident.tactics,
        "techniques": incident.techniques[:_NAMED],
    }
    return told if role is Role.ANALYST else {**told, "score": record.score}


def detail(record: Record, merged: list[str], happened: list[Event], role: Role) -> dict[str, Any]:
    """Return all that is known of an incident."""
    incident = record.incident
    told = {
        **summary(record, role),
        "merged": merged,
        "lines": [_fields(line, role) for line in incident.lines],
        "links": [_fields(link, role) for link in incident.links],
        "entities": _entities(incident),
        "observables": incident.observables,
        "techniques": incident.techniques,
        "events": [
            {"time": from_epoch(event.time), "kind": event.kind, "by": event.by, "what": event.body} for event in happened
        ],
    }
    if record.merged_into is not None:
        told["merged_into"] = record.merged_into
    return told


def on_agenda(chosen: Chosen, record: Record, role: Role) -> dict[str, Any]:
    """Return an item of the queue of incidents."""
    return {
        "rank": chosen.rank,
        "why": chosen.adds,
        "like": {"count": len(chosen.like), "uids": chosen.like[:_NAMED]},
        "incident": summary(record, role),
    }


def _entities(incident: Incident) -> list[dict[str, str]]:
    return [{"kind": e.kind.value, "uid": e.uid, "role": e.role.value} for e in incident.entities]


def _fields(record: msgspec.Struct, role: Role) -> dict[str, Any]:
    """Return the fields of a line or link, defaults too."""
    fields = msgspec.structs.asdict(record)
    return {name: value for name, value in fields.items() if role is not Role.ANALYST or name not in _HIDDEN}
