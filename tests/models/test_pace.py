"""The pace of people: imports and machines tell nothing of it, waiting alerts do, pauses and idle hours do not."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from features.label import Provenance
from models.pace import PROVENANCES, Handling, VerdictColumns, handling, handling_by_rule, judgements, paced, untimed


def verdicts(time: NDArray[np.float64], analyst: int = 0, provenance: Provenance = Provenance.HUMAN) -> VerdictColumns:
    """Return a verdict on each of as many alerts."""
    n = len(time)
    code = PROVENANCES.index(provenance)
    return VerdictColumns(
        np.arange(n), np.asarray(time, np.float64), np.zeros(n, np.int64), np.full(n, code), np.full(n, analyst)
    )


RECEIVED = np.arange(40.0) * 60.0
UNEVEN = RECEIVED + 600.0 + np.random.default_rng(0).exponential(3600.0, 40)


def test_only_people_tell_a_pace() -> None:
    for provenance in Provenance:
        told = paced(RECEIVED, verdicts(UNEVEN, provenance=provenance))
        assert told.all() == (provenance is Provenance.HUMAN)
        assert told.any() == (provenance is Provenance.HUMAN)


def test_an_account_that_always_takes_equally_long_is_a_machine_though_others_are_not() -> None:
    person, machine = verdicts(UNEVEN, 0), verdicts(RECEIVED + 3600.0, 1)
    both = VerdictColumns(*(np.concatenate(pair) for pair in zip(person, machine, strict=True)))  # type: ignore[arg-type]
    told = paced(RECEIVED, both)
    assert told.tolist() == [True] * 40 + [False] * 40
    assert untimed(both, int(told.sum())) == {"fixed_delay": 40}


def test_a_flood_closed_at_once_is_one_delay_and_no_machine() -> None:
    received = np.zeros(500)
    assert paced(received, verdicts(np.full(500, 3600.0))).all()
    assert paced(RECEIVED[:9], verdicts(RECEIVED[:9] + 3600.0)).all()  # too few to tell


def test_verdicts_that_tell_nothing_are_counted_by_why() -> None:
    parts = [
        verdicts(UNEVEN[:n], provenance=p) for n, p in ((3, Provenance.IMPORT), (2, Provenance.INHERITED), (4, Provenance.HUMAN))
    ]
    whole = VerdictColumns(*(np.concatenate(some) for some in zip(*parts, strict=True)))  # type: ignore[arg-type]
    assert untimed(whole, 4) == {"import": 3, "inherited": 2}


def measured(received: NDArray[np.float64], time: NDArray[np.float64], rule: NDArray[np.int64] | None = None) -> Handling:
    return handling(judgements(received, np.zeros(len(time), np.int64) if rule is None else rule, verdicts(time)))


def test_back_to_back_the_gap_is_the_handling_time() -> None:
    found = measured(np.zeros(50), 1000.0 + 120.0 * np.arange(50))
    assert found == Handling(49, 120.0)


def test_alerts_closed_together_share_their_time() -> None:
    found = measured(np.zeros(100), 1000.0 + 120.0 * (np.arange(100) // 2))
    assert found == Handling(49, 60.0)


def test_a_pause_is_no_work_and_many_pauses_are_no_pace() -> None:
    steady = np.cumsum(np.where(np.arange(60) % 20 == 19, 3600.0 * 14, 120.0))
    assert measured(np.zeros(60), steady) == Handling(56, 120.0)
    assert math.isnan(measured(np.zeros(200), np.cumsum(np.where(np.arange(200) % 2, 3600.0, 120.0))).seconds)


def test_an_analyst_who_waits_for_alerts_tells_nothing() -> None:
    received = 300.0 * np.arange(60)
    assert measured(received, received + 20.0) == measured(np.empty(0), np.empty(0))


def test_one_analyst_says_nothing_of_the_time_since_another_spoke() -> None:
    time = 1000.0 + 60.0 * np.arange(100)
    by_two = verdicts(time)._replace(analyst=np.arange(100) % 2)
    assert handling(judgements(np.zeros(100), np.zeros(100, np.int64), by_two)) == Handling(98, 120.0)


def test_each_rule_has_the_time_of_judgements_on_it_alone() -> None:
    rule = np.repeat([0, 1, 0], [50, 50, 10])
    time = np.cumsum(np.repeat([60.0, 300.0, 60.0], [50, 50, 10]))
    made = judgements(np.zeros(110), rule, verdicts(time))
    first, second, none = handling_by_rule(made, 3)
    assert (first, second) == (Handling(59, 60.0), Handling(50, 300.0))
    assert none.judgements == 0
    assert math.isnan(none.seconds)


def test_a_judgement_on_two_rules_tells_of_neither() -> None:
    time = 60.0 * (1 + np.arange(80) // 2)
    made = judgements(np.zeros(80), np.arange(80) % 2, verdicts(time))
    assert set(made.rule.tolist()) == {-1}
    assert handling(made) == Handling(39, 30.0)
    assert [found.judgements for found in handling_by_rule(made, 2)] == [0, 0]


def test_no_rule_has_a_pace_where_the_whole_has_none() -> None:
    gaps = np.concatenate([np.full(40, 100.0), np.full(100, 5000.0)])
    made = judgements(np.zeros(140), np.repeat([0, 1], [40, 100]), verdicts(np.cumsum(gaps)))
    assert math.isnan(handling(made).seconds)
    assert all(math.isnan(found.seconds) for found in handling_by_rule(made, 2))
