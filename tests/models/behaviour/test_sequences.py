"""Sequences: whose commands a segment is made of."""

from __future__ import annotations

import math

from models.behaviour.sequences import Scorer, SequenceModel, Usage

OWN = {"ann": [["ls", "cat", "vi", "make"] * 5] * 10, "bob": [["mail", "who", "ls", "finger"] * 5] * 10}


def test_another_s_commands_score_higher_than_one_s_own() -> None:
    model = SequenceModel.fit(OWN)
    own, other, strange = (Scorer(model, "ann").score(s) for s in (OWN["ann"][0], OWN["bob"][0], ["nmap", "nc"]))
    assert own < 0 < other
    assert own < strange


def test_the_order_of_commands_counts() -> None:
    model = SequenceModel.fit(OWN)
    assert Scorer(model, "ann").score(["ls", "cat", "vi", "make"]) < Scorer(model, "ann").score(["vi", "ls", "make", "cat"])


def test_a_score_carries_over_to_the_next_segment() -> None:
    model = SequenceModel.fit(OWN)
    fresh, after = Scorer(model, "ann"), Scorer(model, "ann")
    after.score(OWN["bob"][0])
    assert after.score(OWN["ann"][0]) > fresh.score(OWN["ann"][0])


def test_a_model_is_json_and_scores_the_same_again() -> None:
    model = SequenceModel.fit(OWN)
    again = SequenceModel.from_json(model.to_json())
    assert Scorer(again, "bob").score(["ls", "vi"]) == Scorer(model, "bob").score(["ls", "vi"])


def test_nothing_typed_nobody_known_and_no_peers_are_finite() -> None:
    for model in (SequenceModel.fit({}), SequenceModel.fit({"ann": []}), SequenceModel.fit(OWN)):
        for segment in ([], ["ls"], ["x"] * 1000):
            assert math.isfinite(Scorer(model, "ann").score(segment))
            assert math.isfinite(Scorer(model, "ann").unigram(segment))


def test_a_new_habit_beside_the_old_is_learned_and_an_intruder_is_not() -> None:
    model = SequenceModel.fit(OWN)
    new, plain, invaded = [*OWN["ann"][0], "git", "git"], Scorer(model, "ann"), Scorer(model, "ann")
    for _ in range(10):
        plain.score(new)
        invaded.score(OWN["bob"][0])
    assert plain.ratios(new)[0] < Scorer(model, "ann").ratios(new)[0]
    assert invaded.ratios(OWN["bob"][0]) == Scorer(model, "ann").ratios(OWN["bob"][0])
    assert "git" not in model.accounts["ann"].commands


def test_what_was_typed_long_ago_fades_and_counts_stay_bounded() -> None:
    usage = Usage.of([["ls", "cat"], *[["vi", "make"]] * 10])
    assert 0 < usage.commands["ls"] < 1 < usage.commands["vi"] < 10
    for n in range(400):
        usage = usage.add([f"c{n}", f"d{n}"])
    assert "ls" not in usage.commands
    assert len(usage.commands) < 400
    assert len(usage.pairs) < 400
