"""On what a mode above shadow rests, and when it comes down."""

from __future__ import annotations

import msgspec
import pytest

from features.alert import from_epoch
from models.certificates.certificate import Certificate, Status
from models.certificates.certifier import certify
from models.certificates.groups import group_key
from models.certificates.objective import Aim, Objective
from models.decision import BlastRadius
from models.errors import PolicyError
from models.live_policy import LivePolicy, Mode, Setting, Withdrawal
from models.mandate import NOTHING, Mandate, given, mandate, stand
from models.policy import ThresholdPolicy
from models.rule_encoder import tenant_key
from tests.proofs import TENTH, calibration

NOW = 1.7e9
UNITS = calibration([0.6] * 60)
OWN = msgspec.structs.replace(UNITS, incidents=msgspec.structs.replace(UNITS.incidents, tenant=[tenant_key("acme")] * 60))
HIDE = certify(UNITS, [Objective.parse(TENTH)])[0]
NARROW = msgspec.structs.replace(HIDE, group="rule:edr/r1", threshold=0.1)
REFUSED = msgspec.structs.replace(HIDE, group="product:edr", status=Status.REFUSED, threshold=None)
RESPOND = msgspec.structs.replace(HIDE, aim=Aim.RESPONSE, tier=BlastRadius.MINIMAL, threshold=0.9)
UP = Setting(tenant="acme", mode=Mode.AUTOMATE)


def proven(*certificates: Certificate, group: str = "", own: bool = True) -> Mandate:
    return mandate(ThresholdPolicy(certificates=certificates, escalate_from=None), OWN if own else UNITS, "acme", group)


def test_the_strictest_that_speaks_of_the_group() -> None:
    assert proven(HIDE, NARROW).certificate == HIDE.uid
    assert proven(HIDE, NARROW, group="rule:edr/r1").certificate == NARROW.uid
    assert proven(HIDE, NARROW, REFUSED, group="rule:edr/r1").certificate == ""
    assert proven(NARROW, group="rule:edr/r1").certificate == ""
    own = msgspec.structs.replace(HIDE, group=group_key("tenant", tenant_key("acme")), status=Status.REFUSED)
    assert proven(HIDE, own).certificate == ""


def test_a_response_alone_is_something_to_rest_on() -> None:
    assert proven(RESPOND).certificate == RESPOND.uid
    assert proven(HIDE, RESPOND).certificate == HIDE.uid


@pytest.mark.parametrize(
    ("setting", "found", "why"),
    [
        (UP, proven(HIDE), ""),
        (UP, NOTHING, "no_certificate"),
        (UP, proven(HIDE, own=False), "transferred"),
        (msgspec.structs.replace(UP, transferred=True), proven(HIDE, own=False), ""),
        (msgspec.structs.replace(UP, expires=from_epoch(NOW)), proven(HIDE), "expired"),
        (msgspec.structs.replace(UP, mode=Mode.SHADOW), NOTHING, ""),
    ],
)
def test_how_a_mode_stands(setting: Setting, found: Mandate, why: str) -> None:
    stood = stand(setting, found, LivePolicy(), NOW)
    assert stood == (setting.mode, Mode.SHADOW if why else setting.mode, why)
    if why:
        with pytest.raises(PolicyError):
            given(setting, found, LivePolicy(), NOW)
    elif setting.mode is not Mode.SHADOW:
        assert given(setting, found, LivePolicy(), NOW).certificate == HIDE.uid


def test_a_mode_comes_down_when_all_it_rests_on_is_withdrawn() -> None:
    def stood(*certificates: Certificate, gone: Certificate = HIDE, **where: str) -> str:
        withdrawal = Withdrawal(certificate=gone.uid, time=from_epoch(NOW), **where)
        return stand(UP, proven(*certificates), LivePolicy(withdrawals=(withdrawal,)), NOW).why

    assert stood(HIDE) == "withdrawn"
    assert stood(HIDE, tenant="acme", group="all") == "withdrawn"
    assert stood(HIDE, tenant="beta") == ""
    assert stood(HIDE, group="severity:3") == ""
    assert stood(HIDE, RESPOND) == ""
    assert stood(HIDE, NARROW, gone=NARROW) == ""


def test_what_was_accepted_is_written_down_only_where_it_was_needed() -> None:
    accepted = msgspec.structs.replace(UP, transferred=True)
    assert given(accepted, proven(HIDE, own=False), LivePolicy(), NOW).transferred
    assert not given(accepted, proven(HIDE), LivePolicy(), NOW).transferred
