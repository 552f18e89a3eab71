"""A change of what is published is told once, over restarts, too."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select

from models.live_policy import Mode, Setting, Withdrawal
from models.policy_store import PolicyStore
from service.announcer import KIND
from service.outbox.message import Message
from service.store.tables import marks, messages
from tests.service.bundles import publish
from tests.service.client import Service, until
from tests.service.test_live import shut_out


def _told(service: Service, count: int, tenant: str = "acme") -> list[dict[str, Any]]:
    """Return what was told, once all tenants have been looked at and there is as much as that; a little later nothing is added."""
    until(service, lambda: _looked_at(service) == {"thresholds acme", "thresholds other"})
    until(service, lambda: len(_stored(service, tenant)) >= count)
    service.sleep(0.3)
    found = _stored(service, tenant)
    assert len(found) == count
    return found


def _stored(service: Service, tenant: str) -> list[dict[str, Any]]:
    with service.host.database.engine.connect() as connection:
        rows = connection.execute(select(messages.c.payload).where(messages.c.tenant == tenant).order_by(messages.c.seq))
        found = [msgspec.json.decode(payload, type=Message) for (payload,) in rows]
    assert {message.kind for message in found} <= {KIND}
    return [msgspec.json.decode(message.data) for message in found]


def _looked_at(service: Service) -> set[str]:
    """Return of whom it is written down what was last seen."""
    with service.host.database.engine.connect() as connection:
        return set(connection.execute(select(marks.c.name).where(marks.c.name.startswith("thresholds "))).scalars())


def _start(tmp_path: Path) -> Service:
    return Service(tmp_path / "var", poll_seconds=0.05)


def _mode(service: Service, mode: Mode) -> None:
    change = (Setting(tenant="acme", mode=mode, transferred=True),)
    store = PolicyStore(service.settings.policy)
    store.change(lambda p: msgspec.structs.replace(p, modes=change), by="kim", time=datetime.now(UTC))


def test_each_change_is_told_once_also_over_restarts(tmp_path: Path) -> None:
    with _start(tmp_path) as service:
        _mode(service, Mode.SHADOW)
        assert _told(service, 0) == []
        digest = publish(tmp_path / "var", tmp_path / "work")
        (first,) = _told(service, 1)
        assert (first["bundle"], first["mode"], first["in_force"]) == (digest, "shadow", {"all": [], "groups": 0})
        _mode(service, Mode.AUTOMATE)
        _, second = _told(service, 2)
        (whole,) = second["in_force"]["all"]
        assert whole["in_force"]
        assert service.send("GET", "/v1/thresholds").headers["etag"] == f'"{second["version"]}"'
        _told(service, 1, "other")  # of the bundle; the new version says nothing new of them
    with _start(tmp_path) as service:
        _told(service, 2)
    gone = Withdrawal(tenant="acme", certificate=whole["certificate"], time=datetime.now(UTC))
    store = PolicyStore(tmp_path / "var" / "policy")
    store.change(lambda p: msgspec.structs.replace(p, withdrawals=(gone,)), by="watch", time=datetime.now(UTC))
    with _start(tmp_path) as service:
        assert _told(service, 3)[2]["in_force"] == {"all": [], "groups": 0}
        (store.root / "00000004.json").write_text("{}")
        _told(service, 3)  # the last good version stays


def test_what_serves_at_the_first_start_is_no_change(tmp_path: Path) -> None:
    publish(tmp_path / "var", tmp_path / "work")
    for _ in range(2):
        with _start(tmp_path) as service:
            assert _told(service, 0) == []


def test_that_versions_cannot_be_listed_is_told_since_nothing_is_automatic_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path / "var", tmp_path / "work")
    with _start(tmp_path) as service:
        assert _told(service, 0) == []
        with monkeypatch.context() as shut:
            shut.setattr(os, "listdir", shut_out(tmp_path / "var" / "policy"))
            assert not any(one["in_force"] for one in _told(service, 1)[0]["in_force"]["all"])
        assert all(one["in_force"] for one in _told(service, 2)[1]["in_force"]["all"])
