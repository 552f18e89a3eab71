"""The policy: every doubt is ``queue``, with its code."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.certificates.certificate import Certificate
from models.certificates.certifier import certify
from models.certificates.costs import AssetCosts, Costs
from models.certificates.objective import TIERS, Objective
from models.decision import Action, ReasonCode
from models.policy import ACTIONS, Evidence, Guardrails, Limits, Ruling, ThresholdPolicy, codes, effective_score, response_score
from tests.proofs import TENTH, calibration


def _certificate(n: int) -> Certificate:
    return certify(calibration([0.6] * n), [Objective.parse(TENTH)])[0]


GRANTED = ThresholdPolicy(certificates=(_certificate(60),), escalate_from=0.95)
REFUSED = ThresholdPolicy(certificates=(_certificate(5),), escalate_from=0.95)
CLEAR = {
    "known_rule": True,
    "habit": 5.0,
    "missing": 0.0,
    "severity": 2.0,
    "criticality": 1.0,
    "indicator": 0.0,
    "decoy": 0.0,
    "outside": 0.0,
}


def _evidence(**changed: Any) -> Evidence:
    return Evidence(**{name: np.array([value]) for name, value in {**CLEAR, **changed}.items()})


def _rule(policy: ThresholdPolicy, score: float, respond_from: tuple[float, ...] = (), **changed: Any) -> Ruling:
    below = np.array([-np.inf if policy.suppress_below is None else policy.suppress_below])
    respond = np.array([[*respond_from, *[np.inf] * (len(TIERS) - len(respond_from))]])
    return policy.decide(np.array([score]), _evidence(**changed), Limits(below, respond, np.zeros(1, np.int64)))


def _decide(
    policy: ThresholdPolicy, score: float, respond_from: tuple[float, ...] = (), **changed: Any
) -> tuple[Action, tuple[ReasonCode, ...]]:
    ruling = _rule(policy, score, respond_from, **changed)
    return ACTIONS[int(ruling.actions[0])], codes(int(ruling.reasons[0]))


def test_below_the_certified_threshold_and_without_doubt_is_suppressed() -> None:
    assert GRANTED.suppress_below is not None
    assert _decide(GRANTED, 0.01) == (Action.SUPPRESS, (ReasonCode.BELOW_THRESHOLD,))
    assert _decide(GRANTED, GRANTED.suppress_below)[0] is Action.QUEUE


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"known_rule": False}, ReasonCode.UNKNOWN_RULE),
        ({"habit": 0.99}, ReasonCode.NOT_HABITUAL),
        ({"habit": np.nan}, ReasonCode.NOT_HABITUAL),
        ({"missing": 0.51}, ReasonCode.MISSING_FEATURES),
        ({"outside": 1.0}, ReasonCode.OUT_OF_DISTRIBUTION),
        ({"severity": 5.0}, ReasonCode.GUARDRAIL_SEVERITY),
        ({"severity": 6.0}, ReasonCode.GUARDRAIL_SEVERITY),
        ({"criticality": 4.0}, ReasonCode.GUARDRAIL_ASSET),
        ({"indicator": 1.0}, ReasonCode.GUARDRAIL_INDICATOR),
        ({"decoy": 1.0}, ReasonCode.GUARDRAIL_DECOY),
    ],
)
def test_each_doubt_is_queued_with_its_code(changed: dict[str, Any], code: ReasonCode) -> None:
    assert _decide(GRANTED, 0.01, **changed) == (Action.QUEUE, (code,))
    assert effective_score(np.array([0.01]), _evidence(**changed), Guardrails())[0] > 1.0


def test_several_doubts_are_all_named() -> None:
    assert _decide(GRANTED, 0.01, known_rule=False, decoy=1.0) == (
        Action.QUEUE,
        (ReasonCode.UNKNOWN_RULE, ReasonCode.GUARDRAIL_DECOY),
    )


def test_between_the_thresholds_is_queued_and_above_escalated() -> None:
    assert _decide(GRANTED, 0.9) == (Action.QUEUE, (ReasonCode.BETWEEN_THRESHOLDS,))
    assert _decide(GRANTED, 0.95) == (Action.ESCALATE, (ReasonCode.ABOVE_THRESHOLD,))
    assert _decide(msgspec.structs.replace(GRANTED, escalate_from=None), 1.0) == (Action.QUEUE, (ReasonCode.BETWEEN_THRESHOLDS,))


@given(score=st.floats(0.0, 1.0) | st.just(float("nan")))
def test_a_refused_certificate_suppresses_nothing(score: float) -> None:
    action, reasons = _decide(REFUSED, score)
    assert REFUSED.suppress_below is None
    assert action is (Action.ESCALATE if score >= 0.95 else Action.QUEUE)
    assert reasons == ((ReasonCode.ABOVE_THRESHOLD,) if score >= 0.95 else (ReasonCode.NO_CERTIFICATE,))


def test_a_threshold_written_beside_a_refusal_is_not_obeyed() -> None:
    forged = msgspec.structs.replace(_certificate(5), threshold=0.9)
    assert ThresholdPolicy(certificates=(forged,), escalate_from=None).suppress_below is None


@pytest.mark.parametrize(("score", "tiers"), [(0.7, 1), (0.89, 1), (0.9, 2), (1.0, 2)])
def test_a_score_authorises_every_tier_whose_threshold_it_reaches(score: float, tiers: int) -> None:
    ruling = _rule(GRANTED, score, (0.7, 0.9))
    assert ACTIONS[int(ruling.actions[0])] is Action.RESPOND
    assert int(ruling.tiers[0]) == tiers
    assert ruling.automatic.all()


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"known_rule": False}, ReasonCode.UNKNOWN_RULE),
        ({"missing": 0.51}, ReasonCode.MISSING_FEATURES),
        ({"outside": 2.0}, ReasonCode.OUT_OF_DISTRIBUTION),
    ],
)
def test_a_doubt_turns_a_response_into_a_proposal_or_pages(changed: dict[str, Any], code: ReasonCode) -> None:
    assert _decide(GRANTED, 0.9, (0.7,), **changed) == (Action.APPROVE, (code,))
    assert _decide(GRANTED, 0.96, (0.7,), **changed)[0] is Action.ESCALATE
    assert not _rule(GRANTED, 0.9, (0.7,), **changed).automatic.any()
    assert response_score(np.array([0.9]), _evidence(**changed), Guardrails())[0] == -np.inf


def test_what_forbids_hiding_only_does_not_forbid_a_response() -> None:
    assert _decide(GRANTED, 0.9, (0.7,), severity=6.0, habit=0.0)[0] is Action.RESPOND
    assert _decide(GRANTED, 0.9, (0.7,), outside=1.0)[0] is Action.RESPOND, "attacks were as fast"
    assert response_score(np.array([0.9]), _evidence(outside=1.0), Guardrails())[0] == 0.9
    assert response_score(np.array([0.9]), _evidence(severity=6.0), Guardrails())[0] == 0.9


def test_costs_choose_within_what_is_certified() -> None:
    assert GRANTED.suppress_below is not None
    cheap, dear = AssetCosts(miss=1.0, wrong_response=1.0, delay=99.0), AssetCosts(miss=1e6, wrong_response=99.0, delay=1.0)
    policy = msgspec.structs.replace(GRANTED, costs=Costs(review=1.0, default=cheap, assets={3: dear}))
    assert _decide(policy, 0.01)[0] is Action.SUPPRESS
    assert _decide(policy, GRANTED.suppress_below)[0] is Action.QUEUE, "cheaper to hide, but not proven"
    assert _decide(policy, 0.01, criticality=3.0) == (Action.QUEUE, (ReasonCode.COSTS,))
    assert _decide(policy, 0.9, (0.7,))[0] is Action.RESPOND
    assert _decide(policy, 0.9, (0.7,), criticality=3.0) == (Action.APPROVE, (ReasonCode.COSTS,))


def test_a_score_that_is_no_number_is_queued() -> None:
    assert _decide(GRANTED, float("nan")) == (Action.QUEUE, (ReasonCode.BETWEEN_THRESHOLDS,))


def test_without_doubt_the_effective_score_is_the_score() -> None:
    assert effective_score(np.array([0.3]), _evidence(), Guardrails()).tolist() == [0.3]


def test_a_policy_comes_back_from_json() -> None:
    for policy in (GRANTED, REFUSED):
        assert msgspec.json.decode(msgspec.json.encode(policy), type=ThresholdPolicy) == policy


@given(st.sets(st.sampled_from(ReasonCode)))
def test_reason_codes_and_bits_tell_the_same(some: set[ReasonCode]) -> None:
    bits = sum(1 << list(ReasonCode).index(code) for code in some)
    assert set(codes(bits)) == some
