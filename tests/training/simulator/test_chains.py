"""The truth of root causes: every attack has an entry and a path, and both agree with what its alerts name."""

from __future__ import annotations

from datetime import timedelta
from itertools import chain

import pandas as pd
import pytest

from features.context import Context
from features.history import read_alerts, read_manifest
from tests.training.simulator.conftest import DAYS
from training.simulator import Simulated
from training.simulator.campaigns import CAMPAIGNS, KINDS
from training.simulator.chains import ON_ACCOUNTS
from training.simulator.rows import START

Pair = tuple[str, str]


@pytest.fixture(scope="module")
def edges(simulated: Simulated) -> pd.DataFrame:
    return pd.read_parquet(simulated.chains)


@pytest.fixture(scope="module")
def truth(simulated: Simulated) -> pd.DataFrame:
    found = pd.read_parquet(simulated.truth)
    return found[found["attack"]]


def test_every_attack_that_set_off_an_alert_has_a_path(edges: pd.DataFrame, truth: pd.DataFrame) -> None:
    assert set(truth["incident_uid"]) <= set(edges["incident_uid"])
    assert edges["time"].between(START, START + timedelta(days=DAYS)).all()
    assert not edges.duplicated(["incident_uid", "from_kind", "from_uid", "to_kind", "to_uid"]).any()
    assert ((edges["from_kind"] != edges["to_kind"]) | (edges["from_uid"] != edges["to_uid"])).all()
    assert set(edges["step"]) <= set(KINDS)


def test_an_attack_comes_from_outside_to_its_entry_first(edges: pd.DataFrame) -> None:
    for _, path in edges.groupby("incident_uid"):
        first = path.iloc[0]
        assert first["from_kind"] == "address"
        assert (first["to_kind"], first["to_uid"]) == (first["entry_kind"], first["entry_uid"])
        assert path["time"].is_monotonic_increasing
        reached = {(first["from_kind"], first["from_uid"])} | set(zip(path["to_kind"], path["to_uid"], strict=True))
        loose = [node for node in zip(path["from_kind"], path["from_uid"], strict=True) if node not in reached]
        assert all(kind == "user" for kind, _ in loose), "only accounts are used that nothing leads to"


def test_an_edge_is_seen_when_alerts_speak_of_its_step(edges: pd.DataFrame, truth: pd.DataFrame) -> None:
    spoken = set(zip(truth["incident_uid"], truth["step"], strict=True))
    first_seen = [pair in spoken for pair in zip(edges["incident_uid"], edges["step"], strict=True)]
    assert edges["seen"][first_seen].all()
    assert not edges["seen"].all()
    assert edges["seen"].mean() > 0.5


def test_an_edge_is_named_when_alerts_name_both_ends(simulated: Simulated, edges: pd.DataFrame, truth: pd.DataFrame) -> None:
    context = Context.load(simulated.history / read_manifest(simulated.history).context)
    incident = dict(zip(zip(truth["tenant"], truth["alert_uid"], strict=True), truth["incident_uid"], strict=True))
    named: dict[str, set[Pair]] = {}
    for _, alert in chain.from_iterable(read_alerts(simulated.history)):
        uid = incident.get((alert.tenant, alert.uid))
        for entity in alert.entities if uid else ():
            meant = context.aliases.resolve(alert.tenant, entity.kind.value, entity.uid, alert.time)
            kind = "host" if entity.kind == "address" and meant != entity.uid else entity.kind.value
            named.setdefault(str(uid), set()).add((kind, meant))
    for row in edges.itertuples():
        ends = {(row.from_kind, row.from_uid), (row.to_kind, row.to_uid)}
        assert row.named == (ends <= named.get(str(row.incident_uid), set())), row


def test_first_steps_are_on_accounts_or_on_hosts_as_their_rules_are() -> None:
    assert set(KINDS) >= ON_ACCOUNTS
    first = {name: campaign.steps[0].kind in ON_ACCOUNTS for name, campaign in CAMPAIGNS.items()}
    assert {name for name, account in first.items() if not account} == {"web-shell", "supply-chain"}
