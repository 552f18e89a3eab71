"""The simulated world: drift, rules that come and go, silences, people, campaigns along tactics, names that change."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.context import Context
from features.history import read_alerts, read_manifest
from training.simulator import Simulated
from training.simulator.campaigns import CAMPAIGNS, FASHIONS, mix, weights
from training.simulator.lives import Life, live
from training.simulator.people import DEPARTMENTS
from training.simulator.rows import DAY, START, mixed
from training.simulator.rules import INDEX, PRODUCTS, RULES


@pytest.fixture(scope="module")
def life() -> Life:
    """One tenant over 200 days."""
    return live(3, 200, 1)


def test_rules_come_and_go(long_alerts: pd.DataFrame) -> None:
    first, last = (long_alerts.groupby("rule_uid")["day"].agg(which) for which in ("min", "max"))
    for rule in RULES:
        if rule.uid not in first:
            continue
        if rule.since:
            assert first[rule.uid] > rule.since - 20
        if rule.until < 300:
            assert last[rule.uid] < rule.until + 20
    assert sum(rule.since > 0 and rule.uid in first for rule in RULES) >= 8
    assert sum(rule.until < 300 and rule.uid in first for rule in RULES) == 3


def test_noise_drifts(long_alerts: pd.DataFrame) -> None:
    """Between neighbouring months the mix of rules differs less than between months far apart."""
    noise = long_alerts[long_alerts["origin"] == "noise"]
    share = pd.crosstab([noise["tenant"], noise["rule_uid"]], noise["day"] // 50, normalize="columns")
    near = np.mean([(share[month] - share[month + 1]).abs().sum() for month in range(5)])
    far = (share[0] - share[5]).abs().sum()
    assert far > 1.3 * near > 0.1


def test_products_fall_silent_for_days(life: Life) -> None:
    day = (life.alerts.time / DAY).astype(int)
    product = np.array([PRODUCTS.index(rule.product) for rule in RULES])[life.alerts.rule]
    assert life.world.silent.any()
    assert not life.world.silent[product, day].any()
    for name in ("edr", "siem"):
        heard = np.bincount(day[product == PRODUCTS.index(name)], minlength=200) > 0
        workdays = np.arange(200) % 7 < 5
        assert (heard | life.world.silent[PRODUCTS.index(name)])[workdays].mean() > 0.95


def test_campaigns_go_along_their_steps(long_alerts: pd.DataFrame) -> None:
    attacks = long_alerts[long_alerts["attack"]]
    assert attacks.groupby("incident_uid").ngroups > 100
    for (_, name), some in attacks.groupby(["incident_uid", "campaign"]):
        order = [step.kind for step in CAMPAIGNS[str(name)].steps]
        begun = some.groupby("step")["time"].min().sort_values()
        assert [order.index(step) for step in begun.index] == sorted(order.index(step) for step in begun.index)


def test_kinds_of_campaigns_change_over_the_year(long_alerts: pd.DataFrame) -> None:
    begun = long_alerts[long_alerts["attack"]].groupby("campaign")["day"].min()
    assert set(begun.index) == set(CAMPAIGNS)
    assert all(begun[name] >= campaign.since for name, campaign in CAMPAIGNS.items())
    assert mix(0.0)[0] > 1.5 * mix(300.0)[0]


def test_attackers_change_their_tools() -> None:
    for name, campaign in CAMPAIGNS.items():
        for step in campaign.steps:
            assert all(uid in INDEX for uid in step.rules), name
    step = CAMPAIGNS["phishing-ransomware"].steps[1]
    before, after = weights(step, 0.0), weights(step, 300.0)
    assert before[INDEX["e-signed-loader"]] < after[INDEX["e-signed-loader"]]
    assert before[INDEX["e-encoded-command"]] > after[INDEX["e-encoded-command"]]
    assert all(set(fashion.factors) <= set(INDEX) for fashion in FASHIONS)


def test_campaigns_overlap_and_differ_in_pace(long_alerts: pd.DataFrame) -> None:
    attacks = long_alerts[long_alerts["attack"]]
    spans = attacks.groupby(["tenant", "incident_uid"])["time"].agg(["min", "max"])
    length = (spans["max"] - spans["min"]).dt.total_seconds()
    assert (length < 3 * 3600).any()
    assert (length > 2 * DAY).any()
    one = spans.loc["tenant-001"].sort_values("min")
    assert (one["max"].cummax().shift() > one["min"]).any()


def test_attacks_are_few_and_tenants_differ(long_alerts: pd.DataFrame, long: Simulated) -> None:
    assert 0.01 < long_alerts["attack"].mean() < 0.035
    assert 2.0 < 2 * 300 / long.incidents < 4.0
    daily = long_alerts.groupby("tenant").size() / 300
    assert daily.between(80, 260).all()


def test_people_join_leave_move_and_keep_their_hours(life: Life) -> None:
    people = life.world.people
    assert (people.joined > 0).any()
    assert (people.left < 200).any()
    assert (people.moved < 200).any()
    assert (people.abroad > 0).any()
    assert not people.present[people.left < 100, 120:].any()
    workdays = np.arange(200) % 7 < 5
    assert people.present[:, workdays].mean() > 5 * people.present[:, ~workdays].mean()
    assert people.department.max() < len(DEPARTMENTS)


def test_habits_change_slowly(life: Life) -> None:
    """What somebody uses in a week is mostly what they used the week before, and less what they used months ago."""
    events = life.events.take(life.events.action == 2)
    week = (events.time / DAY / 7).astype(int)
    used = {(who, w): set(events.target[(events.actor == who) & (week == w)].tolist()) for who in range(20) for w in (1, 2, 25)}
    near = np.mean([len(used[who, 1] & used[who, 2]) for who in range(20)])
    far = np.mean([len(used[who, 1] & used[who, 25]) for who in range(20)])
    assert near > 1.3 * far


def test_leased_addresses_and_second_names_resolve_as_of_then(long: Simulated) -> None:
    context = Context.load(long.history / read_manifest(long.history).context)
    by_address = second = 0
    meant: dict[tuple[str, str], set[str]] = {}
    known = {(fact.tenant, fact.uid) for fact in _assets(context)}
    for chunk in read_alerts(long.history):
        for _, alert in chunk:
            host = next((entity.uid for entity in alert.entities if entity.kind == "host"), "")
            found = context.aliases.resolve(alert.tenant, "host", host, alert.time)
            if host.startswith("10."):
                by_address += 1
                meant.setdefault((alert.tenant, host), set()).add(found)
                assert (alert.tenant, found) in known
            elif host.endswith("-r"):
                second += 1
                assert found == host.removesuffix("-r")
    assert by_address > 500
    assert second > 50
    assert context.aliases.ambiguous == 0
    assert any(len(hosts) > 1 for hosts in meant.values())


def _assets(context: Context) -> list[object]:
    return [fact for spans in context._assets.values() for _, fact in spans]


def test_an_address_names_the_host_that_holds_the_lease(life: Life) -> None:
    names, host = life.names, np.array([0, 5, 9])
    for day in (1.0, 80.0, 199.0):
        at = np.full(3, day * DAY)
        address = names.address_of(host, at)
        assert len(set(address.tolist())) == 3
        for number, held in zip(host, address, strict=True):
            holders = names.host[(names.address == held) & (names.start <= day * DAY) & (day * DAY < names.end)]
            assert holders.tolist() == [number]


def test_benign_positives_of_every_sort_are_there(long_alerts: pd.DataFrame) -> None:
    origins = set(long_alerts["origin"])
    assert origins >= {"noise", "habit", "scanner", "backup", "admin", "onboarding", "roll-out", "penetration-test", "attack"}
    test = long_alerts[long_alerts["origin"] == "penetration-test"]
    assert not test["attack"].any()
    assert test["tactics"].explode().nunique() >= 4


def test_a_hash_of_numbers_stays_and_spreads() -> None:
    found = mixed(np.arange(10_000), 3)
    assert np.array_equal(found, mixed(np.arange(10_000), 3))
    assert len(np.unique(found % np.uint64(1 << 32))) > 9_990


def test_times_are_within_the_simulation(life: Life) -> None:
    for time in (life.alerts.time, life.events.time):
        assert time.min() >= 0.0
        assert time.max() < 200 * DAY
    assert START + timedelta(days=200) > START
