"""The gate says yes or no, and why."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.gate import CALIBRATION_LIMIT, GateReport, judge
from training.later import Comparison

CHAMPION = "c" * 64
ALIKE = Comparison("the later window", 40, 0.9, 0.9, False)
WORSE = Comparison("tenant acme", 40, 0.7, 0.9, True)
FINDING = "7 times mallory alone calls benign what the champion suspects"


def test_equal_figures_pass_and_are_told() -> None:
    report = judge(0.01, [ALIKE], [], CHAMPION)
    assert report.passed
    assert report.remarks == ["average precision 0.900 against the champion's 0.900 on the later window (40 labels)"]
    assert report.champion == CHAMPION


def test_each_group_on_which_it_is_worse_refuses_by_name() -> None:
    report = judge(0.01, [ALIKE, WORSE], [], CHAMPION)
    assert report.objections == ["average precision 0.700 against the champion's 0.900 on tenant acme (40 labels)"]
    assert len(report.remarks) == 1


def test_lower_within_chance_is_a_remark() -> None:
    assert judge(0.01, [Comparison("tenant acme", 25, 0.6, 0.9, False)], [], CHAMPION).passed


def test_what_a_probe_finds_refuses_even_a_better_model() -> None:
    report = judge(0.01, [Comparison("the later window", 40, 0.99, 0.5, False)], [FINDING], CHAMPION)
    assert report.objections == [FINDING]


@pytest.mark.parametrize(("error", "passed"), [(None, True), (CALIBRATION_LIMIT, True), (CALIBRATION_LIMIT + 0.01, False)])
def test_bad_calibration_refuses_even_the_first_model(error: float | None, passed: bool) -> None:
    report = judge(error, [], [], "")
    assert report.passed is passed
    assert passed or "badly calibrated: error 0.110, at most 0.1" in report.objections[0]


def test_first_model_passes_and_says_that_it_is_the_first() -> None:
    assert judge(0.01, [], [], "").remarks == ["there is no champion yet"]


def test_too_few_later_labels_are_told_and_not_held_against_it() -> None:
    report = judge(0.01, [], [], CHAMPION)
    assert report.passed
    assert report.remarks == ["too few labels after the champion's window to compare the two on"]


def test_of_many_sentences_a_dozen_are_kept_and_the_rest_counted() -> None:
    report = judge(0.01, [WORSE], [FINDING] * 30, CHAMPION)
    assert report.objections[1:] == [FINDING] * 12 + ["and 18 more like these"]


def test_groups_by_the_hundred_and_names_of_any_length_fit_what_is_kept() -> None:
    compared = [Comparison("x" * 1024, 40, 0.5, 0.9, i % 2 == 0) for i in range(400)]
    report = judge(0.5, compared, ["\x1b[2J" * 500] * 400, CHAMPION)
    assert len(report.encode()) < 8000
    assert len(report.objections) == 1 + 13 + 13
    assert all(text.isprintable() for text in report.objections)


@given(st.lists(st.text()), st.lists(st.text()), st.text())
def test_a_report_is_kept_as_text_and_read_back(objections: list[str], remarks: list[str], champion: str) -> None:
    report = GateReport(objections, remarks, champion)
    again = GateReport.decode(report.encode())
    assert again == report
    assert again.passed is not bool(objections)


@pytest.mark.parametrize("objections", [["x" * 9000], ["\x01" * 2000, "y" * 9000], ["z" * 400] * 40])
def test_a_refusal_that_is_too_long_to_keep_stays_a_refusal(objections: list[str]) -> None:
    text = GateReport(objections, ["fine"] * 40, CHAMPION).encode()
    assert len(text) < 5000
    assert not GateReport.decode(text).passed


@pytest.mark.parametrize("text", ["", "passed", '{"objections":1}', '{"objections":[],"rem'])
def test_a_damaged_report_is_not_a_pass(text: str) -> None:
    with pytest.raises(msgspec.MsgspecError):
        GateReport.decode(text)
