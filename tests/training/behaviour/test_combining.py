"""The supervised combination: never negative, learned from verdicts if there are enough, else from days that changed hands."""

from __future__ import annotations

import numpy as np

from features.label import Verdict
from models.behaviour.day import FIRST
from models.behaviour.model import BehaviourModel
from tests.models.behaviour.test_day_engine import STAFF, event
from training.behaviour.combining import KNOWN_DAYS, LEAST_POSITIVE, fit_combination, impostors, learn_combination, told_days

DAYS = 90


def events(days: int = DAYS) -> list:
    return [
        one for day in range(days) for one in sorted((event(who, day, at) for who in range(STAFF) for at in range(5)), key=_time)
    ]


def _time(one) -> object:
    return one.time


def test_weights_are_what_the_labels_say_and_never_negative() -> None:
    rng = np.random.default_rng(0)
    strange = np.arange(4000) % 20 == 0
    told = np.column_stack(
        [rng.normal(np.where(strange, 3.0, 0.0)), rng.normal(size=4000), rng.normal(np.where(strange, -2.0, 0.0))]
    )
    learned = fit_combination(told, strange, "verdicts")
    assert learned is not None
    assert learned.weights[0] > 1.0
    assert learned.weights[1] < 0.2
    assert learned.weights[2] == 0.0
    assert learned.prior < -2.5
    assert fit_combination(told[:100], strange[:100], "verdicts") is None


def test_two_people_change_hands_for_a_day_and_nothing_else_changes() -> None:
    history = events()
    swapped, theirs = impostors(history)
    changed = [(one, other) for one, other in zip(history, swapped, strict=True) if one != other]
    assert changed
    assert {one.uid for one in history} == {one.uid for one in swapped}
    assert all(one.actor.uid != other.actor.uid and one.target == other.target for one, other in changed)
    assert len(theirs) % 2 == 0
    assert min(ordinal for ordinal, _, _ in theirs) - (history[0].time - FIRST).days >= KNOWN_DAYS
    assert impostors(history) == (swapped, theirs)


def test_it_is_learned_from_verdicts_if_there_are_enough_else_from_impostors() -> None:
    history, model = events(), BehaviourModel()
    told = told_days(history, model)
    assert len(told) > 10 * LEAST_POSITIVE
    said = {
        (one.key.ordinal, one.key.tenant, one.key.entity): Verdict.TRUE_POSITIVE if at % 3 == 0 else Verdict.FALSE_POSITIVE
        for at, one in enumerate(told)
    }
    by_verdicts = learn_combination(history, model, said)
    assert by_verdicts is not None
    assert by_verdicts.of == "verdicts"
    few = dict(list(said.items())[:10])
    without = learn_combination(history, model, few)
    assert without is None or without.of == "impostors"
