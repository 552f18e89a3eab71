"""Weights learned from simulated impostors, each project's from the others only."""

from __future__ import annotations

import msgspec
import numpy as np

from models.behaviour.evidence import Weights
from tests.models.behaviour.events import history
from training.behaviour.learning import (
    LEAST_DAYS,
    MOST_PARTS,
    Lesson,
    Walked,
    fields_of,
    learn_each,
    learn_weights,
    walk,
    weights_by_project,
)

FIELDS = ("a", "b")


def lessons(count: int, group: str = "p") -> list[Lesson]:
    """Return lessons in which only the first number tells impostors."""
    rng = np.random.default_rng(0)
    out = []
    for n in range(count):
        vector = rng.normal(size=7)
        vector[0] += 3 * (n % 2)
        out.append(Lesson(vector, n % 2 == 1, group))
    return out


def test_what_tells_impostors_gets_the_weight() -> None:
    weights = learn_weights(lessons(4 * LEAST_DAYS), FIELDS)
    assert np.argmax(weights.vector) == 0
    assert weights.population[0] > 1


def test_a_field_counts_as_much_as_it_tells_whose_a_day_is() -> None:
    rng = np.random.default_rng(0)
    told = rng.normal(-2.0, 1.5, (4 * LEAST_DAYS, 3, 1))
    ratios = np.concatenate([told, rng.normal(0.0, 1.5, told.shape)], axis=2).astype(np.float32)
    own = [Lesson(np.zeros(7), False, "p", rivals) for rivals in ratios]
    first, second = learn_each(own, FIELDS)
    assert first > 5 * second >= 0
    assert learn_each(own[: LEAST_DAYS - 1], FIELDS) == Weights.plain(FIELDS).each


def test_too_little_to_learn_from_leaves_the_textbook() -> None:
    assert learn_weights(lessons(LEAST_DAYS), FIELDS) == Weights.plain(FIELDS)
    assert learn_weights([], FIELDS) == Weights.plain(FIELDS)


def test_a_day_is_judged_by_what_was_known_before_it() -> None:
    days = history(60)
    whole, part = walk(days), walk(days[:90])
    for (_, a), (_, b) in zip(whole.days, part.days, strict=False):
        assert (a is None) == (b is None)
        if a is not None and b is not None:
            np.testing.assert_array_equal(a.vector, b.vector)
    impostors = [lesson.vector[-3] for lesson in whole.lessons if lesson.impostor]
    own = [lesson.vector[-3] for lesson in whole.lessons if not lesson.impostor]
    assert min(impostors) > max(own)


def test_a_project_does_not_teach_itself() -> None:
    days = history(60)
    assert weights_by_project(walk(days), fields_of(days)) == {"project": Weights.plain(fields_of(days))}


def test_very_many_projects_are_left_out_by_parts() -> None:
    days = [msgspec.structs.replace(day, group=f"thing {n % (3 * MOST_PARTS):03d}") for n, day in enumerate(history(60))]
    taught = [lesson._replace(group=f"thing {n % (3 * MOST_PARTS):03d}") for n, lesson in enumerate(lessons(4 * LEAST_DAYS))]
    walked = Walked([(day, None) for day in days], taught)
    found = weights_by_project(walked, FIELDS)
    assert len(found) == 3 * MOST_PARTS
    assert len(set(found.values())) == MOST_PARTS
    others = [lesson for lesson in taught if int(lesson.group[-3:]) % MOST_PARTS != 1]
    assert found["thing 001"] == learn_weights(others, FIELDS)
