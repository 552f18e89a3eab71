"""Certificates: the refusal, kinds and groups, responses, and that the promise holds in simulation."""

from __future__ import annotations

import math
import warnings

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.risk_control import BinaryClassificationController
from numpy.typing import NDArray
from scipy.stats import binom

from models.certificates.bounds import units_needed, upper_bound
from models.certificates.certificate import EVERY, GRID, Certificate, Status
from models.certificates.certifier import RESPONSE_GRID, certify, certify_pooled
from models.certificates.objective import Objective
from models.certificates.units import Units
from models.decision import BlastRadius
from tests.proofs import TENTH, calibration, units


def _certify(scores: NDArray[np.float64], alpha: float = 0.01, confidence: float = 0.95) -> Certificate:
    objective = Objective.parse(f"maximum suppression @ missed_incidents <= {alpha}, confidence {confidence}")
    return certify_pooled(scores, objective, unit="incident", assumption="own", window=("a", "b"))


@pytest.mark.parametrize(("n", "missing"), [(0, 299), (1, 298), (298, 1)])
def test_a_refusal_says_how_many_units_are_missing(n: int, missing: int) -> None:
    certificate = _certify(np.full(n, 0.9))
    assert (certificate.status, certificate.threshold, certificate.missing) == (Status.REFUSED, None, missing)
    assert (certificate.n, certificate.k) == (n, 0)
    assert certificate.bound == upper_bound(n, 0, certificate.delta)


def test_as_many_more_units_as_are_missing_are_enough_even_after_misses() -> None:
    scores = np.concatenate([np.zeros(2), np.full(298, 0.9)])
    refused = _certify(scores)
    assert refused.status is Status.REFUSED
    assert refused.missing == units_needed(0.01, 0.05, 2) - 300
    assert _certify(np.append(scores, np.full(refused.missing, 0.9))).status is Status.GRANTED
    assert _certify(np.append(scores, np.full(refused.missing - 1, 0.9))).status is Status.REFUSED


def test_a_grant_is_the_largest_threshold_that_keeps_the_objective() -> None:
    scores = np.linspace(0.05, 1.0, 1000)
    certificate = _certify(scores)
    assert certificate.status is Status.GRANTED
    assert certificate.threshold in GRID
    assert certificate.k == int((scores < certificate.threshold).sum())
    assert certificate.bound == upper_bound(1000, certificate.k, certificate.delta) <= 0.01
    following = GRID[int(np.flatnonzero(certificate.threshold == GRID)[0]) + 1]
    assert upper_bound(1000, int((scores < following).sum()), certificate.delta) > 0.01
    assert certificate.missing == 0


def test_an_alert_that_cannot_be_suppressed_is_never_missed() -> None:
    assert _certify(np.full(299, 2.0)).threshold == GRID[-1]


@pytest.mark.parametrize(("alpha", "confidence", "n"), [(0.1, 0.9, 100), (0.05, 0.95, 150), (0.2, 0.8, 40)])
def test_the_promise_is_broken_no_oftener_than_allowed(alpha: float, confidence: float, n: int) -> None:
    """The score of a unit is uniform, so that the true share missed at a threshold is the threshold itself."""
    random = np.random.default_rng(11)
    thresholds = [_certify(random.random(n), alpha, confidence).threshold for _ in range(1000)]
    broken = sum(threshold is not None and threshold > alpha for threshold in thresholds)
    delta = 1.0 - confidence
    assert broken <= binom.ppf(0.999, 1000, delta)
    assert broken > 0, "a bound that is never reached is not the exact one"
    assert sum(threshold is not None for threshold in thresholds) > 900


def test_the_grid_is_fixed_and_rises() -> None:
    assert (np.diff(GRID) > 0.0).all()
    assert math.isclose(GRID[0], 1.0 / (1.0 + math.exp(12.0)))


def _of_units(some: Units, objective: str = TENTH) -> dict[str, Certificate]:
    """Certify a suppression from units; by group."""
    known = msgspec.structs.replace(calibration([]), incidents=some)
    return {one.group: one for one in certify(known, [Objective.parse(objective)])}


def test_an_easy_numerous_kind_does_not_buy_the_budget_of_a_rare_hard_one() -> None:
    score, kind = [0.9] * 300 + [0.02] * 3, ["easy"] * 300 + ["rare"] * 3
    pooled, told = _of_units(units(score))[EVERY], _of_units(units(score, kind=kind))[EVERY]
    assert pooled.k == 3
    assert (told.k, told.binding) == (0, "rare")
    assert told.threshold is not None
    assert told.threshold <= 0.02


def test_a_kind_with_enough_units_keeps_the_bound_by_itself() -> None:
    score, kind = [0.9] * 400 + [0.02] * 10 + [0.9] * 50, ["easy"] * 400 + ["hard"] * 60
    told = _of_units(units(score, kind=kind))[EVERY]
    assert told.threshold is not None
    hidden = sum(s < told.threshold for s in score)
    assert upper_bound(60, hidden, 0.05) <= 0.1
    assert upper_bound(460, 10, 0.05) <= 0.1, "pooled, the kind could have been lost"
    assert hidden < 10


