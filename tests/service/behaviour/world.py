"""People who work as always, and one who does not, in a service that runs."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Self
from unittest.mock import patch

import msgspec
from sqlalchemy import Connection, select

from features.alert import Entity as Named
from features.alert import EntityKind, from_epoch
from features.event import Event, Source, user
from models.controls import Control, Standing
from models.risk import EntityRisk
from service.behaviour import records
from service.behaviour.observer import Observer
from service.behaviour.records import Entity
from service.keys import Role
from service.outbox.message import Message
from service.store.events import event_row, insert_events
from service.store.tables import messages
from tests.service.bundles import publish
from tests.service.client import Service, finding

DAY = 86_400.0
TODAY = int(time.time() // DAY)
BOUNDED = {"step_up_share": 0.5, "restrict_share": 0.5}
"""Settings by which a few entities prove enough."""


class Driven(Service):
    """A service whose observer looks only when a test lets it; by itself it would look once at the start, and who knows when."""

    def __enter__(self) -> Self:
        with patch.object(Observer, "start"):
            return super().__enter__()


def scored(tmp_path: Path, **given: Any) -> Service:
    """A service with a model that calls all alerts likely attacks, in a tenant that is let out; its observer looks when told to."""
    publish(tmp_path / "var", tmp_path / "work", limit=0.0)
    return Driven(tmp_path / "var", poll_seconds=3600.0, **given)


def alarming(uid: str, rule: str = "r1", user: str = "anna", host: str = "", ago: float = 60.0, **more: Any) -> dict[str, Any]:
    """An alert that was raised just now about a user, and perhaps a host."""
    found = finding(uid, rule, host or "-", **more)
    found["time"] = int((time.time() - ago) * 1000)
    found["actor"] = {"user": {"name": user}}
    if not host:
        del found["device"]
    return found


def alarm(service: Service, user: str = "anna", rules: int = 4, tag: str = "", key: str | None = None) -> None:
    """Raise the risk of a user by alerts of some rules, far beyond what one rule could."""
    answer = service.post([alarming(f"{tag}{user}-{i}", f"rule {i}", user) for i in range(rules)], key=key)
    assert answer.status_code == 200, answer.text
    looked(service)


def looked(service: Service) -> None:
    """Let the observer look until there is nothing more to do."""
    observer: Observer = service.host.observer
    for _ in range(300):
        if not service.run(observer.look()):
            return
    raise AssertionError("the observer does not come to an end")


def later(service: Service, seconds: float) -> None:
    """Let so much time pass for the observer, and let it look."""
    observer = service.host.observer
    before = observer.now
    observer.now = lambda: before() + seconds
    looked(service)


def entity(service: Service, kind: str, uid: str, role: Role = Role.ADMIN) -> dict[str, Any]:
    answer = service.send("GET", f"/v1/entities/{kind}/{uid}", service.keys[role])
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def benign(service: Service, count: int = 8, tenant: str = "acme") -> None:
    """Have some users known who never did anything, over the last days."""
    now = service.host.observer.now()

    def known(connection: Connection) -> None:
        for i in range(count):
            for ago in (1, 2, 3):
                one = Entity(
                    tenant=tenant, kind=EntityKind.USER, uid=f"benign{i}", name=f"benign{i}", pseudonym=f"user-benign{i}",
                    state=EntityRisk(), updated=now - ago * DAY, standing=Standing(Control.NONE, 0.0),
                )  # fmt: skip
                records.save(connection, [one])

    async def anew() -> None:
        await service.host.write(known)
        async with service.host.observer.turn:  # or what it is about to prove, of what was known before, would hold
            service.host.observer._bounded = 0.0

    service.run(anew())


def told(service: Service, tenant: str = "acme") -> list[Message]:
    """What was told to the outside."""
    with service.host.database.engine.connect() as connection:
        rows = connection.execute(select(messages.c.payload).where(messages.c.tenant == tenant).order_by(messages.c.seq))
        return [msgspec.json.decode(payload, type=Message) for (payload,) in rows]


def act(uid: str, name: str, at: float, **more: Any) -> Event:
    """One thing that a user did."""
    given: dict[str, Any] = {
        "action": "logon",
        "target": Named(EntityKind.HOST, "files"),
        "source": Source(country="DE", device="ws"),
    }
    return Event(uid=uid, tenant="acme", time=from_epoch(at), actor=user(name), **{**given, **more})


def week(day: int, names: Iterable[str], strange: str = "") -> list[Event]:
    """What some people do on a UTC day, no two days alike; who is ``strange`` does nothing as usual."""
    some = []
    for name in names:
        random = Random(f"{day - TODAY} {name}")
        for number in range(3 if name == strange else random.randint(2, 5)):
            at = day * DAY + random.gauss(10.0, 1.5) * 3600.0
            given: dict[str, Any] = {"source": Source(country="DE", device=f"ws-{name[::-1]}"), "action": random.choice(_USUAL)}
            if name == strange:
                at -= 7 * 3600.0
                given = {"action": "export", "source": Source(country="XX", device="burner")}
            some.append(act(f"{day}-{name}-{number}", name, at, **given))
    return some


_USUAL = ("logon", "logon", "read", "write", "print")


def received(service: Service, events: Iterable[Event]) -> None:
    """Store events as if each had been received a minute after it happened."""
    rows = [event_row(one, (one.time + timedelta(minutes=1)).timestamp()) for one in sorted(events, key=lambda one: one.time)]
    service.run(service.host.write(partial(insert_events, rows=rows)))
