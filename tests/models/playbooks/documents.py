"""Playbooks and incidents to test with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from features.alert import Entity, EntityKind, Observable, Role, Rule
from models.decision import Action, BlastRadius
from models.incidents.incident import Incident, Line
from models.playbooks.loading import SHIPPED
from models.playbooks.playbook import Extension, Playbook, Source, TargetKind, Trigger

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
Change = Callable[[dict[str, Any]], object]


def shipped(slug: str) -> dict[str, Any]:
    """Return a shipped document to change."""
    document: dict[str, Any] = json.loads((SHIPPED / f"{slug}.json").read_bytes())
    return document


def changed(slug: str, change: Change) -> bytes:
    """Return a shipped document as bytes, changed."""
    document = shipped(slug)
    change(document)
    return json.dumps(document).encode()


def own_of(document: dict[str, Any]) -> dict[str, Any]:
    """Return Tamis's own properties of a document."""
    found: dict[str, Any] = next(iter(document["playbook_extensions"].values()))
    return found


def steps_of(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Return the steps of a type, in the order of the document."""
    return [step for step in document["workflow"].values() if step["type"] == kind]


def playbook(slug: str = "do-it", **given: Any) -> Playbook:
    """Return a playbook that is the first step for malware and acts on hosts, but for what is given."""
    uid = given.pop("uid", f"playbook--{slug}")
    plain = Extension(
        slug=slug,
        trigger=Trigger(types={"malware": 1}),
        targets={"__host__": (Source(TargetKind.HOST),)},
        blast_radius=BlastRadius.MODERATE,
        reversible=True,
        expiry_seconds=3600,
        action=Action.RESPOND,
    )
    return Playbook(uid=uid, name=slug, description="", modified="", own=msgspec.structs.replace(plain, **given))


def line(uid: str = "line-1", techniques: str = "", host: str = "ws-1", **given: Any) -> Line:
    """Return a line of an endpoint sensor on a host (none if ``""``)."""
    entities = (Entity(EntityKind.HOST, host, Role.DEVICE),) if host else ()
    entities += tuple(Entity(EntityKind.USER, user, Role.ACTOR) for user in given.pop("users", "").split())
    entities += tuple(Entity(EntityKind.ADDRESS, address, Role.ACTOR) for address in given.pop("addresses", "").split())
    domains = tuple(Observable("domain", domain) for domain in given.pop("domains", "").split())
    time = NOON + timedelta(minutes=given.pop("minute", 0))
    return Line(
        uid=uid, first=time, last=time, product=given.pop("product", "sensor"), rule=Rule("rule-1", given.pop("name", "a rule")),
        techniques=tuple(techniques.split()), entities=entities, observables=domains, **given,
    )  # fmt: skip


def incident(*lines: Line) -> Incident:
    """Return an incident of these lines."""
    return Incident(uid="incident-1", tenant="tenant-1", lines=lines)