def test_each_group_with_enough_units_has_its_own_certificate_and_none_is_looser_than_what_it_lies_in() -> None:
    random = np.random.default_rng(3)
    n = 600
    product = random.choice(["edr", "ids"], n).tolist()
    rule = [f"{p}/{r}" for p, r in zip(product, random.choice(["a", "b", "c"], n), strict=True)]
    tenant = (["big"] * 570) + ["small"] * 30
    found = _of_units(units(random.beta(2.0, 1.0, n).tolist(), product=product, rule=rule, tenant=tenant))
    needed = units_needed(0.1, 0.05)
    assert {"all", "product:edr", "product:ids", "tenant:big", "tenant:small", "severity:3"} <= set(found)
    for one in found.values():
        assert one.n >= needed
        assert one.threshold is not None or not one.granted
        for wider in ("all", *([f"product:{one.group[5:].split('/')[0]}"] if one.group.startswith("rule:") else [])):
            limit = found[wider].threshold
            assert one.threshold is None or (limit is not None and one.threshold <= limit)
    assert found["tenant:small"].assumption == "own"
    assert _of_units(units([0.9] * 28))[EVERY].missing == 1, "and below that nobody has any"


def test_a_group_that_cannot_keep_the_bound_is_refused_alone() -> None:
    some = units([0.9] * 600 + [1e-9] * 30, product=["good"] * 600 + ["bad"] * 30)
    found = _of_units(some)
    assert found[EVERY].granted
    assert found["product:good"].granted
    assert (found["product:bad"].granted, found["product:bad"].threshold) == (False, None)
    assert found["product:bad"].missing == units_needed(0.1, 0.05, 30) - 30


@given(
    score=st.lists(st.floats(0.0, 1.0), min_size=30, max_size=120),
    alpha=st.sampled_from(["0.05", "0.1", "0.2"]),
)
def test_mapie_finds_the_same_threshold_of_suppression(score: list[float], alpha: str) -> None:
    given_scores = np.array(score)
    ours = _certify(given_scores, float(alpha))
    theirs = BinaryClassificationController(
        lambda x: np.column_stack([1.0 - x, x]), "recall", 1.0 - float(alpha), confidence_level=0.95,
        list_predict_params=GRID, fwer_method="fixed_sequence",
    )  # fmt: skip
    with warnings.catch_warnings(action="ignore"):  # it warns where it finds none
        theirs.calibrate(given_scores, np.ones(len(score), int))
    found = theirs.valid_predict_params
    last = float(np.max(found)) if len(found) else None
    if last != ours.threshold:  # it rounds n·(k/n) up, and now and then counts one miss more than there is
        assert ours.threshold is not None
        assert last is None or last < ours.threshold
        refused = GRID[0] if last is None else GRID[last < GRID][0]
        assert binom.cdf((given_scores < refused).sum() + 1, len(score), float(alpha)) > 0.05


def _responses(score: NDArray[np.float64], attack: NDArray[np.bool_], precision: float = 0.9) -> Certificate:
    some = units(score.tolist(), attack=attack.tolist())
    known = msgspec.structs.replace(calibration([]), responses=some)
    return certify(known, [Objective.parse(f"maximum minimal response @ precision >= {precision}, confidence 0.95")])[0]


def test_a_response_starts_at_the_lowest_threshold_that_is_proven() -> None:
    random = np.random.default_rng(1)
    score = random.random(4000)
    certificate = _responses(score, random.random(4000) < score)
    assert certificate.tier is BlastRadius.MINIMAL
    assert certificate.threshold is not None
    assert certificate.threshold in RESPONSE_GRID
    above = score >= certificate.threshold
    assert certificate.n == above.sum()
    assert certificate.bound == upper_bound(certificate.n, certificate.k, 0.05 / len(RESPONSE_GRID)) <= 0.1
    assert certificate.correction == len(RESPONSE_GRID)


def test_a_response_that_cannot_be_proven_is_refused_with_what_is_missing() -> None:
    certificate = _responses(np.full(10, 0.999), np.ones(10, bool))
    assert (certificate.granted, certificate.threshold) == (False, None)
    assert certificate.missing == units_needed(0.1, 0.05 / len(RESPONSE_GRID)) - 10
    assert _responses(np.zeros(0), np.zeros(0, bool)).missing == certificate.missing + 10
    more = certificate.missing + 10
    assert _responses(np.full(more, 0.999), np.ones(more, bool)).granted


def test_a_promised_precision_is_broken_no_oftener_than_allowed() -> None:
    """Of the units at a score s, a share s are attacks: from t on the precision is (1 + t) / 2."""
    random = np.random.default_rng(7)
    broken = 0
    for _ in range(300):
        score = random.random(1500)
        threshold = _responses(score, random.random(1500) < score).threshold
        broken += threshold is not None and (1.0 + threshold) / 2.0 < 0.9
    assert broken <= binom.ppf(0.999, 300, 0.05)


def test_a_certificate_says_what_it_proves_and_goes_by_what_it_says() -> None:
    granted, refused = _certify(np.full(299, 0.9)), _certify(np.full(10, 0.9))
    assert "at most 1.00% of incidents are hidden whole" in granted.sentence()
    assert "289 more incidents" in refused.sentence()
    assert granted.uid == _certify(np.full(299, 0.9)).uid != refused.uid
    assert len(granted.uid) == 16
