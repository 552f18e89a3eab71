"""What-if: monotone in what is allowed, true positives named exactly, costs within the bounds."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.bundle import ModelBundle
from models.certificates.costs import AssetCosts, Costs
from models.certificates.objective import parse_objectives
from models.offpolicy import Seen
from models.pace import HUMAN, MINUTES, VerdictColumns
from models.whatif.log import Log, Names, groups_of
from models.whatif.outcome import Pace, pace_of
from models.whatif.whatif import CURVE, WhatIf, proposed, what_if
from tests.models.whatif.logs import bundle_with, log_of

PACE = Pace(6.0, "given")
UNITS = np.random.default_rng(0).uniform(0.05, 1.0, 400).tolist()
ALPHAS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)


def suppression(alpha: float) -> str:
    return f"maximum suppression @ missed_incidents <= {alpha}, confidence 0.95"


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A bundle with 400 attacks in calibration."""
    return bundle_with(tmp_path_factory.mktemp("whatif") / "bundle", UNITS, suppression(0.1))


def _ask(bundle: ModelBundle, log: Log, names: Names, texts: Sequence[str], costs: Costs | None = None) -> WhatIf:
    proposal = proposed(bundle.policy, bundle.calibration, parse_objectives(texts), costs)
    return what_if(bundle, proposal, log, names=names, pace=PACE)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(-1, 1)), min_size=1, max_size=24))
def test_a_looser_bound_hides_no_less_and_loses_no_less(bundle: ModelBundle, alerts: list[tuple[float, int]]) -> None:
    log, names = log_of([score for score, _ in alerts], [target for _, target in alerts])
    told = [_ask(bundle, log, names, [suppression(alpha)]).proposed for alpha in ALPHAS]
    for strict, loose in pairwise(told):
        assert strict.hidden <= loose.hidden
        assert strict.attacks_hidden <= loose.attacks_hidden
        assert strict.groups_hidden <= loose.groups_hidden
        assert strict.hours_a_day <= loose.hours_a_day
        assert {one.alert.alert_uid for one in strict.hidden_attacks} <= {one.alert.alert_uid for one in loose.hidden_attacks}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(-1, 1), st.integers(0, 3)), min_size=1, max_size=24))
def test_hidden_true_positives_are_named_exactly(bundle: ModelBundle, alerts: list[tuple[float, int, int]]) -> None:
    """By brute force: an attack alert below the threshold is named; an incident when all its attack alerts are."""
    score, target = [a for a, _, _ in alerts], [b for _, b, _ in alerts]
    incident = [number if label == 1 else -1 for _, label, number in alerts]
    log, names = log_of(score, target, incident)
    found = _ask(bundle, log, names, [suppression(0.2)]).proposed
    threshold = found.certificates[0]["threshold"]
    hidden = {i for i, s in enumerate(score) if target[i] == 1 and s < threshold}
    assert {one.alert.alert_uid for one in found.hidden_attacks} == {f"a{i}" for i in hidden}
    assert found.attacks_hidden == len(hidden)
    members = {k: {i for i, number in enumerate(incident) if number == k} for k in set(incident) - {-1}}
    lost = {k: rows for k, rows in members.items() if rows <= hidden}
    assert {one.incident_uid: one.alerts for one in found.lost} == {f"i{k}": len(rows) for k, rows in lost.items()}
    assert found.incidents_lost == len(lost)
    for one in found.lost:
        rows = lost[int(one.incident_uid[1:])]
        assert one.score == max(score[i] for i in rows)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(-1, 1)), min_size=1, max_size=24))
def test_the_trade_off_only_grows_and_names_each_incident_once(bundle: ModelBundle, alerts: list[tuple[float, int]]) -> None:
    log, names = log_of([score for score, _ in alerts], [target for _, target in alerts])
    curve = _ask(bundle, log, names, [suppression(0.1)]).curve
    assert [point.threshold for point in curve] == CURVE.tolist()
    for before, after in pairwise(curve):
        assert before.hidden_a_day <= after.hidden_a_day
        assert before.bound <= after.bound
        assert before.incidents_lost + len(after.newly_lost) == after.incidents_lost
    lowest = [uid for point in curve for uid in point.newly_lost]
    assert len(lowest) == len(set(lowest)) == curve[-1].incidents_lost


def test_what_it_saves_in_words_and_hours(bundle: ModelBundle) -> None:
    """Ten alerts a day hidden, a tenth of them audited, six minutes each: nine times six minutes."""
    log, names = log_of([1e-6] * 10 + [0.9] * 2)
    asked = _ask(bundle, log, names, [suppression(0.1)])
    found = asked.proposed
    assert (found.hidden, found.hidden_a_day, found.groups_hidden, asked.groups) == (10, 10.0, 10, 12)
    assert found.drawn_a_day == pytest.approx(1.0)
    assert found.hours_a_day == pytest.approx(0.9)
    assert found.bound <= 0.1
    assert found.misses is None
    assert asked.present.hidden == 10
    assert msgspec.json.encode(asked)


