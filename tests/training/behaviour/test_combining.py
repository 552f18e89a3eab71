"""The supervised combination: never negative, learned from verdicts if there are enough of both kinds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import msgspec
import numpy as np
import pytest

from features.alert import EntityKind
from features.event_columns import read_columns
from features.event_table import table_of
from features.label import DayVerdict, Verdict
from models.behaviour.day import FIRST
from models.behaviour.model import BehaviourModel
from tests.models.behaviour.test_day_engine import STAFF, event
from training.behaviour.combining import (
    LEAST_OF_A_KIND,
    Said,
    fit_combination,
    learn_combination,
    said_of_days,
    told_days,
    weights_of_days,
)

DAYS = 90


def events(days: int = DAYS) -> list:
    return [
        one for day in range(days) for one in sorted((event(who, day, at) for who in range(STAFF) for at in range(5)), key=_time)
    ]


def by_two(attacks: Sequence[bool]) -> list[Said]:
    """What two people said of days, of either kind in turn."""
    return [Said(bool(one), "kim" if at % 3 else "lee") for at, one in enumerate(attacks)]


def _time(one) -> object:
    return one.time


def test_weights_are_what_the_labels_say_and_never_negative() -> None:
    rng = np.random.default_rng(0)
    strange = np.arange(4000) % 20 == 0
    told = np.column_stack(
        [rng.normal(np.where(strange, 3.0, 0.0)), rng.normal(size=4000), rng.normal(np.where(strange, -2.0, 0.0))]
    )
    learned = fit_combination(told, by_two(strange))
    assert learned is not None
    assert learned.weights[0] > 1.0
    assert learned.weights[1] < 0.2
    assert learned.weights[2] == 0.0
    assert (learned.attacks, learned.harmless) == (200, 3800)
    assert fit_combination(told[:100], by_two(strange[:100])) is None


def test_nobody_says_alone_how_judges_are_weighed_whatever_they_say() -> None:
    honest = [Said(at % 2 == 0, f"analyst {at % 4 // 2}") for at in range(400)]
    assert weights_of_days([one._replace(analyst="kim") for one in honest]) is None
    loud = [Said(at % 2 == 0, "eve") for at in range(10_000)]
    assert weights_of_days([*loud, Said(True, "kim"), Said(False, "kim")]) is None, "one more voice is none to hold against it"
    weight = weights_of_days([*honest, *loud])
    assert weight is not None
    assert weight[:400].sum() == pytest.approx(weight[400:].sum())
    team = weights_of_days([*(Said(at % 2 == 0, f"analyst {at % 18 // 2}") for at in range(900)), *loud])
    assert team is not None
    assert team[900:].sum() == pytest.approx(team.sum() * 0.25)
    assert weights_of_days(honest).tolist() == [1.0] * 400  # type: ignore[union-attr]


def test_what_one_person_says_of_very_many_days_does_not_turn_the_weights_around() -> None:
    rng = np.random.default_rng(1)
    attack = np.arange(800) % 4 == 0
    told = np.column_stack([rng.normal(np.where(attack, 3.0, 0.0)), rng.normal(size=800), rng.normal(size=800)])
    truth = fit_combination(told, by_two(attack))
    lies = np.column_stack([np.full(400, 3.0), np.zeros(400), np.zeros(400)])
    poisoned = fit_combination(np.vstack([told, lies]), [*by_two(attack), *(Said(False, "eve") for _ in range(400))])
    drowned = fit_combination(np.vstack([told, *[lies] * 50]), [*by_two(attack), *(Said(False, "eve") for _ in range(20_000))])
    assert truth is not None
    assert poisoned is not None
    assert drowned is not None
    assert drowned.weights[0] > 0.8 * poisoned.weights[0] > 0.2 * truth.weights[0]


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
    attacked = Said(attack=True, analyst="kim")
    assert said_of_days([*later, *words, early], {"eve"}) == {(10, "t", "ann"): attacked, (11, "t", "ann"): attacked}
    assert said_of_days(words)[13, "t", "bob"] == Said(attack=True, analyst="eve")


def test_it_is_learned_from_what_people_said_if_they_said_enough_of_both_kinds() -> None:
    history, model = read_columns(table_of(events())), BehaviourModel()
    told = told_days(history, model)
    assert len(told) > 10 * LEAST_OF_A_KIND
    days = [(one.key.ordinal, one.key.tenant, one.key.entity) for one in told]
    said = dict(zip(days, by_two([at % 4 == 0 for at in range(len(days))]), strict=True))
    learned = learn_combination(history, model, said)
    assert learned is not None
    assert learned.attacks == sum(one.attack for one in said.values())
    assert learn_combination(history, model, dict(list(said.items())[:10])) is None
    assert learn_combination(history, model, {day: one._replace(attack=True) for day, one in said.items()}) is None
    assert learn_combination(history, model, {day: one._replace(analyst="kim") for day, one in said.items()}) is None
    assert learn_combination(history, model, {(day, "elsewhere", who): attack for (day, _, who), attack in said.items()}) is None
