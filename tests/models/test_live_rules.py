"""The live policy applied: never more automatic, guardrails before modes, everything else down by itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.alert import Alert, EntityKind, from_epoch
from features.encode import FactEncoder
from models.bundle import ModelBundle, Scored
from models.certificates.certificate import Certificate
from models.certificates.certifier import certify
from models.certificates.objective import TIERS, Aim, Objective
from models.decision import Action, BlastRadius, ReasonCode
from models.evidence import HABIT
from models.limits import LimitTable
from models.live_policy import (
    Cap,
    Condition,
    LivePolicy,
    Mode,
    NeverSuppress,
    NeverTouch,
    Setting,
    Stop,
    Withdrawal,
)
from models.live_rules import Lately, LiveRules
from tests.conftest import build_alert
from tests.models.bundles import make_bundle
from tests.proofs import TENTH, calibration

NOW = 1.7e9
MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
LATER, EARLIER = from_epoch(NOW + 60), from_epoch(NOW - 60)
HIDE = certify(calibration([0.6] * 60), [Objective.parse(TENTH)])[0]
RESPOND = [msgspec.structs.replace(HIDE, aim=Aim.RESPONSE, tier=tier, threshold=0.9) for tier in TIERS]
OUT = (Setting(tenant="acme", mode=Mode.AUTOMATE, transferred=True), Setting(tenant="beta", mode=Mode.AUTOMATE, transferred=True))
_URGENCY = {Action.SUPPRESS: 1, Action.RESPOND: 1, Action.QUEUE: 0, Action.APPROVE: 0, Action.ESCALATE: 0}
"""Which actions are automatic."""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    path = tmp_path_factory.mktemp("bundle") / "b"
    make_bundle(path)
    loaded = ModelBundle.load(path)
    policy = msgspec.structs.replace(loaded.policy, certificates=(HIDE, *RESPOND))
    return ModelBundle(**{**loaded.__dict__, "policy": policy})


def rule(
    bundle: ModelBundle,
    policy: LivePolicy | None,
    alerts: Sequence[Alert],
    actions: Sequence[Action],
    *,
    tiers: Sequence[str] | None = None,
    lately: Lately | None = None,
    certificates: Sequence[Certificate] | None = None,
    habit: float = 5.0,
    now: float = NOW,
) -> Scored:
    """Apply a policy to what was decided on alerts."""
    encoder = FactEncoder(bytes(32))
    block = encoder.alerts(alerts)
    n = len(alerts)
    features = np.ones((n, len(bundle.view.features)))
    features[:, bundle.view.index(HABIT)] = habit
    given_tiers = list(tiers) if tiers is not None else ["minimal" if a is Action.RESPOND else "" for a in actions]
    decided = Scored(
        features, np.zeros(n), np.zeros(n), np.zeros(n, np.int64), np.zeros(n), list(actions),
        [(ReasonCode.BELOW_THRESHOLD,)] * n, list(actions), given_tiers, ["c"] * n,
    )  # fmt: skip
    table = LimitTable(bundle.policy.certificates if certificates is None else certificates, encoder.rules, encoder.tenants)
    rules = LiveRules(policy, bundle, table) if lately is None else LiveRules(policy, bundle, table, lately)
    return rules.apply(decided, block, rules.marks(alerts, now), np.full(n, now), now)


def one(
    bundle: ModelBundle, policy: LivePolicy | None, action: Action, alert: Alert | None = None, **more: Any
) -> tuple[Any, ...]:
    """Return action, published action and codes of one alert."""
    made = rule(bundle, policy, [alert or build_alert()], [action], **more)
    return made.actions[0], made.published[0], made.reason_codes[0]


def live(**entries: Any) -> LivePolicy:
    return LivePolicy(**{"modes": OUT, **entries})


_NAMES = st.sampled_from(["acme", "beta", ""])
_EXPIRES = st.sampled_from([None, LATER, EARLIER])
_COMMON = {"tenant": _NAMES, "expires": _EXPIRES}
_VALUES = {
    Condition.SEVERITY: st.sampled_from("123456"), Condition.CRITICALITY: st.sampled_from("01234"),
    Condition.TACTIC: st.sampled_from(["Impact", "TA0040", "other"]), Condition.TECHNIQUE: st.sampled_from(["T1059", "t1059.001"]),
    Condition.INDICATOR: st.just(""), Condition.DECOY: st.just(""),
}  # fmt: skip
_NEVER = st.sampled_from(Condition).flatmap(lambda by: st.builds(NeverSuppress, **_COMMON, by=st.just(by), value=_VALUES[by]))
_POLICIES = st.builds(
    LivePolicy,
    never_suppress=st.lists(_NEVER, max_size=3).map(tuple),
    never_touch=st.lists(
        st.builds(NeverTouch, **_COMMON, kind=st.just(EntityKind.HOST), uid=st.sampled_from(["h1", "H2"])), max_size=2
    ).map(tuple),
    caps=st.lists(
        st.builds(Cap, **_COMMON, tier=st.sampled_from(BlastRadius), most=st.integers(0, 2), window_seconds=st.just(60.0)),
        max_size=2,
    ).map(tuple),
    habit_from=st.sampled_from([None, 0.0, 10.0]),
    missing_to=st.sampled_from([None, 0.0, 1.0]),
    modes=st.lists(
        st.builds(
            Setting,
            tenant=st.sampled_from(["acme", "beta"]),
            expires=_EXPIRES,
            mode=st.sampled_from(Mode),
            group=st.sampled_from(["", "severity:3", "rule:edr/r1"]),
            transferred=st.booleans(),
        ),
        max_size=4,
    ).map(tuple),
    withdrawals=st.lists(
        st.builds(
            Withdrawal,
            tenant=_NAMES,
            certificate=st.sampled_from([HIDE.uid, RESPOND[0].uid, "x"]),
            time=st.just(MOMENT),
            group=st.sampled_from(["", "all", "severity:3"]),
        ),
        max_size=2,
    ).map(tuple),
    stops=st.lists(st.builds(Stop, tenant=_NAMES, by=st.just("ann"), time=st.just(MOMENT)), max_size=1).map(tuple),
)
_ALERTS = st.lists(
    st.builds(
        build_alert,
        st.integers(0, 9),
        rule=st.sampled_from(["r1", "r2"]),
        host=st.sampled_from(["h1", "h2", "h3"]),
        tenant=st.sampled_from(["acme", "beta", "new"]),
        severity=st.integers(0, 6),
        tactics=st.sampled_from([(), ("impact",), ("other",)]),
        techniques=st.sampled_from([(), ("T1059.001",), ("T1078",)]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(policy=st.one_of(st.none(), _POLICIES), alerts=_ALERTS, data=st.data())
def test_no_policy_ever_makes_an_action_more_automatic(
    bundle: ModelBundle, policy: LivePolicy | None, alerts: list[Alert], data: st.DataObject
) -> None:
    actions = data.draw(st.lists(st.sampled_from(Action), min_size=len(alerts), max_size=len(alerts)))
    made = rule(bundle, policy, alerts, actions)
    for before, action, published, codes in zip(actions, made.actions, made.published, made.reason_codes, strict=True):
        assert action is before or (before, action) in {
            (Action.SUPPRESS, Action.QUEUE),
            (Action.RESPOND, Action.APPROVE),
        }
        assert published is action or published is Action.QUEUE or (action, published) == (Action.RESPOND, Action.APPROVE)
        assert (published is action is before) == (codes == (ReasonCode.BELOW_THRESHOLD,))
    if policy is None:
        assert set(made.published) == {Action.QUEUE}
    if policy is not None and any(stop.tenant == "" for stop in policy.stops):
        assert not any(_URGENCY[published] for published in made.published)


@pytest.mark.parametrize(
    ("never", "alert", "code"),
    [
        (("severity", "4"), {"severity": 4}, ReasonCode.GUARDRAIL_SEVERITY),
        (("tactic", "Lateral Movement"), {"tactics": ("lateral_movement",)}, ReasonCode.GUARDRAIL_TACTIC),
        (("tactic", "TA0008"), {"tactics": ("Lateral Movement",)}, ReasonCode.GUARDRAIL_TACTIC),
        (("tactic", "House  Rule"), {"tactics": ("house  rule",)}, ReasonCode.GUARDRAIL_TACTIC),
        (("technique", "t1059"), {"techniques": ("T1059.001",)}, ReasonCode.GUARDRAIL_TECHNIQUE),
        (("technique", "T1059.001"), {"techniques": ("t1059.001",)}, ReasonCode.GUARDRAIL_TECHNIQUE),
    ],
)
def test_what_a_guardrail_keeps_is_queued(
    bundle: ModelBundle, never: tuple[str, str], alert: dict[str, Any], code: ReasonCode
) -> None:
    for tenant in ("", "acme"):
        policy = live(never_suppress=(NeverSuppress(tenant=tenant, by=Condition(never[0]), value=never[1]),))
        assert one(bundle, policy, Action.SUPPRESS, build_alert(**alert)) == (Action.QUEUE, Action.QUEUE, (code,))
        assert one(bundle, policy, Action.SUPPRESS, build_alert(severity=1)) == (
            Action.SUPPRESS, Action.SUPPRESS, (ReasonCode.BELOW_THRESHOLD,),
        )  # fmt: skip
    other = live(never_suppress=(NeverSuppress(tenant="beta", by=Condition(never[0]), value=never[1]),))
    assert one(bundle, other, Action.SUPPRESS, build_alert(**alert))[0] is Action.SUPPRESS


def test_a_technique_does_not_stand_for_the_one_it_is_part_of(bundle: ModelBundle) -> None:
    policy = live(never_suppress=(NeverSuppress(by=Condition.TECHNIQUE, value="T1059.001"),))
    assert one(bundle, policy, Action.SUPPRESS, build_alert(techniques=("T1059",)))[0] is Action.SUPPRESS


def test_a_guardrail_holds_until_it_expires(bundle: ModelBundle) -> None:
    policy = live(never_suppress=(NeverSuppress(by=Condition.SEVERITY, value="1", expires=LATER),))
    alert = build_alert(severity=3)
    assert one(bundle, policy, Action.SUPPRESS, alert)[0] is Action.QUEUE
    assert one(bundle, policy, Action.SUPPRESS, alert, now=NOW + 61)[0] is Action.SUPPRESS


def test_expiry_is_noticed_while_the_rules_are_in_use(bundle: ModelBundle) -> None:
    mode = (msgspec.structs.replace(OUT[0], expires=LATER),)
    encoder = FactEncoder(bytes(32))
    block = encoder.alerts([build_alert()])
    rules = LiveRules(LivePolicy(modes=mode), bundle, LimitTable((HIDE,), encoder.rules, encoder.tenants))
    decided = Scored(
        np.ones((1, 1)), np.zeros(1), np.zeros(1), np.zeros(1, np.int64), np.zeros(1), [Action.SUPPRESS],
        [()], [Action.SUPPRESS], [""], ["c"],
    )  # fmt: skip
    published = [
        rules.apply(decided, block, np.zeros(1, np.int64), np.full(1, now), now).published[0] for now in (NOW, NOW + 61, NOW)
    ]
    assert published == [Action.SUPPRESS, Action.QUEUE, Action.SUPPRESS]


def test_habit_and_missing_hold_where_they_are_stricter(bundle: ModelBundle) -> None:
    assert one(bundle, live(habit_from=6.0), Action.SUPPRESS)[2] == (ReasonCode.NOT_HABITUAL,)
    assert one(bundle, live(habit_from=6.0), Action.SUPPRESS, habit=np.nan)[2] == (ReasonCode.NOT_HABITUAL,)
    assert one(bundle, live(habit_from=4.0), Action.SUPPRESS)[0] is Action.SUPPRESS
    assert one(bundle, live(missing_to=0.0), Action.SUPPRESS, habit=np.nan)[2] == (ReasonCode.MISSING_FEATURES,)
    assert one(bundle, live(missing_to=0.0), Action.RESPOND, habit=np.nan)[:2] == (Action.APPROVE, Action.APPROVE)


def test_what_may_not_be_touched_waits_for_a_person(bundle: ModelBundle) -> None:
    policy = live(never_touch=(NeverTouch(kind=EntityKind.HOST, uid="DC01"),))
    assert one(bundle, policy, Action.RESPOND, build_alert(host="dc01")) == (
        Action.APPROVE, Action.APPROVE, (ReasonCode.NEVER_TOUCH,),
    )  # fmt: skip
    assert one(bundle, policy, Action.RESPOND, build_alert(host="dc02"))[1] is Action.RESPOND
    assert one(bundle, policy, Action.SUPPRESS, build_alert(host="dc01"))[1] is Action.SUPPRESS


def test_caps_count_a_tier_and_larger_ones_of_one_tenant(bundle: ModelBundle) -> None:
    policy = live(caps=(Cap(tier=BlastRadius.MODERATE, most=2, window_seconds=60.0),))
    alerts = [build_alert(i, tenant="acme" if i < 5 else "beta") for i in range(6)]
    tiers = ["minimal", "moderate", "major", "moderate", "minimal", "moderate"]
    made = rule(bundle, policy, alerts, [Action.RESPOND] * 6, tiers=tiers)
    assert [action is Action.RESPOND for action in made.actions] == [True, True, True, False, True, True]
    assert made.reason_codes[3] == (ReasonCode.RESPONSE_CAP,)
    assert (made.tiers[3], made.certificates[3]) == ("", "")


def test_caps_count_what_is_on_record(bundle: ModelBundle) -> None:
    policy = live(caps=(Cap(tier=BlastRadius.MINIMAL, most=2, window_seconds=60.0),))
    asked: list[tuple[str, float]] = []

    def lately(tenant: str, since: float) -> list[tuple[float, str]]:
        asked.append((tenant, since))
        return [(NOW - 30, "minimal"), (NOW - 61, "major")]

    made = rule(bundle, policy, [build_alert(i) for i in range(3)], [Action.RESPOND] * 3, lately=lately)
    assert made.actions == [Action.RESPOND, Action.APPROVE, Action.APPROVE]
    assert asked == [("acme", NOW - 60)]


def test_a_mode_says_what_is_let_out(bundle: ModelBundle) -> None:
    wanted = {
        Mode.SHADOW: [Action.QUEUE] * 5,
        Mode.ADVISE: [Action.QUEUE, Action.QUEUE, Action.APPROVE, Action.APPROVE, Action.ESCALATE],
        Mode.AUTOMATE: list(Action),
    }
    for mode, published in wanted.items():
        policy = LivePolicy(modes=(Setting(tenant="acme", mode=mode, transferred=True),))
        made = rule(bundle, policy, [build_alert(i) for i in range(5)], list(Action))
        assert made.actions == list(Action)
        assert made.published == published
    assert one(bundle, LivePolicy(), Action.SUPPRESS)[1:] == (Action.QUEUE, (ReasonCode.BELOW_THRESHOLD, ReasonCode.SHADOW))


def test_the_most_careful_group_holds(bundle: ModelBundle) -> None:
    groups = (
        Setting(tenant="acme", mode=Mode.ADVISE, group="severity:3", transferred=True),
        Setting(tenant="acme", mode=Mode.AUTOMATE, group="rule:edr/r1", transferred=True),
    )
    policy = LivePolicy(modes=(*groups, Setting(tenant="acme", mode=Mode.SHADOW)))
    published = [
        one(bundle, policy, Action.RESPOND, build_alert(rule=name, severity=severity))[1]
        for name, severity in (("r1", 3), ("r1", 2), ("r2", 2))
    ]
    assert published == [Action.APPROVE, Action.RESPOND, Action.QUEUE]


def test_a_mode_comes_down_by_itself(bundle: ModelBundle) -> None:
    refused = certify(calibration([0.6] * 5), [Objective.parse(TENTH)])[0]
    without = ModelBundle(**{**bundle.__dict__, "policy": msgspec.structs.replace(bundle.policy, certificates=(refused,))})
    assert one(without, live(), Action.ESCALATE)[1] is Action.QUEUE
    unaccepted = LivePolicy(modes=(Setting(tenant="acme", mode=Mode.AUTOMATE),))
    assert one(bundle, unaccepted, Action.SUPPRESS)[1:] == (Action.QUEUE, (ReasonCode.BELOW_THRESHOLD, ReasonCode.SHADOW))


def test_a_withdrawn_certificate_holds_back_what_rests_on_it(bundle: ModelBundle) -> None:
    def policy(certificate: Certificate, **where: str) -> LivePolicy:
        return live(withdrawals=(Withdrawal(certificate=certificate.uid, time=MOMENT, **where),))

    assert one(bundle, policy(HIDE), Action.SUPPRESS)[1:] == (Action.QUEUE, (ReasonCode.BELOW_THRESHOLD, ReasonCode.WITHDRAWN))
    assert one(bundle, policy(HIDE), Action.RESPOND)[1] is Action.RESPOND
    assert one(bundle, policy(HIDE, tenant="beta"), Action.SUPPRESS)[1] is Action.SUPPRESS
    assert one(bundle, policy(HIDE, group="severity:3"), Action.SUPPRESS, build_alert(severity=3))[1] is Action.QUEUE
    assert one(bundle, policy(HIDE, group="severity:3"), Action.SUPPRESS, build_alert(severity=2))[1] is Action.SUPPRESS
    assert one(bundle, policy(RESPOND[0]), Action.RESPOND, tiers=["moderate"])[1] is Action.QUEUE
    assert one(bundle, policy(RESPOND[1]), Action.RESPOND, tiers=["minimal"])[1] is Action.RESPOND


def test_a_broken_promise_of_a_group_holds_where_another_is_stricter(bundle: ModelBundle) -> None:
    narrow = msgspec.structs.replace(HIDE, group="rule:edr/r1", threshold=0.5)
    stricter = msgspec.structs.replace(HIDE, group="severity:3", threshold=0.1)
    policy = live(withdrawals=(Withdrawal(certificate=narrow.uid, time=MOMENT),))
    made = [
        one(bundle, policy, Action.SUPPRESS, build_alert(rule=name, severity=3), certificates=(HIDE, narrow, stricter))[1]
        for name in ("r1", "r2")
    ]
    assert made == [Action.QUEUE, Action.SUPPRESS]


@pytest.mark.parametrize("tenant", ["", "acme"])
def test_the_kill_switch_leaves_nothing_automatic(bundle: ModelBundle, tenant: str) -> None:
    policy = live(stops=(Stop(tenant=tenant, by="ann", time=MOMENT),))
    made = rule(bundle, policy, [build_alert(i) for i in range(5)], list(Action))
    assert made.actions == list(Action)
    assert made.published == [Action.QUEUE, Action.QUEUE, Action.APPROVE, Action.QUEUE, Action.ESCALATE]
    assert made.reason_codes[3] == (ReasonCode.BELOW_THRESHOLD, ReasonCode.KILL_SWITCH)


def test_what_cannot_be_read_automates_nothing(bundle: ModelBundle) -> None:
    assert one(bundle, None, Action.SUPPRESS)[1:] == (Action.QUEUE, (ReasonCode.BELOW_THRESHOLD, ReasonCode.POLICY_UNREADABLE))
