"""GET /v1/thresholds: all that a downstream system needs to act, versioned by all that it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import product as cartesian
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from features.encode import FactEncoder
from models.bundle import ModelBundle, Scored
from models.bundle_store import BundleStore
from models.certificates.certificate import Status
from models.certificates.certifier import certify
from models.certificates.objective import Objective
from models.decision import Action
from models.limits import LimitTable
from models.live_policy import Condition, LivePolicy, Mode, NeverSuppress, Setting, Stop, Withdrawal
from models.live_rules import LiveRules
from models.policy_store import PolicyStore
from models.rule_encoder import tenant_key
from service.thresholds import concerning, next_expiry, published
from tests.conftest import build_alert
from tests.proofs import TENTH, calibration, units
from tests.service.bundles import publish
from tests.service.client import Service

NOW = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """A bundle with certificates over all alerts, of a product, of a rule, and of two tenants."""
    folder = tmp_path_factory.mktemp("thresholds")
    digest = publish(folder / "var", folder / "work")
    loaded = ModelBundle.load(BundleStore(folder / "var" / "bundles").path(digest))
    tenants = [tenant_key("acme")] * 40 + [tenant_key("other")] * 40
    known = calibration([0.9])
    known = msgspec.structs.replace(known, incidents=units([0.9] * 80, tenant=tenants))
    policy = msgspec.structs.replace(loaded.policy, certificates=certify(known, [Objective.parse(TENTH)]))
    return ModelBundle(**{**vars(loaded), "policy": policy, "calibration": known})


def _live(**entries: Any) -> LivePolicy:
    return LivePolicy(version=1, by="kim", time=NOW, **entries)


def _automated() -> dict[str, Any]:
    return {"modes": (Setting(tenant="acme", mode=Mode.AUTOMATE),)}


def _states(bundle: ModelBundle, policy: LivePolicy | None, tenant: str = "acme", at: datetime = NOW) -> dict[str, list[str]]:
    """Return for each group what keeps automation from acting on it."""
    document = published(bundle, policy, tenant, at.timestamp()).body
    assert all(one["in_force"] == (not one["because"]) for one in document["thresholds"])
    return {one["group"]: [str(code) for code in one["because"]] for one in document["thresholds"]}


def test_an_automated_tenant_may_act_on_each_group_in_which_its_alerts_lie(bundle: ModelBundle) -> None:
    groups = {"all", f"tenant:{tenant_key('acme')}", "product:p", "severity:3", "rule:p/r"}
    assert _states(bundle, _live(**_automated())) == {group: [] for group in groups}
    assert f"tenant:{tenant_key('other')}" not in groups
    assert len(concerning(bundle.policy.certificates, "acme")) == len(groups)


def test_a_tenant_of_which_nothing_was_said_is_in_shadow(bundle: ModelBundle) -> None:
    assert set(map(tuple, _states(bundle, _live(**_automated()), "new").values())) == {("shadow",)}


def test_a_withdrawal_takes_what_lies_in_it_along(bundle: ModelBundle) -> None:
    product = bundle.policy.of(bundle.policy.certificates[0].aim, group="product:p")
    assert product is not None
    gone = Withdrawal(tenant="acme", certificate=product.uid, time=NOW)
    found = _states(bundle, _live(**_automated(), withdrawals=(gone,)))
    assert {group for group, why in found.items() if why == ["withdrawn"]} == {"product:p", "rule:p/r"}
    whole = msgspec.structs.replace(gone, certificate=bundle.policy.certificates[0].uid)
    found = _states(bundle, _live(**_automated(), withdrawals=(whole,)))
    assert set(map(tuple, found.values())) == {("withdrawn", "shadow")}  # nothing is left on which a mode could rest


def test_a_withdrawal_in_a_group_without_a_certificate_of_its_own_is_told(bundle: ModelBundle) -> None:
    gone = Withdrawal(tenant="acme", certificate=bundle.policy.certificates[0].uid, time=NOW, group="severity:2")
    found = _states(bundle, _live(**_automated(), withdrawals=(gone,)))
    assert {group for group, why in found.items() if why} == {"severity:2"}
    assert found["severity:2"] == ["withdrawn"]


def test_a_mode_comes_down_by_itself(bundle: ModelBundle) -> None:
    """It expires; or its tenant has no incident among the units and nobody accepted what follows from others."""
    expired = (Setting(tenant="acme", mode=Mode.AUTOMATE, expires=NOW - timedelta(hours=1)),)
    assert set(map(tuple, _states(bundle, _live(modes=expired)).values())) == {("shadow",)}
    for accepted in (False, True):
        modes = (Setting(tenant="new", mode=Mode.AUTOMATE, transferred=accepted),)
        assert (_states(bundle, _live(modes=modes), "new")["all"] == []) == accepted


def test_the_mode_of_a_group_holds_for_it_alone(bundle: ModelBundle) -> None:
    modes = (Setting(tenant="acme", mode=Mode.AUTOMATE), Setting(tenant="acme", mode=Mode.ADVISE, group="rule:p/r"))
    found = _states(bundle, _live(modes=modes))
    assert {group for group, why in found.items() if why} == {"rule:p/r"}
    assert found["rule:p/r"] == ["advise"]


def test_nothing_is_in_force_under_the_kill_switch_or_a_policy_that_cannot_be_read(bundle: ModelBundle) -> None:
    stop = Stop(by="kim", time=NOW)
    assert set(map(tuple, _states(bundle, _live(**_automated(), stops=(stop,))).values())) == {("kill_switch",)}
    assert set(map(tuple, _states(bundle, None).values())) == {("policy_unreadable", "shadow")}
    assert published(bundle, None, "acme", 0.0).body["stopped"]


def test_a_refused_certificate_is_never_in_force(bundle: ModelBundle) -> None:
    first, *others = bundle.policy.certificates
    refused = msgspec.structs.replace(first, status=Status.REFUSED, threshold=None)
    changed = msgspec.structs.replace(bundle.policy, certificates=(refused, *others))
    found = _states(ModelBundle(**{**vars(bundle), "policy": changed}), _live(**_automated()))
    assert set(map(tuple, found.values())) == {("no_certificate", "shadow")}


def test_the_version_follows_from_what_holds_not_from_the_clock(bundle: ModelBundle) -> None:
    expiring = NeverSuppress(by=Condition.TACTIC, value="TA0001", expires=NOW + timedelta(hours=1))
    policy = _live(**_automated(), never_suppress=(expiring,))

    def version(at: datetime, some: LivePolicy = policy, tenant: str = "acme") -> str:
        return published(bundle, some, tenant, at.timestamp()).version

    assert version(NOW) == version(NOW + timedelta(minutes=59))
    assert version(NOW) != version(NOW + timedelta(hours=2))
    assert next_expiry(policy, NOW.timestamp()) == (NOW + timedelta(hours=1)).timestamp()
    assert next_expiry(policy, (NOW + timedelta(hours=2)).timestamp()) == float("inf")
    later = msgspec.structs.replace(policy, version=2)
    assert len({version(NOW), version(NOW, later), version(NOW, tenant="other")}) == 3
    same = {published(bundle, some, "acme", NOW.timestamp()).substance for some in (policy, later)}
    assert len(same) == 1


_ACCEPTED = Setting(tenant="acme", mode=Mode.AUTOMATE, transferred=True)


def _change(service: Service, edit: Callable[[LivePolicy], LivePolicy]) -> None:
    PolicyStore(service.settings.policy).change(edit, by="kim", time=NOW)


def _shadowed(var: Path) -> None:
    """Say of the tenant that it is in shadow, before anything else is said."""
    shadow = (Setting(tenant="acme", mode=Mode.SHADOW),)
    PolicyStore(var / "policy").change(lambda p: msgspec.structs.replace(p, modes=shadow), by="kim", time=NOW)


def test_over_http(tmp_path: Path) -> None:
    _shadowed(tmp_path / "var")
    digest = publish(tmp_path / "var", tmp_path / "work")
    with Service(tmp_path / "var") as service:
        answer = service.send("GET", "/v1/thresholds")
        body, etag = answer.json(), answer.headers["etag"]
        assert etag == f'"{body["version"]}"'
        assert (body["bundle"], body["tenant"], body["mode"]) == (digest, "acme", "shadow")
        assert body["suppress_below"] == body["thresholds"][0]["threshold"]
        assert body["thresholds"][0]["because"] == ["shadow"]
        assert {"escalate_from", "guardrails", "audit", "certificates", "costs", "live"} <= set(body)
        unchanged = service.send("GET", "/v1/thresholds", headers={"if-none-match": etag})
        assert (unchanged.status_code, unchanged.headers["etag"]) == (304, etag)
        _change(service, lambda p: msgspec.structs.replace(p, modes=(_ACCEPTED,)))
        after = service.send("GET", "/v1/thresholds", headers={"if-none-match": etag})
        assert after.status_code == 200
        assert after.json()["thresholds"][0]["in_force"]
        assert after.json()["thresholds"][0]["certificate"]
        assert "at most" in after.json()["thresholds"][0]["sentence"]
        assert service.send("GET", "/v1/thresholds", service.other).json()["mode"] == "shadow"
        (service.settings.policy / "00000003.json").write_text("{}")
        assert service.send("GET", "/v1/thresholds").json() == after.json()  # the last good one stays
        for number in (1, 2):
            (service.settings.policy / f"0000000{number}.json").write_text("{}")
        broken = service.send("GET", "/v1/thresholds").json()
        assert not broken["thresholds"][0]["in_force"]
        assert "policy_unreadable" in broken["thresholds"][0]["because"]


def test_without_a_model(service: Service) -> None:
    answer = service.send("GET", "/v1/thresholds")
    assert answer.json()["suppress_below"] is None
    assert answer.json()["thresholds"] == []
    assert service.send("GET", "/v1/thresholds", headers={"if-none-match": answer.headers["etag"]}).status_code == 304


_ALIKE = {"modes": (Setting(tenant="acme", mode=Mode.AUTOMATE),)}


def _policies(bundle: ModelBundle) -> list[LivePolicy | None]:
    uids = {one.group: one.uid for one in bundle.policy.certificates}
    automate, advise = _ALIKE["modes"], Setting(tenant="acme", mode=Mode.ADVISE, group="rule:p/r")

    def gone(group: str, within: str = "", tenant: str = "acme") -> dict[str, Any]:
        return {"withdrawals": (Withdrawal(tenant=tenant, certificate=uids[group], group=within, time=NOW),)}

    return [
        None, _live(), _live(**_ALIKE), _live(modes=(*automate, advise)), _live(**_ALIKE, stops=(Stop(by="k", time=NOW, tenant="acme"),)),
        _live(**_ALIKE, **gone("product:p")), _live(**_ALIKE, **gone("rule:p/r")), _live(**_ALIKE, **gone("all", "severity:2")),
        _live(**_ALIKE, **gone("all")), _live(**_ALIKE, **gone("severity:3", tenant="")), _live(modes=(advise,)),
        _live(modes=(msgspec.structs.replace(automate[0], group="product:p"),), **gone("severity:3", "product:p")),
    ]  # fmt: skip


def test_what_is_in_force_is_what_the_service_lets_out(bundle: ModelBundle) -> None:
    """What the document allows, by the rule that it comes with, the service publishes; and the other way round, but where a certificate
    was withdrawn for the part of it that lies in another group: then the document holds back all of that."""
    encoder = FactEncoder(bytes(32))
    rules = [("p", "r"), ("p", "new"), ("q", "r")]
    alerts = [
        build_alert(i, product=product, rule=rule, severity=severity)
        for i, ((product, rule), severity) in enumerate(cartesian(rules, (2, 3)))
    ]
    block = encoder.alerts(alerts)
    limits = LimitTable(bundle.policy.certificates, encoder.rules, encoder.tenants)
    nothing = np.zeros(len(alerts))
    scored = Scored(
        np.ones((len(alerts), len(bundle.view.features))), nothing, nothing, nothing.astype(np.int64), nothing,
        [Action.SUPPRESS] * len(alerts), [()] * len(alerts), [], [""] * len(alerts), [""] * len(alerts),
    )  # fmt: skip
    outcomes = set()
    for policy in _policies(bundle):
        now = NOW.timestamp()
        live = LiveRules(policy, bundle, limits)
        made = live.apply(scored, block, live.marks(alerts, now), nothing, now)
        rows = {one["group"]: one for one in published(bundle, policy, "acme", now).body["thresholds"]}
        for out, kind in zip(made.published, limits.kinds(block).tolist(), strict=True):
            inside = [rows[group] for group in limits.place(kind)[1] if group in rows]
            modes = [row["mode"] for row in inside if row["said"]] or [rows["all"]["mode"]]
            may = all(row["stands"] for row in inside) and set(modes) == {Mode.AUTOMATE}
            assert may <= (out is Action.SUPPRESS), policy
            if policy is None or all(w.group in ("", "severity:2") for w in policy.withdrawals):
                assert may == (out is Action.SUPPRESS), policy
            outcomes.add((policy.digest if policy else "", out))
    assert len(outcomes) > len(_policies(bundle))
