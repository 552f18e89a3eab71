"""Objectives: understood to the letter or refused; what is not said has a default, what is said twice is refused."""

from __future__ import annotations

import pytest

from models.certificates.objective import DEFAULT_OBJECTIVE, DEFAULT_OBJECTIVES, Aim, Objective, parse_objectives
from models.decision import BlastRadius
from models.errors import ObjectiveError


def test_an_objective_is_read_to_the_letter() -> None:
    objective = Objective.parse(DEFAULT_OBJECTIVE)
    assert (objective.alpha, objective.delta) == (0.01, 0.05)
    spaced = Objective.parse("  maximum   suppression @ missed_incidents <= .01,\n confidence .95 ")
    assert spaced.text == "maximum suppression @ missed_incidents <= .01, confidence .95"
    assert (spaced.alpha, spaced.delta) == (0.01, 0.05)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "suppress a lot",
        "maximum suppression @ missed_incidents <= 0.01",
        "maximum suppression @ missed_incidents < 0.01, confidence 0.95",
        "maximum suppression @ missed_incidents <= 1, confidence 0.95",
        "maximum suppression @ missed_incidents <= 0.0, confidence 0.95",
        "maximum suppression @ missed_incidents <= 1 %, confidence 0.95",
        "maximum suppression @ missed_incidents <= -0.01, confidence 0.95",
        "maximum suppression @ missed_incidents <= 1e-2, confidence 0.95",
        "maximum suppression @ missed_incidents <= 0.01, confidence 95",
        "maximum suppression @ missed_incidents <= 0.01, confidence 0.4",
        "maximum suppression @ missed_incidents <= 0.01, confidence 1.0",
        "maximum suppression @ missed_alerts <= 0.01, confidence 0.95",
        "Maximum suppression @ missed_incidents <= 0.01, confidence 0.95",
        "maximum suppression @ missed_incidents <= 0.01, confidence 0.95 please",
        "maximum suppression @ missed_incidents <= 0.\u0661, confidence 0.95",
    ],
)
def test_an_objective_that_is_nearly_understood_is_refused(text: str) -> None:
    with pytest.raises(ObjectiveError) as refusal:
        Objective.parse(text)
    assert refusal.value.text == text


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["maximum response @ precision >= 1.0, confidence 0.95"], "expected a sentence"),
        (["maximum huge response @ precision >= 0.9, confidence 0.95"], "expected a sentence"),
        (["maximum minimal response @ precision >= 0.4, confidence 0.95"], "precision must lie"),
        ([DEFAULT_OBJECTIVE, DEFAULT_OBJECTIVE.replace("0.01", "0.02")], "contradicts"),
        (["maximum response @ precision >= 0.9, confidence 0.95", DEFAULT_OBJECTIVES[1]], "contradicts"),
        (
            [
                "maximum minimal response @ precision >= 0.99, confidence 0.95",
                "maximum major response @ precision >= 0.9, confidence 0.95",
            ],
            "asks less of a larger blast radius",
        ),
    ],
)
def test_contradictions_and_what_cannot_be_are_refused(texts: list[str], reason: str) -> None:
    with pytest.raises(ObjectiveError, match=reason):
        parse_objectives(texts)


def test_what_is_not_said_has_a_default() -> None:
    assert [one.text for one in parse_objectives([])] == list(DEFAULT_OBJECTIVES)
    loose, *tiers = parse_objectives(["maximum suppression @ missed_incidents <= 0.10, confidence 0.9"])
    assert (loose.aim, loose.alpha, loose.delta) == (Aim.SUPPRESSION, 0.1, 0.1)
    assert [one.tier for one in tiers] == list(BlastRadius)


def test_a_sentence_without_a_tier_speaks_of_every_tier() -> None:
    _, *tiers = parse_objectives(["maximum response @ precision >= 0.9, confidence 0.95"])
    assert [(one.tier, one.alpha) for one in tiers] == [(tier, 0.1) for tier in BlastRadius]


def test_the_default_of_a_larger_tier_is_no_less_than_what_a_smaller_one_must_keep() -> None:
    _, minimal, moderate, major = parse_objectives(["maximum minimal response @ precision >= 0.995, confidence 0.95"])
    assert minimal.alpha == moderate.alpha == 0.005
    assert major.alpha == 0.001
