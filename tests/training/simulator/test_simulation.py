"""The simulation: the same seed gives the same bytes, truth stays out of the history, and a rule's name does not tell."""

from __future__ import annotations

import hashlib
import itertools
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from features.alert import EntityKind
from features.context import Context
from features.history import read_alerts, read_labels, read_manifest
from features.label import Verdict
from tests.training.simulator.conftest import DAYS
from training.errors import DataError
from training.simulator import Simulated, simulate
from training.simulator.rows import START


def _digests(folder: Path) -> dict[str, str]:
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    first, again, other = (simulate(2, 3, seed, tmp_path / name) for seed, name in ((1, "a"), (1, "b"), (2, "c")))
    assert _digests(tmp_path / "a") == _digests(tmp_path / "b")
    assert _digests(tmp_path / "a")["history/alerts-00000.parquet"] != _digests(tmp_path / "c")["history/alerts-00000.parquet"]
    assert first[3:7] == again[3:7]
    assert other.alerts > 500


def test_history_reads_back_in_the_order_of_receipt(simulated: Simulated) -> None:
    alerts = [item for chunk in read_alerts(simulated.history) for item in chunk]
    labels = read_labels(simulated.history)
    assert len(alerts) == simulated.alerts
    assert len(labels) == simulated.labels
    received = sorted(
        [(seq, alert.received_time) for seq, alert in alerts] + [(seq, label.received_time) for seq, label in labels]
    )
    assert [seq for seq, _ in received] == sorted({seq for seq, _ in received})
    assert all(a[1] <= b[1] for a, b in itertools.pairwise(received))
    assert len({(alert.tenant, alert.uid) for _, alert in alerts}) == len(alerts)
    assert all(START <= alert.time < START + timedelta(days=DAYS) for _, alert in alerts)


def test_tenants_overlap_in_time(simulated: Simulated) -> None:
    times: dict[str, list[float]] = {}
    for chunk in read_alerts(simulated.history):
        for _, alert in chunk:
            times.setdefault(alert.tenant, []).append(alert.time.timestamp())
    assert len(times) == 3
    assert max(min(of) for of in times.values()) < min(max(of) for of in times.values())


def test_a_verdict_comes_after_its_alert_and_before_the_end(simulated: Simulated) -> None:
    given = {alert.uid: alert.time for chunk in read_alerts(simulated.history) for _, alert in chunk}
    for _, label in read_labels(simulated.history):
        assert given[label.alert_uid] < label.time < START + timedelta(days=DAYS)


def test_verdicts_are_partial_and_sometimes_wrong(simulated: Simulated) -> None:
    truth = pd.read_parquet(simulated.truth).set_index(["tenant", "alert_uid"])["attack"]
    labels = [label for _, label in read_labels(simulated.history)]
    assert 0.1 < len(labels) / simulated.alerts < 0.6
    assert {label.verdict for label in labels} >= {Verdict.TRUE_POSITIVE, Verdict.BENIGN_POSITIVE, Verdict.FALSE_POSITIVE}
    wrong = [
        label for label in labels if label.verdict.target >= 0 and label.verdict.target != truth[label.tenant, label.alert_uid]
    ]
    assert 0.1 < len(wrong) / len(labels) < 0.25


def test_truth_is_beside_the_history_and_not_in_it(simulated: Simulated) -> None:
    assert simulated.truth.parent == simulated.history.parent
    kinds = {part.kind for part in read_manifest(simulated.history).parts}
    assert kinds == {"alerts", "labels", "events"}
    truth = pd.read_parquet(simulated.truth)
    assert len(truth) == simulated.alerts
    assert set(truth["origin"]) >= {"noise", "habit", "scanner", "backup", "admin", "attack"}
    assert (truth["attack"] == (truth["incident_uid"] != "")).all()
    assert list(truth.columns[:6]) == ["tenant", "alert_uid", "attack", "incident_uid", "step", "origin"]
    alert = next(iter(read_alerts(simulated.history)))[0][1]
    assert alert.raw == ""


def test_context_travels_with_the_history(simulated: Simulated) -> None:
    context = Context.load(simulated.history / read_manifest(simulated.history).context)
    alerts = [alert for _, alert in next(iter(read_alerts(simulated.history)))]
    hosts = [(alert, context.aliases.resolve(alert.tenant, "host", e.uid, alert.time))
             for alert in alerts for e in alert.entities if e.kind == "host"]  # fmt: skip
    known = [context.asset(alert.tenant, host, alert.time) for alert, host in hosts]
    assert all(known)
    assert {asset.criticality for asset in known if asset} >= {0, 1, 2, 3, 4}
    users = {(alert.tenant, alert.first(EntityKind.USER)) for alert in alerts} - {(alert.tenant, "") for alert in alerts}
    assert all(context.identity(tenant, user, alerts[-1].time) for tenant, user in users)
    assert any(context.decoy(a.tenant, "host", host, a.time) for a, host in hosts)
    assert any(context.indicator(a.tenant, o.kind, o.value, a.time) for a in alerts for o in a.observables)


def test_every_tenant_has_labelled_incidents_even_in_small_worlds(tmp_path: Path) -> None:
    for number, (tenants, days, seed) in enumerate(((3, 7, 5), (2, 5, 11), (2, 5, 0), (5, 21, 7))):
        world = simulate(tenants, days, seed, tmp_path / str(number))
        truth = pd.read_parquet(world.truth)
        real = set(truth["incident_uid"]) - {""}
        told = {(label.tenant, label.incident_uid) for _, label in read_labels(world.history) if label.incident_uid in real}
        assert len({tenant for tenant, _ in told}) == tenants
        assert len(told) >= tenants * max(days // 5, 1)


@pytest.mark.parametrize(("tenants", "days", "seed"), [(0, 1, 0), (1, 0, 0), (1, 1, -1), (500, 1, 0)])
def test_impossible_numbers_are_refused(tmp_path: Path, tenants: int, days: int, seed: int) -> None:
    with pytest.raises(DataError, match="simulating needs"):
        simulate(tenants, days, seed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    with pytest.raises(DataError, match="in use"):
        simulate(1, 1, 0, tmp_path)
    assert (tmp_path / "precious").read_text() == "x"


def test_an_interrupted_simulation_leaves_nothing_and_blocks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("training.simulator.simulation.write_truth", fail)
        with pytest.raises(KeyboardInterrupt):
            simulate(1, 1, 0, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert simulate(1, 1, 0, tmp_path / "out").truth.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
