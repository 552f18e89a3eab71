"""Incidents written by hand, as one reads an attack."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from features.alert import Entity, EntityKind, Observable, Role, Rule
from models.incidents.incident import Incident, Line
from models.incidents.sightings import Node

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def line(
    minute: float, tactic: str, *entities: Entity, rule: str = "", technique: str = "", domain: str = "", uid: str = ""
) -> Line:
    """A line some minutes after the start."""
    time = START + timedelta(minutes=minute)
    return Line(
        uid=uid or f"l{minute:07.1f}-{tactic}-{rule}", first=time, last=time, product="edr", rule=Rule(rule or f"r-{tactic}", f"Rule of {tactic}"),
        tactics=(tactic,) if tactic else (), techniques=(technique,) if technique else (), entities=entities,
        observables=(Observable("domain", domain),) if domain else (),
    )  # fmt: skip


def on(host: str) -> Entity:
    """The host on which it was observed."""
    return Entity(EntityKind.HOST, host, Role.DEVICE)


def by(user: str) -> Entity:
    """The account in whose name it was done."""
    return Entity(EntityKind.USER, user, Role.ACTOR)


def source(address: str) -> Entity:
    """The address from which it was done."""
    return Entity(EntityKind.ADDRESS, address, Role.ACTOR)


def target(address: str) -> Entity:
    """The address to which it was done."""
    return Entity(EntityKind.ADDRESS, address, Role.TARGET)


def incident(*lines: Line) -> Incident:
    """An incident of these lines."""
    return Incident(uid="incident-1", tenant="t1", lines=lines)


def host(uid: str) -> Node:
    """A host on the graph."""
    return Node("host", uid)


def user(uid: str) -> Node:
    """An account on the graph."""
    return Node("user", uid)


def address(uid: str) -> Node:
    """An address on the graph."""
    return Node("address", uid)


PHISHING = (
    line(0, "initial-access", by("ann"), source("203.0.113.5"), technique="T1566.001"),
    line(20, "execution", on("ws-ann"), by("ann"), technique="T1059.001"),
    line(40, "command-and-control", on("ws-ann"), by("ann"), source("203.0.113.5"), technique="T1071.001", domain="bad.example"),
    line(90, "credential-access", on("ws-ann"), by("ann"), technique="T1003.001"),
    line(150, "lateral-movement", on("files"), by("root"), source("10.0.0.7"), technique="T1021.002"),
    line(200, "impact", on("db"), technique="T1486"),
)
"""Mail to ann, her workstation, an administrator's account, the file server, the database."""


def leased(kind: str, uid: str, time: datetime) -> tuple[str, str]:
    """The address 10.0.0.7 is ann's workstation."""
    return ("host", "ws-ann") if uid == "10.0.0.7" else (kind, uid)
