"""Normal life: hours, weekends, heavy tails, and what looks odd though it is not."""

from __future__ import annotations

import pandas as pd
import pytest

from training.simulator.behaviour.catalogue import RARE


@pytest.fixture(scope="module")
def people(events: pd.DataFrame) -> pd.DataFrame:
    """What people do in normal life under accounts of their own."""
    usual = events[(events["case"] < 0) & (events["actor_kind"] == "user")]
    return usual[~usual["actor_uid"].str.startswith("shared")]


def test_people_work_in_their_hours_and_some_at_weekends(people: pd.DataFrame) -> None:
    weekend = people["time"].dt.day_of_week >= 5
    assert 0.0 < weekend.mean() < 0.15
    assert people.groupby("actor_uid")["time"].agg(lambda time: time.dt.hour.std()).median() < 5.0


def test_volumes_are_heavy_tailed(people: pd.DataFrame) -> None:
    volume = people.groupby(["actor_uid", "date"]).size()
    assert volume.quantile(0.995) > 4 * volume.median()


def test_everybody_does_something_rare_and_few_do_it_often(people: pd.DataFrame) -> None:
    rare = people[people["action"].isin(list(RARE))]
    assert 0.001 < len(rare) / len(people) < 0.02
    assert rare["actor_uid"].nunique() > 0.5 * people["actor_uid"].nunique()


def test_countries_devices_and_failures_vary_without_an_attacker(people: pd.DataFrame) -> None:
    countries = people.groupby("actor_uid")["country"].nunique()
    assert 0.05 < (countries > 1).mean() < 0.7
    assert (people.groupby("actor_uid")["device"].nunique() > 1).mean() > 0.5
    failed = people[people["outcome"] == "failure"].groupby(["actor_uid", "date"]).size()
    assert failed.max() >= 4


def test_programs_keep_to_the_clock_and_shared_accounts_have_many_users(events: pd.DataFrame) -> None:
    hourly = events[(events["actor_uid"] == "svc-sync") & (events["case"] < 0)]
    assert hourly["time"].dt.minute.nunique() <= 4
    assert (events["actor_kind"] == "application").any()
    assert (events["actor_kind"] == "host").any()
    shared = events[events["actor_uid"] == "shared-0"]
    assert shared["device"].nunique() == 1
    assert (shared["time"].dt.day_of_week >= 5).any()
