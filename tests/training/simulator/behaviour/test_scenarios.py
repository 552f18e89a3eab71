"""Scenarios: each differs from its account's normal life in what it is named after."""

from __future__ import annotations

import pandas as pd

from training.simulator.behaviour.living import Lived


def _case(small: Lived, events: pd.DataFrame, name: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the scenario's events, and the normal ones of the accounts in it."""
    bad = events[events["case"] == small.scenarios.index(name)]
    usual = events[(events["case"] < 0) & events["actor_uid"].isin(bad["actor_uid"])]
    assert len(bad)
    return bad, usual


def test_countries_and_devices_are_new_where_they_are_named(small: Lived, events: pd.DataFrame) -> None:
    bad, usual = _case(small, events, "new_country")
    assert not set(bad["country"]) & set(usual["country"])
    assert set(bad["device"]) <= set(usual["device"])
    bad, usual = _case(small, events, "new_device")
    assert not set(bad["device"]) & set(usual["device"])
    assert set(bad["country"]) <= set(usual["country"])


def test_a_rare_action_is_on_a_usual_day_from_the_usual_device(small: Lived, events: pd.DataFrame) -> None:
    bad, usual = _case(small, events, "rare_action")
    assert set(bad["action"]) <= {"mailbox.rule", "mailbox.export", "role.assign", "log.disable"}
    assert set(bad["device"]) <= set(usual["device"])
    assert set(bad["date"]) <= set(usual["date"])


def test_odd_hours_are_hours_when_the_owner_never_works(small: Lived, events: pd.DataFrame) -> None:
    bad, usual = _case(small, events, "odd_hours")
    hours = usual["time"].dt.hour
    assert (bad["time"].dt.hour.map(hours.value_counts(normalize=True)).fillna(0.0)).mean() < 0.02


def test_volume_is_far_above_the_own_or_above_everybodys(small: Lived, events: pd.DataFrame) -> None:
    bad, usual = _case(small, events, "own_volume")
    assert len(bad) > 3 * usual.groupby("date").size().median()
    bad, _ = _case(small, events, "drift")
    daily = bad.groupby("date").size()
    assert daily.tail(5).mean() > 3 * daily.head(5).mean()


def test_a_guess_fails_often_before_it_succeeds_and_a_spray_at_many_accounts(small: Lived, events: pd.DataFrame) -> None:
    bad, _ = _case(small, events, "guessing")
    assert (bad["outcome"] == "failure").sum() >= 18
    assert bad["outcome"].iloc[-1] == "success"
    bad, _ = _case(small, events, "spray")
    assert bad["address"].nunique() == 1
    assert bad[bad["outcome"] == "failure"]["actor_uid"].nunique() > 30
    assert bad[bad["outcome"] == "success"]["actor_uid"].nunique() == 1


def test_a_sequence_is_odd_by_its_order_alone(small: Lived, events: pd.DataFrame) -> None:
    bad, usual = _case(small, events, "odd_sequence")
    assert set(bad["action"]) <= set(events["action"])
    assert set(bad["device"]) <= set(usual["device"])
    assert bad["time"].is_monotonic_increasing


def test_a_burst_touches_each_target_once_and_foreign_ones_are_another_departments(small: Lived, events: pd.DataFrame) -> None:
    bad, _ = _case(small, events, "many_targets")
    files = bad[bad["target_kind"] == "file"]
    assert files["target_uid"].is_unique
    assert len(files) >= 30
    bad, usual = _case(small, events, "foreign_resource")
    folder = bad["target_uid"].str.split("/").str[2]
    assert folder.nunique() == 1
    usual_folders = usual[usual["target_kind"] == "file"]["target_uid"].str.split("/").str[2]
    assert (usual_folders == folder.iloc[0]).mean() < 0.05
