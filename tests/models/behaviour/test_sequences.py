"""Sequences: whose commands a segment is made of."""

from __future__ import annotations

import math

import msgspec

from models.behaviour.sequences import MOST_A_PAIR, Scorer, SequenceModel, Usage

OWN = {"ann": [["ls", "cat", "vi", "make"] * 5] * 10, "bob": [["mail", "who", "ls", "finger"] * 5] * 10}


def test_another_s_commands_score_higher_than_one_s_own() -> None:
    model = SequenceModel.fit(OWN)
    own, other, strange = (Scorer(model, "ann").score(s) for s in (OWN["ann"][0], OWN["bob"][0], ["nmap", "nc"]))
    assert own < 0 < other
    assert own < strange


def test_the_order_of_commands_counts() -> None:
    model = SequenceModel.fit(OWN)
    assert Scorer(model, "ann").score(["ls", "cat", "vi", "make"]) < Scorer(model, "ann").score(["vi", "ls", "make", "cat"])


def test_a_score_is_of_its_segment_and_what_an_intruder_typed_before_changes_nothing() -> None:
    model = SequenceModel.fit(OWN)
    fresh, after = Scorer(model, "ann"), Scorer(model, "ann")
    after.score(OWN["bob"][0])
    assert after.score(OWN["ann"][0]) == fresh.score(OWN["ann"][0])


def test_a_loop_says_no_more_than_what_was_typed_once() -> None:
    model = SequenceModel.fit(OWN)
    once, loop = (Scorer(model, "ann").ratios(segment) for segment in (["nmap", "nmap"], ["nmap"] * 100))
    assert once == loop


def test_one_pair_never_seen_says_no_more_than_the_most_a_pair_may() -> None:
    model = SequenceModel.fit({"ann": [["ls", "cat"] * 50] * 50, "bob": [["cat", "ls", "who", "who"] * 50] * 50})
    assert Scorer(model, "ann").ratios(["who", "who"])[0] == MOST_A_PAIR


def test_a_model_is_json_and_scores_the_same_again() -> None:
    model = SequenceModel.fit(OWN)
    again = msgspec.json.decode(msgspec.json.encode(model), type=SequenceModel)
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
    assert plain.ratios(new)[1] < Scorer(model, "ann").ratios(new)[1]
    assert invaded.ratios(OWN["bob"][0]) == Scorer(model, "ann").ratios(OWN["bob"][0])
    assert "git" not in model.accounts["ann"].commands


def test_what_was_typed_long_ago_fades_and_counts_stay_bounded() -> None:
    usage = Usage.of([["ls", "cat"], *[["vi", "make"]] * 10])
    assert 0 < usage.commands["ls"] < 1 < usage.commands["vi"] < 10
    for n in range(400):
        usage = usage.add([f"c{n}", f"d{n}"])
    assert "ls" not in usage.commands
    assert len(usage.commands) < 400
    assert len(usage.present) < 400
    assert len(usage.pairs) < 400
