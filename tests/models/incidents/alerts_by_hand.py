"""Alerts written by hand for the tests of correlation, and what they were made into."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from features.alert import Alert, Entity, EntityKind, Observable, Role, Rule
from models.incidents.correlator import Correlator

START = datetime(2026, 6, 1, 8, tzinfo=UTC)
DEVICE, ACTOR, TARGET = Role.DEVICE, Role.ACTOR, Role.TARGET


def host(name: str, role: Role = DEVICE) -> Entity:
    """Return a host."""
    return Entity(EntityKind.HOST, name, role)


def user(name: str, role: Role = ACTOR) -> Entity:
    """Return a user."""
    return Entity(EntityKind.USER, name, role)


def address(name: str, role: Role = TARGET) -> Entity:
    """Return an address."""
    return Entity(EntityKind.ADDRESS, name, role)


def mailbox(name: str, role: Role = TARGET) -> Entity:
    """Return a mailbox."""
    return Entity(EntityKind.MAILBOX, name, role)


def alert(
    uid: str, rule: str, *named: Entity | Observable, minutes: float = 0.0, late: float = 0.0, tenant: str = "t", **more: object
) -> Alert:
    """Return an alert so many ``minutes`` after the start, received ``late`` minutes later."""
    time = START + timedelta(minutes=minutes)
    record: dict[str, object] = {"product": "edr", **more}
    return Alert(
        uid=uid,
        tenant=tenant,
        time=time,
        received_time=time + timedelta(minutes=late),
        rule=Rule(rule),
        entities=tuple(item for item in named if isinstance(item, Entity)),
        observables=tuple(item for item in named if isinstance(item, Observable)),
        **record,  # type: ignore[arg-type]
    )


def partition(correlator: Correlator) -> set[frozenset[str]]:
    """Return the incidents as sets of uids of lines."""
    kept = correlator.lines.kept
    return {frozenset(kept[n].uid for n in correlator.grove(number).lines) for number in kept}


def trees(correlator: Correlator) -> set[tuple[str, str, float]]:
    """Return the links of all incidents, by the uids of lines."""
    kept = correlator.lines.kept
    return {(kept[e.earlier].uid, kept[e.later].uid, e.probability) for n in kept for e in correlator.grove(n).edges}


def fed(correlator: Correlator, alerts: Iterable[tuple[Alert, float | None]]) -> dict[str, str]:
    """Add alerts and settle; return the uid of the line of each alert."""
    lines = {one.uid: correlator.lines.kept[correlator.add(one, score)].uid for one, score in alerts}
    correlator.settle()
    return lines


def together(correlator: Correlator, *uids: str) -> bool:
    """Return whether alerts are in one incident; only the first hundred alerts of a line are found."""
    found = {n: line for n, line in correlator.lines.kept.items() if set(line.uids) & set(uids)}
    return len({correlator.grove(n).lines[0] for n in found}) == 1
