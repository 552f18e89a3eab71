"""Patterns: what the trees look at, by hand, and that they speak against a link only so far."""

from __future__ import annotations

import numpy as np
import pytest

from models.incidents import patterns
from models.incidents.links import USUAL, usual_features
from models.incidents.patterns import EVIDENCE, LEAST, evidence, pattern, without_tactics
from models.incidents.tokens import ACTOR, PLACE, Sort
from tests.models.incidents.pairs_by_hand import shared, sides


def test_evidence_by_hand() -> None:
    told = shared(
        (0, Sort.NODE, 9, 600.0, PLACE, PLACE | ACTOR),
        (0, Sort.USER, 4, 600.0, ACTOR, ACTOR),
        (1, Sort.NODE, 3, 60.0, ACTOR, 0),
        (1, Sort.OUTSIDE, 2, 60.0, ACTOR, ACTOR),
    )
    of = sides((1.0, 3.0), (0.0, 0.0), tactic=(2, 7))
    first, second = evidence(told, of, usual_features(told, of))[:, len(USUAL) :]
    names = EVIDENCE[len(USUAL) :]
    common = {"tactic_early": 2, "tactic_late": 7, "step": 5, "tokens": 2}
    assert dict(zip(names, first.tolist(), strict=True)) == pytest.approx(common | {
        "lines": np.log(4), "act_both": 0, "acted_before": 0, "acts_then": 1, "outsider_acts": 0, "host_both": 1,
    })  # fmt: skip
    assert dict(zip(names, second.tolist(), strict=True)) == pytest.approx(common | {
        "lines": np.log(2), "act_both": 1, "acted_before": 1, "acts_then": 0, "outsider_acts": 1, "host_both": 0,
    })  # fmt: skip


def test_a_step_between_tactics_of_which_one_is_not_known_is_none() -> None:
    told = shared((0, Sort.NODE, 1, 0.0, PLACE, PLACE))
    for tactic, expected in (((-1, 7), -99.0), ((7, -1), -99.0), ((7, 2), -5.0), ((0, 0), 0.0)):
        of = sides((0.0, 0.0), tactic=tactic)
        assert evidence(told, of, usual_features(told, of))[0, EVIDENCE.index("step")] == expected


def test_what_the_trees_say_is_bounded_below_and_does_not_depend_on_what_is_asked_beside() -> None:
    rng = np.random.default_rng(0)
    found = rng.normal(0.0, 3.0, (200, len(EVIDENCE)))
    said = pattern(found)
    assert said.min() == LEAST
    assert said.max() > 0.5
    assert said.tolist() == [pattern(row[np.newaxis])[0] for row in found]
    assert pattern(found[:0]).shape == (0,)


def test_what_is_not_known_of_tactics_is_as_if_none_were_told() -> None:
    told = shared((0, Sort.NODE, 9, 600.0, PLACE, PLACE | ACTOR))
    known, unknown = (sides((1.0, 3.0), tactic=tactic) for tactic in ((2, 7), (-1, -1)))
    less = without_tactics(evidence(told, known, usual_features(told, known)))
    assert less.tolist() == evidence(told, unknown, usual_features(told, unknown)).tolist()


def test_trees_of_other_evidence_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "EVIDENCE", EVIDENCE[::-1])
    patterns._booster.cache_clear()
    with pytest.raises(ValueError, match="other evidence"):
        patterns._booster()
    patterns._booster.cache_clear()
