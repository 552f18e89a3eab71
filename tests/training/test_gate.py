"""The gate says yes or no, and why."""

from __future__ import annotations

import pytest

from training.gate import CALIBRATION_LIMIT, TOLERANCE, judge

CHAMPION = {"group_ap": 0.9, "group_ap_worst": 0.8}


def test_equal_figures_pass_and_are_told() -> None:
    report = judge(CHAMPION, CHAMPION)
    assert report.passed
    assert "average precision 0.900 against the champion's 0.900" in report.remarks


@pytest.mark.parametrize(("name", "words"), [("group_ap", "average precision 0.850"), ("group_ap_worst", "worst tenant 0.750")])
def test_each_figure_that_is_worse_refuses_by_name(name: str, words: str) -> None:
    report = judge(CHAMPION | {name: CHAMPION[name] - 0.05}, CHAMPION)
    assert not report.passed
    assert len(report.objections) == 1
    assert words in report.objections[0]


def test_a_little_worse_is_within_tolerance() -> None:
    assert judge({name: value - TOLERANCE * 0.9 for name, value in CHAMPION.items()}, CHAMPION).passed


def test_bad_calibration_refuses_even_the_first_model() -> None:
    report = judge({"calibration_error": CALIBRATION_LIMIT + 0.01}, None)
    assert not report.passed
    assert "calibrated" in report.objections[0]


def test_first_model_passes_and_says_that_it_is_the_first() -> None:
    report = judge({"calibration_error": 0.01}, None)
    assert report.passed
    assert report.remarks == ["there is no champion yet"]
