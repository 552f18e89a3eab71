"""A survey as tables and plots: honest where nothing is known, text from outside bounded and shown as text."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from features.alert import Rule
from features.label import Provenance
from tests.conftest import build_alert, build_label
from tests.training.datasets import ATTACK, BENIGN, apart, dataset_of
from tests.training.test_survey import steady
from training.report import Table
from training.survey import Survey, survey
from training.survey_report import duration, effort, percent, survey_plots, survey_tables

HOSTILE = "[/]<script>\x1b[2J$x$"


def by_title(found: Survey, most: int = 20) -> dict[str, Table]:
    return {table.title.partition(":")[0]: table for table in survey_tables(found, most)}


def bare(folder: Path) -> Survey:
    return survey(dataset_of(folder, apart(5)))


def test_without_labels_rates_and_times_are_unknown_and_said_to_be(tmp_path: Path) -> None:
    tables = by_title(bare(tmp_path))
    assert not tables["False positives by rule"].rows
    assert "not counted as benign" in tables["False positives by rule"].note
    assert all(list(row[1:]) == [0, "–", "–"] for row in tables["How long it takes"].rows)
    assert "No person's verdict is left" in tables["How long it takes"].note
    assert "no responses" in tables["How long it takes"].note
    assert "Workload of people (UTC days with a verdict)" not in tables
    assert "assumed" in tables["Rules by handling time"].note
    assert ["reviewed", "0 (0.0%)"] in tables["What there is"].rows


def test_imports_give_rates_but_no_times(tmp_path: Path) -> None:
    alerts = apart(30)
    labels = [
        build_label(a, ATTACK if i < 3 else BENIGN, uid=f"l{i}", provenance=Provenance.IMPORT, after=3600.0)
        for i, a in enumerate(alerts)
    ]
    tables = by_title(survey(dataset_of(tmp_path, alerts, labels)))
    (row,) = tables["False positives by rule"].rows
    assert list(row[1:]) == [30, 30, 3, 0, 27, "90.0%", "73.5% to 97.9%"]
    times = tables["How long it takes"]
    assert times.rows[0][0] == "to detect (attack by import)"
    assert all(row[1] == 0 for row in times.rows)
    assert "30 came with the data" in times.note
    assert "do not record when an alert was received" in times.note


def test_an_account_with_a_fixed_delay_tells_no_times(tmp_path: Path) -> None:
    alerts = apart(30)
    labels = [build_label(a, BENIGN, uid=f"l{i}", analyst="bot", after=3600.0) for i, a in enumerate(alerts)]
    tables = by_title(survey(dataset_of(tmp_path, alerts, labels)))
    assert "30 at accounts that always take equally long" in tables["How long it takes"].note
    assert ["to acknowledge (people)", 0, "–", "–"] in tables["How long it takes"].rows


def test_people_have_times_workload_and_a_pace(tmp_path: Path) -> None:
    alerts = [build_alert(i, at=i * 10.0, host=f"h{i}") for i in range(60)]
    tables = by_title(survey(dataset_of(tmp_path, alerts, steady(alerts))))
    times = {row[0]: row for row in tables["How long it takes"].rows}
    assert times["to acknowledge (people)"][1] == 60
    assert list(tables["Workload of people (UTC days with a verdict)"].rows[0][:2]) == ["all", 60]
    (row,) = tables["Rules by handling time"].rows
    assert list(row[1:4]) == [60, "1.5*", "1.5"]
    assert "59 verdicts made back to back" in tables["Rules by handling time"].note


def test_grouping_says_what_it_counts(tmp_path: Path) -> None:
    alerts = [build_alert(i, at=i * 60.0) for i in range(10)]
    tables = by_title(survey(dataset_of(tmp_path, alerts), minutes=6.0, window=30.0))
    assert [list(row) for row in tables["Repeats"].rows] == [["all", 10, 1, "90.0%", "0.9 h"]]
    assert "30 minutes" in tables["Repeats"].note
    (row,) = tables["Rules by handling time"].rows
    assert list(row[1:]) == [10, "6", "1.0", "100.0%", 1, "0.1", "too few"]


def test_minutes_of_nothing_are_no_share(tmp_path: Path) -> None:
    (row,) = by_title(survey(dataset_of(tmp_path, apart(3)), minutes=0.0))["Rules by handling time"].rows
    assert list(row[3:5]) == ["0.0", "–"]


def test_silent_days_are_counted_beside(tmp_path: Path) -> None:
    alerts = [build_alert(0), build_alert(1, at=10.0), build_alert(2, at=86400.0 * 400)]
    (row,) = by_title(survey(dataset_of(tmp_path, alerts)))["Alerts a day (UTC)"].rows
    assert list(row) == ["all", 3, 2, 399, 2, 2, "2024-03-04: 2"]


def test_names_from_outside_are_bounded_and_stay_text(tmp_path: Path) -> None:
    alerts = [build_alert(i, at=i * 400.0) for i in range(40)]
    alerts = [msgspec.structs.replace(a, rule=Rule(f"r{i}", f"{HOSTILE}{i}" * 40)) for i, a in enumerate(alerts)]
    found = survey(dataset_of(tmp_path, alerts))
    tables = by_title(found, 7)
    assert len(tables["Rules by handling time"].rows) == 7
    assert "33 more rules" in tables["Rules by handling time"].note
    console = Console(width=120, file=io.StringIO(), force_terminal=True, color_system=None)
    for table in tables.values():
        console.print(table.rich())
        assert "<script>" not in table.html()
    assert "\x1b[2J" not in console.file.getvalue()  # type: ignore[attr-defined]
    for plot in survey_plots(found):
        assert "<script>" not in plot.svg
        assert len(plot.svg) < 500_000


def test_two_plots_of_any_history(tmp_path: Path) -> None:
    names = [plot.name for plot in survey_plots(bare(tmp_path))]
    assert names == ["alerts_a_day", "handling_time"]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0 s"), (119.0, "119 s"), (120.0, "2 min"), (7200.0, "2.0 h"), (172800.0, "2.0 d"), (float("nan"), "–")],
)
def test_durations_are_for_reading(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_effort_is_in_hours_and_shares_in_percents() -> None:
    assert (effort(30.0), effort(60.0 * 1234.0)) == ("0.5 h", "1,234 h")
    assert (percent(0.1234), percent(float("nan"))) == ("12.3%", "–")
