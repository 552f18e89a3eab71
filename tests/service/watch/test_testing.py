"""Certificates held against what people say: withdrawn where reality breaks them, and only there."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import Connection

from models.live_policy import EVERYWHERE, LivePolicy
from models.policy_store import PolicyStore
from service.outbox.message import Message
from service.outbox.records import enqueue
from service.watch import testing
from tests.service.client import Service, until
from tests.service.closure.cases import revisions
from tests.service.watch.world import alarms, audited, call, decide, drawn, hidden, looked, people, policy, settle


def restore(service: Service) -> LivePolicy:
    """A person lets what was withdrawn hold again."""
    return PolicyStore(service.settings.policy).change(
        lambda before: msgspec.structs.replace(before, withdrawals=()), by="ann", time=datetime.now(UTC)
    )


def test_a_certificate_that_reality_breaks_is_withdrawn_and_what_it_hid_comes_back(tmp_path: Path) -> None:
    with audited(tmp_path) as service:
        night = decide(service)
        call(service, drawn(night), people(service))
        assert not policy(service).withdrawals
        settle(service)
        until(service, lambda: bool(policy(service).withdrawals))
        (withdrawal,) = policy(service).withdrawals
        assert (withdrawal.tenant, withdrawal.group) == (EVERYWHERE, "")
        assert withdrawal.certificate == next(one["certificate"] for one in night if one["action"] == "suppress")
        assert withdrawal.evidence >= 20.0
        gone = hidden(night)
        until(service, lambda: all(len(revisions(service, uid)) == 2 for uid in gone))
        assert revisions(service, gone[0])[1] == (2, "queue", "certificate_withdrawn")
        waiting = {one["alert_uid"] for one in service.send("GET", "/v1/queue?limit=500").json()["alerts"]}
        assert waiting >= set(gone)
        (alarm,) = alarms(service)
        assert (alarm.tenant, alarm.severity, alarm.subject) == ("acme", "critical", withdrawal.certificate)
        after = decide(service, "l")[:96]
        assert {(one["action"], one["published_action"]) for one in after} == {("suppress", "queue")}
        assert all("withdrawn" in one["reason_codes"] for one in after)
        assert "tamis_certificates_withdrawn_total" in service.send("GET", "/metrics").text
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        settle(service)
        looked(service)
        assert policy(service).withdrawals == (withdrawal,)
        assert len(alarms(service)) == 1
        assert len(revisions(service, gone[0])) == 2


def test_an_honest_one_is_not(tmp_path: Path) -> None:
    with audited(tmp_path) as service:
        night = decide(service)
        keys = people(service)
        call(service, drawn(night), keys, "false_positive")
        call(service, ["nx.1", "nx.2"], keys[:1])
        settle(service)
        looked(service)
        assert not policy(service).withdrawals
        assert len(revisions(service, hidden(night)[0])) == 1
        assert {(t.state.observed, t.state.suppressed) for t in (service.host.watcher.testing.trials or {}).values()} == {(2, 0)}


@pytest.mark.parametrize("voices", [1, 2])
def test_fewer_than_three_who_say_so_are_no_miss(tmp_path: Path, voices: int) -> None:
    with audited(tmp_path) as service:
        night = decide(service)
        keys = people(service)
        call(service, ["nx.1"], keys, "benign_positive")
        call(service, drawn(night), keys[:voices])
        settle(service)
        looked(service)
        assert not policy(service).withdrawals
        assert not service.host.watcher.testing.trials


def test_what_is_judged_after_its_time_is_no_observation(tmp_path: Path) -> None:
    with audited(tmp_path) as service:
        night = decide(service)
        settle(service)
        looked(service)
        call(service, drawn(night), people(service))
        looked(service)
        assert not policy(service).withdrawals


def test_one_that_a_person_restored_is_tested_anew(tmp_path: Path) -> None:
    with audited(tmp_path) as service:
        call(service, drawn(decide(service)), people(service))
        settle(service)
        until(service, lambda: bool(policy(service).withdrawals))
        until(service, lambda: len(alarms(service)) == 1)
        restored = restore(service)
        looked(service)
        assert policy(service) == restored
        assert {scope for scope, trial in (service.host.watcher.testing.trials or {}).items() if trial.state.fired} == set()


def test_one_that_a_person_restored_in_the_very_moment_is_not_withdrawn_for_a_tenant_with_the_same_evidence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with audited(tmp_path) as service:
        restored = []

        def at_once(connection: Connection, message: Message) -> None:
            enqueue(connection, message)
            restored.append(restore(service))

        monkeypatch.setattr(testing, "enqueue", at_once)
        call(service, drawn(decide(service)), people(service))
        settle(service)
        until(service, lambda: len(alarms(service)) == 1)
        looked(service)
        assert [policy(service)] == restored
        assert len(alarms(service)) == 1


def test_an_alarm_that_was_cut_off_is_raised_at_the_next_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with audited(tmp_path) as service:
        night = decide(service)
        call(service, drawn(night), people(service))

        def broken(*_: object) -> None:
            raise RuntimeError("the power is cut")

        monkeypatch.setattr(testing, "enqueue", broken)
        settle(service)
        until(service, lambda: bool(policy(service).withdrawals))
        looked(service)
        assert alarms(service) == []
    monkeypatch.undo()
    with Service(tmp_path / "var", poll_seconds=0.05) as service:
        settle(service)
        until(service, lambda: len(alarms(service)) == 1)
        looked(service)
        assert (len(policy(service).withdrawals), len(alarms(service))) == (1, 1)
