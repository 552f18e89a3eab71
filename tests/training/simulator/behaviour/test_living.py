"""A tenant's events: the same seed gives the same, the truth names what is not normal life, attackers' accounts are those of alerts."""

from __future__ import annotations

import numpy as np
import pandas as pd

from training.simulator.behaviour.living import SCENARIOS, SPRAYED, Lived, lived
from training.simulator.behaviour.written import event_table
from training.simulator.lives import live
from training.simulator.world import build_world


def test_the_same_seed_gives_the_same_events_and_another_others() -> None:
    first, again, other = (event_table(lived(build_world(0, 12, np.random.default_rng(3), 20), seed)) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_without_cases_all_is_normal_life() -> None:
    done = lived(build_world(0, 60, np.random.default_rng(3), 20), 1, cases={})
    assert (done.deeds.case == -1).all()


def test_truth_holds_the_days_of_each_scenario(events: pd.DataFrame, truths: pd.DataFrame) -> None:
    assert list(truths.columns) == ["tenant", "entity", "day", "scenario"]
    assert not truths.duplicated(["entity", "day"]).any()
    assert set(truths["scenario"]) - {SPRAYED} <= set(SCENARIOS)
    assert len(set(truths["scenario"]) - {SPRAYED}) >= 12
    bad = events[events["case"] >= 0]
    assert set(zip(bad["actor_uid"], bad["date"], strict=True)) == set(zip(truths["entity"], truths["day"], strict=True))


def test_what_is_not_normal_is_rare(events: pd.DataFrame, truths: pd.DataFrame) -> None:
    days = len(events.drop_duplicates(["actor_uid", "date"]))
    assert 0.001 < (truths["scenario"] != SPRAYED).sum() / days < 0.03


def test_renamed_accounts_go_on_under_another_name(small: Lived) -> None:
    town = small.town
    who = np.flatnonzero(np.isfinite(town.renamed))
    for one in who.tolist():
        before = small.deeds.account == one
        after = small.deeds.account == town.second[one]
        assert not before.any() or small.deeds.time[before].max() < town.renamed[one]
        assert not after.any() or small.deeds.time[after].min() >= town.renamed[one]


def test_alerts_and_events_tell_one_story() -> None:
    life = live(0, 40, 2)
    done = lived(life.world, 2, cases={}, acts=life.acts, attacks=life.campaigns)
    bad = done.deeds.take(done.deeds.case >= 0)
    assert len(bad.time) > 50
    for act in life.acts:
        own = bad.time[(bad.case == act.incident) & (bad.account == act.user)]
        assert not len(own) or (np.abs(own - act.time).min() < 86_400.0)
    assert set(bad.account.tolist()) <= {act.user for act in life.acts} | set(done.town.second.tolist())
