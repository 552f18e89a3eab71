"""What comes back: under a certificate that a person withdrew, and what a new indicator matches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from features.context import import_facts
from models.live_policy import Withdrawal
from models.policy_store import PolicyStore
from service.closure import returning
from service.watch import returns
from tests.service.client import Service, finding, until
from tests.service.closure.cases import revisions
from tests.service.watch.world import audited, decide, hidden, looked

BAD, GOOD = "203.0.113.7", "203.0.113.8"


def withdraw(service: Service, certificate: str, tenant: str) -> None:
    """Withdraw a certificate by hand."""
    now = datetime.now(UTC)
    entry = Withdrawal(certificate=certificate, tenant=tenant, time=now)
    PolicyStore(service.settings.policy).change(
        lambda before: msgspec.structs.replace(before, withdrawals=(*before.withdrawals, entry)), by="ann", time=now
    )


def test_a_withdrawal_in_one_tenant_brings_back_its_own_part_by_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (returning, returns):
        monkeypatch.setattr(module, "MOST_AT_ONCE", 5)
    with audited(tmp_path) as service:
        mine, others = decide(service), decide(service, "o", service.other)
        withdraw(service, next(one["certificate"] for one in mine if one["action"] == "suppress"), "acme")
        until(service, lambda: all(len(revisions(service, uid)) == 2 for uid in hidden(mine)))
        uid = hidden(others)[0]
        assert service.send("GET", f"/v1/decisions/{uid}", service.other).json()["revision"] == 1


def test_another_certificate_keeps_what_it_hid(tmp_path: Path) -> None:
    with audited(tmp_path) as service:
        gone = hidden(decide(service))
        withdraw(service, "0" * 16, "")
        looked(service)
        assert {len(revisions(service, uid)) for uid in gone[:5]} == {1}


def seen(uid: str, address: str, host: str) -> dict[str, Any]:
    """An alert that names an address."""
    return finding(uid, host=host, observables=[{"name": "src", "type_id": 2, "type": "IP Address", "value": address}])


def hide(service: Service) -> tuple[list[str], list[str]]:
    """Post alerts with a good and with a bad address; return those suppressed of each."""
    records = [seen(f"{kind}{i}", address, f"h{i}") for i in range(30) for kind, address in (("b", BAD), ("g", GOOD))]
    gone = hidden(service.post(records).json()["decisions"])
    bad, good = [uid for uid in gone if uid[0] == "b"], [uid for uid in gone if uid[0] == "g"]
    assert bad
    assert good
    return bad, good


def tell(service: Service, tmp_path: Path, **fact: str) -> None:
    """Import an indicator."""
    file = tmp_path / "indicators.json"
    kind = next(one["type"] for one in service.send("GET", "/v1/alerts/b0").json()["observables"] if one["value"] == BAD)
    file.write_bytes(msgspec.json.encode([{"kind": kind, "value": BAD, **fact}]))
    import_facts(service.settings.context, "indicators", file, "acme", datetime.now(UTC))


def test_what_a_new_indicator_matches_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(returns, "LOOKED_THROUGH", 7)
    with audited(tmp_path) as service:
        bad, good = hide(service)
        tell(service, tmp_path)
        until(service, lambda: all(len(revisions(service, uid)) == 2 for uid in bad))
        assert revisions(service, bad[0])[1] == (2, "queue", "indicator_matched")
        looked(service)
        assert {len(revisions(service, uid)) for uid in good} == {1}
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        looked(service)
        assert {len(revisions(service, uid)) for uid in bad} == {2}


def test_one_that_was_imported_while_the_service_was_down_counts(tmp_path: Path) -> None:
    with audited(tmp_path) as service:
        bad, _ = hide(service)
    with_service = Service(tmp_path / "var", poll_seconds=0.05)
    with Service(tmp_path / "var", poll_seconds=60.0) as service:
        tell(service, tmp_path)
    with with_service as service:
        until(service, lambda: all(len(revisions(service, uid)) == 2 for uid in bad))


@pytest.mark.parametrize(
    "fact", [{"valid_to": "2023-01-01T00:00:00Z"}, {"valid_from": "2024-01-01T00:00:00Z"}, {"tenant": "other"}]
)
def test_an_indicator_speaks_of_its_time_and_tenant_only(tmp_path: Path, fact: dict[str, str]) -> None:
    with audited(tmp_path) as service:
        bad, _ = hide(service)
        known = service.host.encoder.context
        tell(service, tmp_path, **fact)
        until(service, lambda: service.host.encoder.context is not known)
        looked(service)
        assert {len(revisions(service, uid)) for uid in bad} == {1}


def test_what_is_older_than_the_look_back_stays(tmp_path: Path) -> None:
    with audited(tmp_path, look_back_seconds=timedelta(days=1).total_seconds()) as service:
        bad, _ = hide(service)
        service.host.watcher.now = lambda: datetime.now(UTC).timestamp() + 2 * 86_400.0
        known = service.host.encoder.context
        tell(service, tmp_path)
        until(service, lambda: service.host.encoder.context is not known)
        looked(service)
        assert {len(revisions(service, uid)) for uid in bad} == {1}
