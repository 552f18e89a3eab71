"""Reality against a certificate: what is suppressed day for day, drawn for the audit, and called an attack by people."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from models.audit import Audit
from models.live_policy import LivePolicy
from models.policy import Guardrails
from models.policy_store import PolicyStore
from service.keys import KeyStore, Role
from service.outbox.message import Message
from tests.service.bundles import AUDIT_LINE, automate, publish
from tests.service.client import Service, finding, until
from tests.service.closure.cases import sent

SETTLED = 10 * 86_400.0
HOSTS = 12


def audited(tmp_path: Path, **settings: Any) -> Service:
    """A service with a model that suppresses, the unusual too, and audits some of that."""
    given = {"audit": Audit(rate=0.3, daily=1.0, line=AUDIT_LINE), "guardrails": Guardrails(habit_from=0.0)}
    publish(tmp_path / "var", tmp_path / "work", **given)
    automate(tmp_path / "var", "other")
    return Service(tmp_path / "var", poll_seconds=0.05, **settings)


def decide(service: Service, tag: str = "n", key: str | None = None) -> list[dict[str, Any]]:
    """Post alerts of a rule on some hosts, which would all be suppressed, and of one that is not known; return the decisions."""
    known = [finding(f"{tag}{i}.{h}", host=f"h{h}", seconds=60.0 * i + h) for i in range(8) for h in range(HOSTS)]
    found = [finding(f"{tag}x.{h}", rule="new", host=f"x{h}", seconds=h) for h in range(HOSTS)]
    decided: list[dict[str, Any]] = service.post(known + found, key=key).json()["decisions"]
    assert all("below_threshold" in one["reason_codes"] for one in decided[: len(known)])
    assert not any("below_threshold" in one["reason_codes"] for one in decided[len(known) :])
    return decided


def drawn(decided: Iterable[dict[str, Any]]) -> list[str]:
    """One drawn alert of each host."""
    by_host = {one["alert_uid"].partition(".")[2]: one["alert_uid"] for one in decided if "audit" in one["reason_codes"]}
    return sorted(by_host.values())


def hidden(decided: Iterable[dict[str, Any]]) -> list[str]:
    return [one["alert_uid"] for one in decided if one["action"] == "suppress"]


def people(service: Service, count: int = 3, tenant: str = "acme") -> list[str]:
    """Keys of some analysts."""
    store = KeyStore(service.settings.keys)
    keys = [store.create(Role.ANALYST, tenant, f"ann{i}") for i in range(count)]
    service.host.keys.refresh()
    return keys


def call(service: Service, uids: Iterable[str], keys: Iterable[str], verdict: str = "true_positive") -> None:
    """Have each of some people say the same of some alerts."""
    for key in keys:
        said = [{"alert_uid": uid, "verdict": verdict} for uid in uids]
        assert len(service.post(said, "/v1/labels", key).json()["labels"]) == len(said)


def settle(service: Service) -> None:
    """Let the time pass in which people may judge."""
    watcher = service.host.watcher
    before = watcher.now()
    watcher.now = lambda: before + SETTLED


def looked(service: Service) -> None:
    """Let the watch look at what is there now, from the beginning, until there is no more."""
    watcher, ended = service.host.watcher, list[bool]()
    look = watcher.look

    async def noted() -> bool:
        ended.append(not await look())
        return not ended[-1]

    watcher.look = noted  # type: ignore[method-assign]
    until(service, lambda: True in ended)
    watcher.look = look  # type: ignore[method-assign]


def policy(service: Service) -> LivePolicy:
    return PolicyStore(service.settings.policy).read()


def alarms(service: Service) -> list[Message]:
    """What was said of withdrawn certificates."""
    return [one for one in sent(service) if one.kind == "certificate.withdrawn"]
