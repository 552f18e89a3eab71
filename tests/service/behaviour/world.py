"""People who work as always, and one who does not, in a service that runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from service.behaviour.observer import Observer
from service.keys import Role
from tests.service.bundles import publish
from tests.service.client import Service, finding

NEVER = 3600.0


def scored(tmp_path: Path, **given: Any) -> Service:
    """A service with a model for which everything is an attack; its observer looks when told to."""
    publish(tmp_path / "var", tmp_path / "work", limit=0.0)
    return Service(tmp_path / "var", **given)


def alarming(uid: str, rule: str = "r1", user: str = "anna", host: str = "", ago: float = 60.0, **more: Any) -> dict[str, Any]:
    """An alert that was raised just now about a user, and perhaps a host."""
    found = finding(uid, rule, host or "-", **more)
    found["time"] = int((time.time() - ago) * 1000)
    found["actor"] = {"user": {"name": user}}
    if not host:
        del found["device"]
    return found


def looked(service: Service) -> None:
    """Let the observer look until there is nothing more to do."""
    observer: Observer = service.host.observer
    for _ in range(200):
        if not service.run(observer.look()):
            return
    raise AssertionError("the observer does not come to an end")


def entity(service: Service, kind: str, uid: str, role: Role = Role.ADMIN) -> dict[str, Any]:
    answer = service.send("GET", f"/v1/entities/{kind}/{uid}", service.keys[role])
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told
