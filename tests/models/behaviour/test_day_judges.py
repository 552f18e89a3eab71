"""Rare days: nobody is guessed at, what is rare comes first, and p-values are those of the account's and the tenant's past."""

from __future__ import annotations

import numpy as np
import pytest

from features.alert import EntityKind
from models.behaviour.conformal import Past, p_value
from models.behaviour.day_judges import GROUP_PAST, OWN_PAST, RareDays
from models.behaviour.day_surprises import LEAST_DAYS
from models.behaviour.day_vector import NAMES, DayKey, DayVectors
from models.behaviour.watch import Judged

STAFF = 60


def day(ordinal: int, values: np.ndarray, kind: EntityKind = EntityKind.USER) -> DayVectors:
    keys = [DayKey(ordinal, "t", kind, f"user-{at:03}") for at in range(len(values))]
    return DayVectors(keys, [""] * len(keys), np.ones(len(keys), np.int64), values)


def normal(seed: int, n: int = STAFF) -> np.ndarray:
    return np.abs(np.random.default_rng(seed).normal(size=(n, len(NAMES))))


def step(judge: RareDays, days: DayVectors) -> list[Judged]:
    """Judge days, then learn them all."""
    looked = judge.look(days)
    judge.learn(looked, np.ones(len(days.keys), bool))
    return looked.judged


def lived(days: int) -> tuple[RareDays, list[list[Judged]]]:
    judge = RareDays()
    return judge, [step(judge, day(at, normal(at))) for at in range(days)]


def test_until_enough_is_known_of_tenant_and_account_nothing_is_said() -> None:
    judge, told = lived(12)
    assert LEAST_DAYS < 12 * STAFF
    assert all(one.cold and one.p_value == 1.0 for some in told[:6] for one in some)
    assert not any(one.cold for one in told[-1])
    newcomer = step(judge, day(12, normal(12, STAFF + 1)))[-1]
    assert newcomer.cold
    assert newcomer.p_value == 1.0


def test_a_day_unlike_all_is_first_and_says_why() -> None:
    judge, _ = lived(40)
    values = normal(40)
    values[7, NAMES.index("device_own_max")] = 50.0
    values[7, NAMES.index("spray_max")] = 20.0
    judged = step(judge, day(40, values))
    assert int(np.argmax([one.score for one in judged])) == 7
    names = {one.name for one in judged[7].deviations}
    assert {"device_own_max", "spray_max"} <= names
    reason = next(one for one in judged[7].deviations if one.name == "device_own_max")
    assert reason.observed == 50.0
    assert reason.expected is not None
    assert reason.expected < 2.0


def test_p_values_are_those_of_the_definition() -> None:
    judge, _ = lived(30)
    own, group, (tenant,) = [Past(OWN_PAST) for _ in range(STAFF)], Past(GROUP_PAST), judge._tenants.values()
    for score in tenant.scores.tolist():
        group.add(score)
    for at in range(STAFF):
        for score in judge._own._scores[at, : judge._own._count[at]].tolist():
            own[at].add(score)
    found = step(judge, day(30, normal(99)))
    for at, one in enumerate(found):
        assert one.p_value == pytest.approx(p_value(float(tenant.scores[at - STAFF]), own[at], group), abs=1e-9)


def test_false_alarms_keep_to_the_rate_where_nothing_happens() -> None:
    _, told = lived(120)
    p = np.array([one.p_value for some in told[60:] for one in some])
    assert (p <= 0.05).mean() <= 0.075


def test_kinds_and_tenants_are_judged_apart() -> None:
    judge = RareDays()
    for kind in (EntityKind.USER, EntityKind.HOST):
        step(judge, day(0, normal(0), kind))
    assert set(judge._surprises._references) == {("t", EntityKind.HOST), ("t", EntityKind.USER)}
