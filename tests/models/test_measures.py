"""Measures: each by hand on a small story, the unlabelled never benign, and everything defined where there is nothing."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.label import Provenance, Verdict
from models.certificates.bounds import lower_bound, upper_bound
from models.measures import (
    DELTA,
    AlertColumns,
    Measures,
    Rate,
    RuleMeasures,
    Spread,
    by_rule,
    daily,
    dwell_time,
    first_times,
    measure,
    time_to_detect,
    time_to_respond,
    workload,
)
from models.pace import PROVENANCES, VERDICTS, VerdictColumns, judgements

NAN = math.nan
HUMAN, IMPORT, INHERITED = (PROVENANCES.index(p) for p in (Provenance.HUMAN, Provenance.IMPORT, Provenance.INHERITED))
TRUE, BENIGN, FALSE, OPEN = (
    VERDICTS.index(v) for v in (Verdict.TRUE_POSITIVE, Verdict.BENIGN_POSITIVE, Verdict.FALSE_POSITIVE, Verdict.UNDETERMINED)
)


def alerts(n: int, **columns: Any) -> AlertColumns:
    """Return ``n`` unlabelled alerts a minute apart, received as they happen, but for the columns given."""
    time = 60.0 * np.arange(n)
    none = np.full(n, -1, np.int64)
    given_columns = {name: np.asarray(column) for name, column in columns.items()}
    usual = {
        "time": time, "received": time, "product": np.zeros(n, np.int64), "rule": np.zeros(n, np.int64), "verdict": none,
        "provenance": none, "incident": none, "responded": np.full(n, NAN),
    }  # fmt: skip
    return AlertColumns(**{**usual, **given_columns})


def verdicts(*rows: tuple[int, float, int, int, int]) -> VerdictColumns:
    """Return verdicts given as (alert, time, verdict, provenance, analyst)."""
    alert, time, *codes = np.array(rows, np.float64).reshape(len(rows), 5).T
    whole = [column.astype(np.int64) for column in (alert, *codes)]
    return VerdictColumns(whole[0], time, *whole[1:])


def equal(one: object, other: object) -> bool:
    """Compare, with one NaN like another."""
    return bool(msgspec.json.encode(one) == msgspec.json.encode(other))


@given(st.lists(st.floats(0.0, 1e9), min_size=1))
def test_a_spread_is_median_and_90th_percentile(values: list[float]) -> None:
    found = Spread.of(np.array([*values, NAN, -1.0]))
    assert (found.n, found.negative) == (len(values), 1)
    assert found.median == pytest.approx(np.percentile(values, 50))
    assert found.p90 == pytest.approx(np.percentile(values, 90))


def test_the_spread_of_nothing_is_nothing() -> None:
    assert equal(Spread.of(np.empty(0)), Spread(0, NAN, NAN))
    assert equal(Spread.of(np.array([NAN, -5.0])), Spread(0, NAN, NAN, 1))


@given(st.integers(1, 500), st.data())
def test_a_rate_has_the_exact_interval_of_certificates(n: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, n))
    found = Rate.of(hits, n)
    assert found.low <= found.share <= found.high
    assert found.low == pytest.approx(lower_bound(n, hits, DELTA / 2.0), abs=1e-9)
    assert found.high == pytest.approx(upper_bound(n, hits, DELTA / 2.0), abs=1e-9)


def test_the_rate_of_nothing_may_be_anything() -> None:
    assert equal(Rate.of(0, 0), Rate(0, 0, NAN, 0.0, 1.0))


@given(st.lists(st.tuples(st.integers(0, 4), st.floats(0.0, 1e6))))
def test_first_times_are_the_earliest(items: list[tuple[int, float]]) -> None:
    found = first_times(5, np.array([unit for unit, _ in items], np.int64), np.array([time for _, time in items]))
    for unit in range(5):
        own = [time for its, time in items if its == unit]
        assert found[unit] == min(own) if own else math.isnan(found[unit])


def test_detection_is_from_happened_to_received_for_attacks_by_who_says_so() -> None:
    some = alerts(
        4, received=[5.0, 67.0, 500.0, 200.0], verdict=[TRUE, TRUE, FALSE, TRUE], provenance=[HUMAN, IMPORT, HUMAN, HUMAN],
        product=[0, 0, 0, 0],
    )  # fmt: skip
    found = time_to_detect(some)
    assert found == {"human": Spread(2, 12.5, pytest.approx(18.5)), "import": Spread(1, 7.0, 7.0)}


def test_a_product_that_records_no_receipt_tells_no_detection() -> None:
    some = alerts(3, received=[0.0, 60.0, 125.0], verdict=[TRUE] * 3, provenance=[HUMAN] * 3, product=[0, 0, 1])
    assert time_to_detect(some) == {"human": Spread(1, 5.0, 5.0)}


def test_a_response_is_counted_once_an_incident_from_its_first_alert() -> None:
    some = alerts(5, incident=[7, 7, 7, -1, -1], responded=[100.0, 100.0, 100.0, 200.0, NAN])
    assert time_to_respond(some) == Spread(2, 60.0, pytest.approx(92.0))  # 100 − 0 and 200 − 180
    assert equal(time_to_respond(alerts(3, incident=[0, 0, 1])), Spread(0, NAN, NAN))


def test_dwell_runs_from_the_first_alert_to_the_first_who_says_attack() -> None:
    some = alerts(5, incident=[0, 0, 1, 1, -1])
    told = verdicts(
        (1, 5000.0, TRUE, HUMAN, 0), (0, 4000.0, FALSE, HUMAN, 1), (1, 4500.0, TRUE, HUMAN, 1),
        (2, 4600.0, OPEN, HUMAN, 1), (4, 10.0, TRUE, HUMAN, 0),
    )  # fmt: skip
    assert dwell_time(some, told) == Spread(1, 4500.0, 4500.0)


def test_years_between_are_measured_like_any_time() -> None:
    year = 365.25 * 86400.0
    some = alerts(2, time=[0.0, 20.0 * year], received=[0.0, 20.0 * year], incident=[0, 0])
    found = measure(some, verdicts((1, 21.0 * year, TRUE, HUMAN, 0)))
    assert found.dwell == Spread(1, 21.0 * year, 21.0 * year)
    assert found.alerts_a_day == Spread(2, 1.0, 1.0)


def test_verdicts_before_their_alert_are_left_out_and_counted() -> None:
    found = measure(alerts(2), verdicts((0, 30.0, FALSE, HUMAN, 0), (1, 30.0, FALSE, HUMAN, 0)))
    assert found.acknowledge == Spread(1, 30.0, 30.0, 1)


def test_the_first_look_counts_whoever_is_in_force_and_whatever_was_said() -> None:
    told = verdicts((0, 900.0, FALSE, HUMAN, 1), (0, 300.0, OPEN, HUMAN, 0), (0, 1.0, TRUE, IMPORT, 2))
    found = measure(alerts(1, verdict=[FALSE], provenance=[HUMAN]), told)
    assert found.acknowledge == Spread(1, 300.0, 300.0)
    assert found.untimed == {"import": 1}


def test_imports_alone_tell_rates_and_no_times() -> None:
    some = alerts(4, verdict=[TRUE, FALSE, FALSE, -1], provenance=[IMPORT, IMPORT, IMPORT, -1], incident=[0, -1, -1, -1])
    found = measure(some, verdicts((0, 3600.0, TRUE, IMPORT, 0), (1, 3660.0, FALSE, IMPORT, 0), (2, 3720.0, FALSE, IMPORT, 0)))
    nothing = Spread(0, NAN, NAN)
    for spread in (found.acknowledge, found.respond, found.dwell, found.verdicts_a_day, found.detect["import"]):
        assert equal(spread, nothing)
    assert (found.incidents, found.labels, found.analysts) == (1, {"import": 3}, ())
    assert (found.reviewed.hits, found.reviewed.n) == (3, 4)
    assert found.rules[0].false_rate == Rate.of(2, 3)


def rules(some: AlertColumns) -> tuple[RuleMeasures, ...]:
    return by_rule(some, judgements(some.received, some.rule, verdicts()))


LABELS = st.lists(st.tuples(st.integers(0, 2), st.sampled_from([-1, TRUE, BENIGN, FALSE])), min_size=1, max_size=40)


@given(LABELS, st.integers(1, 20))
def test_the_unlabelled_are_neither_benign_nor_reviewed(labelled: list[tuple[int, int]], more: int) -> None:
    def measured(items: list[tuple[int, int]]) -> tuple[RuleMeasures, ...]:
        verdict = np.array([v for _, v in items])
        return rules(alerts(len(items), rule=[r for r, _ in items], verdict=verdict, provenance=np.where(verdict < 0, -1, HUMAN)))

    before = {found.rule: found for found in measured(labelled)}
    for found in measured([*labelled, *[(0, -1)] * more]):
        if found.rule in before:
            extra = more if found.rule == 0 else 0
            assert equal(found, msgspec.structs.replace(before[found.rule], alerts=before[found.rule].alerts + extra))
        else:
            assert (found.alerts, found.reviewed, found.attacks) == (more, 0, 0)
            assert math.isnan(found.false_rate.share)


def test_what_was_inherited_is_an_attack_but_not_reviewed() -> None:
    (found,) = rules(alerts(3, verdict=[TRUE, FALSE, BENIGN], provenance=[INHERITED, HUMAN, HUMAN]))
    assert (found.reviewed, found.true_positives, found.attacks) == (2, 0, 1)
    assert (found.benign_positives, found.false_positives, found.false_rate.share) == (1, 1, 1.0)


def test_workload_is_by_analyst_and_day() -> None:
    day = 86400.0
    told = verdicts(*((0, when * day, FALSE, HUMAN, who) for when, who in ((0.1, 0), (0.2, 0), (0.9, 0), (3.0, 0), (0.5, 1))))
    found = workload(told)
    assert [(load.analyst, load.verdicts, load.a_day) for load in found] == [
        (0, 4, Spread(2, 2.0, pytest.approx(2.8))),
        (1, 1, Spread(1, 1.0, 1.0)),
    ]


def test_days_are_utc_and_those_before_1970_too() -> None:
    days, counts = daily(np.array([-1.0, 0.0, 86399.9, 86400.0]))
    assert (days.tolist(), counts.tolist()) == ([-1, 0, 1], [1, 2, 1])


def test_of_nothing_everything_is_defined() -> None:
    found = measure(alerts(0), verdicts())
    assert (found.alerts, found.incidents, found.rules, found.detect, found.labels) == (0, 0, (), {}, {})
    assert math.isnan(found.reviewed.share)
    again = msgspec.json.decode(msgspec.json.encode(found))
    assert again["dwell"] == {"n": 0, "median": None, "p90": None, "negative": 0}
    assert again.keys() == {field.name for field in msgspec.structs.fields(Measures)}
