"""The gate says yes or no, and why."""

from __future__ import annotations

import math

import pytest

from training.gate import judge

CHAMPION = {"ap": 0.9, "worst_ap": 0.8, "ece": 0.02}


def test_equal_figures_pass() -> None:
    report = judge(CHAMPION, CHAMPION)
    assert report.passed
    assert report.reasons == ()
    assert "0.900 against the champion's 0.900" in report.words


@pytest.mark.parametrize(
    ("worse", "words"),
    [
        ({"ap": 0.88}, "average precision 0.880"),
        ({"worst_ap": 0.76}, "worst group 0.760"),
        ({"ece": 0.05}, "calibration error 0.050"),
    ],
)
def test_each_figure_that_is_worse_refuses_by_name(worse: dict[str, float], words: str) -> None:
    report = judge(CHAMPION | worse, CHAMPION)
    assert not report.passed
    assert len(report.reasons) == 1
    assert words in report.reasons[0]
    assert report.words.startswith("refused: ")


def test_a_little_worse_is_within_tolerance() -> None:
    assert judge({"ap": 0.891, "worst_ap": 0.771, "ece": 0.039}, CHAMPION).passed


def test_first_model_needs_sound_figures_only() -> None:
    assert judge({"ap": 0.3}).passed
    assert "no champion" in judge({"ap": 0.3}).words
    assert not judge({"ap": math.nan}).passed
    assert not judge({}).passed


def test_figure_that_only_the_champion_has_refuses() -> None:
    report = judge({"ap": 0.9, "ece": 0.01}, CHAMPION)
    assert not report.passed
    assert "was not measured" in report.reasons[0]
