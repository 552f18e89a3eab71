"""What a response may rest on: a certificate of its tier, a mode, and nothing that stopped or withdrew it."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import numpy as np

from models.certificates.certifier import certify
from models.certificates.objective import Aim, Objective
from models.decision import BlastRadius
from models.live_policy import LivePolicy, Mode, Setting, Stop, Withdrawal
from models.mandate import NOTHING, Mandate, mandate, withheld
from models.policy import ThresholdPolicy
from models.rule_encoder import tenant_key
from tests.proofs import calibration, units

NOW = datetime(2026, 11, 30, tzinfo=UTC)
AUTOMATED = (Setting(tenant="acme", mode=Mode.AUTOMATE),)


def _proven() -> Mandate:
    """Return what is proven by many responses that were due: minimal ones are, moderate ones are not."""
    tenants = [tenant_key("acme")] * 400
    some = units(np.full(400, 0.99).tolist(), tenant=tenants)
    known = msgspec.structs.replace(calibration([0.9]), incidents=some, responses=some)
    texts = (
        "maximum minimal response @ precision >= 0.95, confidence 0.95",
        "maximum moderate response @ precision >= 0.999, confidence 0.95",
    )
    policy = ThresholdPolicy(certificates=certify(known, [Objective.parse(text) for text in texts]), escalate_from=None)
    return mandate(policy, known, "acme")


def _why(policy: LivePolicy | None, tier: BlastRadius = BlastRadius.MINIMAL, proven: Mandate | None = None) -> str:
    found = _proven() if proven is None else proven
    return withheld(policy, "acme", tier, NOW.timestamp(), lambda group: found)


def test_a_response_is_automatic_only_with_a_certificate_of_its_tier_in_a_tenant_that_is_let_out() -> None:
    assert _why(LivePolicy(modes=AUTOMATED)) == ""
    assert "moderate blast radius" in _why(LivePolicy(modes=AUTOMATED), BlastRadius.MODERATE)
    assert "No certificate" in _why(LivePolicy(modes=AUTOMATED), proven=NOTHING)
    assert "mode shadow" in _why(LivePolicy())
    assert "mode advise" in _why(LivePolicy(modes=(Setting(tenant="acme", mode=Mode.ADVISE),)))


def test_a_stop_a_withdrawal_and_a_policy_that_cannot_be_read_withhold_it() -> None:
    assert "stopped" in _why(LivePolicy(modes=AUTOMATED, stops=(Stop(by="kim", time=NOW),)))
    assert "cannot be read" in _why(None)
    certificate = _proven().proofs[1 + list(BlastRadius).index(BlastRadius.MINIMAL)][0]
    assert certificate.aim is Aim.RESPONSE
    gone = Withdrawal(certificate=certificate.uid, time=NOW)
    assert "withdrawn" in _why(LivePolicy(modes=AUTOMATED, withdrawals=(gone,)))
