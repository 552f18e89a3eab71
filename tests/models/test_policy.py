"""The policy: every doubt is ``queue``, with its code."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.certificate import Certificate, Objective, certify
from models.decision import Action, ReasonCode
from models.policy import ACTIONS, Evidence, Guardrails, ThresholdPolicy, codes, effective_score

OBJECTIVE = Objective.parse("maximum suppression @ missed_incidents <= 0.1, confidence 0.95")


def _certificate(n: int) -> Certificate:
    scores = np.full(n, 0.6)
    return certify(scores, OBJECTIVE, unit="incident", assumption="own", window=("a", "b"))


GRANTED = ThresholdPolicy(certificates=(_certificate(60),), escalate_from=0.95)
REFUSED = ThresholdPolicy(certificates=(_certificate(5),), escalate_from=0.95)
CLEAR = {"known_rule": True, "habit": 5.0, "missing": 0.0, "severity": 2.0, "criticality": 1.0, "indicator": 0.0, "decoy": 0.0}


def _evidence(**changed: Any) -> Evidence:
    return Evidence(**{name: np.array([value]) for name, value in {**CLEAR, **changed}.items()})


def _decide(policy: ThresholdPolicy, score: float, **changed: Any) -> tuple[Action, tuple[ReasonCode, ...]]:
    actions, bits = policy.decide(np.array([score]), _evidence(**changed))
    return ACTIONS[int(actions[0])], codes(int(bits[0]))


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
    assert _decide(ThresholdPolicy(certificates=(forged,), escalate_from=None), 0.01)[0] is Action.QUEUE


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
