"""The supervised combination: never negative, learned from verdicts if there are enough of both kinds."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np

from features.alert import EntityKind
from features.label import DayVerdict, Verdict
from models.behaviour.day import FIRST
from models.behaviour.model import BehaviourModel
from tests.models.behaviour.test_day_engine import STAFF, event
from training.behaviour.combining import LEAST_OF_A_KIND, fit_combination, learn_combination, said_of_days, told_days

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
    learned = fit_combination(told, strange)
    assert learned is not None
    assert learned.weights[0] > 1.0
    assert learned.weights[1] < 0.2
    assert learned.weights[2] == 0.0
    assert (learned.attacks, learned.harmless) == (200, 3800)
    assert fit_combination(told[:100], strange[:100]) is None


def word(day: int, uid: str, verdict: Verdict, analyst: str = "kim", kind: EntityKind = EntityKind.USER) -> DayVerdict:
    time = FIRST + timedelta(days=day + 2.0)
    return DayVerdict(
        tenant="t", kind=kind, uid=uid, day=time.date() - timedelta(days=2), verdict=verdict, time=time, analyst=analyst
    )


def test_the_latest_word_that_was_given_after_a_day_stands() -> None:
    attack, harmless, taken_back = Verdict.TRUE_POSITIVE, Verdict.FALSE_POSITIVE, Verdict.UNDETERMINED
    words = [
        word(10, "ann", harmless), word(11, "Ann", attack), word(12, "ann", attack), word(13, "bob", attack, analyst="eve"),
        word(14, "files", attack, kind=EntityKind.HOST),
    ]  # fmt: skip
    later = [
        msgspec.structs.replace(words[0], verdict=attack, time=words[0].time + timedelta(hours=1)),
        msgspec.structs.replace(words[2], verdict=taken_back, time=words[2].time + timedelta(hours=1)),
    ]
    early = msgspec.structs.replace(word(15, "ann", attack), time=FIRST + timedelta(days=15, hours=23))
    assert said_of_days([*later, *words, early], {"eve"}) == {(10, "t", "ann"): True, (11, "t", "ann"): True}
    assert said_of_days(words)[13, "t", "bob"]


def test_it_is_learned_from_what_people_said_if_they_said_enough_of_both_kinds() -> None:
    history, model = events(), BehaviourModel()
    told = told_days(history, model)
    assert len(told) > 10 * LEAST_OF_A_KIND
    said = {(one.key.ordinal, one.key.tenant, one.key.entity): at % 3 == 0 for at, one in enumerate(told)}
    learned = learn_combination(history, model, said)
    assert learned is not None
    assert learned.attacks == sum(said.values())
    assert learn_combination(history, model, dict(list(said.items())[:10])) is None
    assert learn_combination(history, model, dict.fromkeys(said, True)) is None
    assert learn_combination(history, model, {(day, "elsewhere", who): attack for (day, _, who), attack in said.items()}) is None
