"""Limits: the strictest certificate of all groups in which an alert lies."""

from __future__ import annotations

import msgspec
import numpy as np

from features.alert import Alert, Rule, from_epoch
from features.encode import FactEncoder
from models.certificates.certificate import Certificate, Status
from models.certificates.certifier import certify
from models.certificates.groups import group_key
from models.certificates.objective import Aim, Objective
from models.decision import BlastRadius
from models.limits import LimitTable
from models.policy import Limits
from models.rule_encoder import tenant_key
from tests.proofs import TENTH, calibration

HIDE = certify(calibration([0.6] * 60), [Objective.parse(TENTH)])[0]
REFUSED = certify(calibration([0.6] * 5), [Objective.parse(TENTH)])[0]


def _alert(tenant: str, product: str, rule: str, severity: int) -> Alert:
    time = from_epoch(1.7e9)
    return Alert(uid="a", tenant=tenant, time=time, received_time=time, product=product, rule=Rule(rule), severity=severity)


def _group(group: str, threshold: float | None, certificate: Certificate = HIDE) -> Certificate:
    status = Status.REFUSED if threshold is None else Status.GRANTED
    return msgspec.structs.replace(certificate, group=group, threshold=threshold, status=status)


def _read(*certificates: Certificate) -> tuple[LimitTable, Limits]:
    encoder = FactEncoder(bytes(32))
    block = encoder.alerts(
        [
            _alert("acme", "edr", "r1", 2),
            _alert("acme", "ids", "r1", 2),
            _alert("beta", "edr", "r2", 4),
        ]
    )
    table = LimitTable(certificates, encoder.rules, encoder.tenants)
    return table, table.read(block)


def test_the_strictest_group_is_in_force() -> None:
    acme = _group(group_key("tenant", tenant_key("acme")), 0.4)
    rule, severity = _group("rule:edr/r1", 0.3), _group("severity:4", 0.2)
    table, limits = _read(_group("all", 0.5), acme, rule, severity)
    assert limits.suppress_below.tolist() == [0.3, 0.4, 0.2]
    assert [table.certificate(int(kind), 0) for kind in limits.kind] == [rule.uid, acme.uid, severity.uid]
    assert np.isinf(limits.respond_from).all()


def test_a_refused_group_hides_nothing_and_neither_does_a_group_without_the_whole() -> None:
    _, limits = _read(_group("all", 0.5), _group("product:edr", None))
    assert limits.suppress_below.tolist() == [-np.inf, 0.5, -np.inf]
    assert np.isneginf(_read(_group("product:edr", 0.5))[1].suppress_below).all()
    assert np.isneginf(_read(REFUSED)[1].suppress_below).all()
    assert np.isneginf(_read()[1].suppress_below).all()


def test_a_threshold_written_beside_a_refusal_is_not_obeyed() -> None:
    forged = msgspec.structs.replace(REFUSED, threshold=0.9)
    assert np.isneginf(_read(forged)[1].suppress_below).all()


def test_each_tier_of_response_has_its_own_limit() -> None:
    minimal, major = (
        msgspec.structs.replace(HIDE, aim=Aim.RESPONSE, tier=tier) for tier in (BlastRadius.MINIMAL, BlastRadius.MAJOR)
    )
    table, limits = _read(_group("all", 0.7, minimal), _group("product:edr", 0.9, minimal), _group("all", 0.99, major))
    assert limits.respond_from.tolist() == [[0.9, np.inf, 0.99], [0.7, np.inf, 0.99], [0.9, np.inf, 0.99]]
    assert table.certificate(int(limits.kind[0]), 1) == _group("product:edr", 0.9, minimal).uid
    assert table.certificate(int(limits.kind[0]), 2) == ""