def test_a_refused_objective_hides_nothing_and_says_what_is_missing(bundle: ModelBundle) -> None:
    log, names = log_of([1e-6] * 10, [1] * 10)
    found = _ask(bundle, log, names, [suppression(0.001)]).proposed
    first = found.certificates[0]
    assert (first["status"], first["missing"], found.hidden, found.bound) == ("refused", 2995 - 400, 0, 1.0)
    assert "2595 more incidents" in first["sentence"]
    assert found.lost == []


def test_a_doubt_hides_nothing(bundle: ModelBundle) -> None:
    log, names = log_of([1e-6] * 3, severity=np.array([5.0, 2.0, 2.0]), habit=np.array([9.0, 0.0, 9.0]))
    asked = _ask(bundle, log, names, [suppression(0.1)])
    assert asked.proposed.hidden == 1
    assert asked.curve[-1].hidden_a_day == 1.0


def test_costs_choose_within_the_bounds_and_never_beyond(bundle: ModelBundle) -> None:
    """However cheap a miss, no more is hidden than the certificate allows; the dearer it is, the less."""
    log, names = log_of(np.linspace(0.0, 0.2, 41).tolist())
    free = _ask(bundle, log, names, [suppression(0.1)])
    hidden = []
    for miss in (1e-3, 10.0, 100.0, 1e6):
        costs = Costs(review=1.0, default=AssetCosts(miss=miss, wrong_response=1.0, delay=1.0))
        asked = _ask(bundle, log, names, [suppression(0.1)], costs)
        hidden.append(asked.proposed.hidden)
        assert [c["threshold"] for c in asked.proposed.certificates] == [c["threshold"] for c in free.proposed.certificates]
        assert all(a.hidden_a_day <= b.hidden_a_day for a, b in zip(asked.curve, free.curve, strict=True))
    assert hidden == sorted(hidden, reverse=True)
    assert hidden[0] == free.proposed.hidden > hidden[2] > hidden[3] == 1


def test_units_that_nothing_may_rest_on_prove_nothing(bundle: ModelBundle, tmp_path: Path) -> None:
    doubtful = bundle_with(tmp_path / "b", UNITS, suppression(0.1), doubt="all come from one analyst")
    log, names = log_of([1e-6] * 3)
    asked = _ask(doubtful, log, names, [suppression(0.3)])
    assert asked.proposed.hidden == asked.present.hidden == 0
    assert "all come from one analyst" in asked.proposed.certificates[0]["sentence"]
    assert {point.bound for point in asked.curve} == {1.0}


def test_the_estimate_of_misses_stands_beside(bundle: ModelBundle) -> None:
    seen = Seen(np.array([0.5, 0.5, 1.0]), np.array([True, False, True]), np.array([1, -1, 0], np.int8))
    log, names = log_of([1e-6, 1e-6, 0.9], [1, -1, 0], seen=seen)
    asked = _ask(bundle, log, names, [suppression(0.1)])
    assert asked.proposed.misses is not None
    assert (asked.proposed.misses.alerts, asked.proposed.misses.judged, asked.proposed.misses.misses.share) == (2, 1, 1.0)
    assert asked.curve[0].misses is not None


def test_alerts_without_a_score_are_left_alone(bundle: ModelBundle) -> None:
    log, names = log_of([float("nan"), 1e-6], [1, 1])
    asked = _ask(bundle, log, names, [suppression(0.1)])
    assert (asked.scored, asked.attacks, asked.proposed.hidden) == (1, 1, 1)


def test_repeats_within_five_minutes_are_one_group() -> None:
    log, _ = log_of([0.5] * 3)
    block = log.block.take(np.array([0, 0, 1, 0]))
    block.time[:] = [0.0, 299.0, 0.0, 301.0]
    assert len(np.unique(groups_of(block))) == 3


def test_a_pace_comes_from_people_or_is_named_an_assumption() -> None:
    received, none = np.zeros(50), np.zeros(0, np.int64)
    nobody = VerdictColumns(none, np.zeros(0), none, none, none)
    assert pace_of(received, nobody) == Pace(MINUTES, "assumed")
    assert pace_of(received, nobody, 4.0) == Pace(4.0, "given")
    at = np.arange(50)
    steady = VerdictColumns(at, 1000.0 + at * 120.0, at * 0, np.full(50, HUMAN), at * 0)
    assert pace_of(received, steady) == Pace(2.0, "verdicts")
