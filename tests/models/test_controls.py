"""Controls: hysteresis, bounds, and what holds them back."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.alert import EntityKind
from models.certificates.certifier import certify
from models.certificates.objective import DEFAULT_OBJECTIVE, Objective
from models.controls import BOUNDED, DWELL_SECONDS, STEPS, Control, Evidence, Standing, Whom, let_out, name_of, prove, withheld
from models.live_policy import LivePolicy, Mode, NeverTouch, Setting, Stop, Withdrawal
from models.mandate import NOTHING, Mandate, mandate
from models.policy import ThresholdPolicy
from tests.proofs import calibration, units

NOW = 1_800_000_000.0
ANNA = Whom("t", EntityKind.USER, "anna")
WHEN = datetime(2026, 1, 1, tzinfo=UTC)
AUTOMATE = LivePolicy(modes=(Setting(tenant="t", mode=Mode.AUTOMATE, transferred=True),))


def test_up_at_once_and_down_only_well_below_and_after_a_while() -> None:
    standing = Standing()
    for risk, seconds, level in (
        (24.9, 0, "none"), (25.0, 1, "monitor"), (61.0, 2, "step_up"), (46.0, DWELL_SECONDS * 2, "step_up"), (44.0, 3 * DWELL_SECONDS, "monitor"),
        (99.0, 3 * DWELL_SECONDS + 1, "restrict"), (0.0, 3 * DWELL_SECONDS + 2, "restrict"), (0.0, 4 * DWELL_SECONDS + 1, "none"),
    ):  # fmt: skip
        standing = standing.next(risk, NOW + seconds)
        assert standing.level.value == level, (risk, seconds)


@given(st.lists(st.tuples(st.floats(0.0, 100.0), st.floats(1.0, 7200.0)), max_size=60))
def test_it_does_not_flap(walk: list[tuple[float, float]]) -> None:
    standing, now, lowered = Standing(), NOW, []
    for risk, seconds in walk:
        now += seconds
        after = standing.next(risk, now)
        assert after.level.place >= max(level.place for level in Control if risk >= STEPS[level].up), (
            "never milder than the risk is"
        )
        if after.level.place < standing.level.place:
            lowered.append(now)
        standing = after
    assert all(b - a >= DWELL_SECONDS for a, b in itertools.pairwise(lowered))


def test_a_risk_that_swings_between_two_thresholds_changes_nothing() -> None:
    standing = Standing().next(65.0, NOW)
    for hour in range(1, 1000):
        standing = standing.next(46.0 if hour % 2 else 59.0, NOW + hour * 3600.0)
        assert standing == Standing(Control.STEP_UP, NOW)


def test_levels_of_caep() -> None:
    assert [one.caep for one in Control] == ["LOW", "LOW", "MEDIUM", "HIGH"]


def test_a_bound_needs_evidence() -> None:
    little = prove(Control.STEP_UP, Evidence(298, 0), 0.01)
    assert (little.granted, little.missing) == (False, 1)
    assert "needs 1 more" in little.sentence()
    enough = prove(Control.STEP_UP, Evidence(299, 0), 0.01)
    assert enough.granted
    assert "at most 1.00%" in enough.sentence()
    assert not prove(Control.STEP_UP, Evidence(299, 1), 0.01).granted
    assert not prove(Control.RESTRICT, Evidence(), 0.01).granted
    judged = prove(Control.RESTRICT, Evidence(10, 10, judged=40, attacks=40), 0.002)
    assert judged.granted
    assert "at least 92" in judged.sentence()
    assert not prove(Control.RESTRICT, Evidence(10, 10, judged=40, attacks=38), 0.002).granted
    assert judged.uid == name_of(Control.RESTRICT) == "control:restrict"


def proven(_group: str) -> Mandate:
    known = msgspec.structs.replace(calibration([0.9]), incidents=units([0.9] * 400))
    return mandate(
        ThresholdPolicy(certificates=certify(known, [Objective.parse(DEFAULT_OBJECTIVE)]), escalate_from=None), known, "t"
    )


@pytest.mark.parametrize(
    ("policy", "why"),
    [
        (None, "cannot be read"),
        (LivePolicy(), "mode shadow"),
        (AUTOMATE, ""),
        (LivePolicy(modes=AUTOMATE.modes, stops=(Stop(by="x", time=WHEN),)), "stopped"),
        (LivePolicy(modes=AUTOMATE.modes, never_touch=(NeverTouch(kind=EntityKind.USER, uid=" ANNA "),)), "never touched"),
        (LivePolicy(modes=AUTOMATE.modes, withdrawals=(Withdrawal(certificate="control:step_up", time=WHEN),)), "withdrawn"),
        (LivePolicy(modes=(Setting(tenant="t", mode=Mode.ADVISE, transferred=True),)), "mode advise"),
    ],
)
def test_what_holds_a_control_back(policy: LivePolicy | None, why: str) -> None:
    bound = prove(Control.STEP_UP, Evidence(1000, 0), 0.01)
    said = withheld(policy, ANNA, bound, NOW, proven)
    assert why in said
    assert bool(said) == bool(why)


def test_without_a_bound_or_a_bundle_a_person_decides() -> None:
    bound = prove(Control.STEP_UP, Evidence(1000, 0), 0.01)
    assert "proven" in withheld(AUTOMATE, ANNA, None, NOW, proven)
    assert "proven" in withheld(AUTOMATE, ANNA, prove(Control.STEP_UP, Evidence(9, 0), 0.01), NOW, proven)
    assert "mode shadow" in withheld(AUTOMATE, ANNA, bound, NOW, lambda _: NOTHING)


def test_what_is_let_out() -> None:
    assert let_out(Control.MONITOR, lambda _: "no") == (Control.MONITOR, "")
    assert let_out(Control.RESTRICT, lambda _: "") == (Control.RESTRICT, "")
    assert let_out(Control.RESTRICT, lambda level: "no" if level is Control.RESTRICT else "") == (Control.STEP_UP, "no")
    assert let_out(Control.RESTRICT, lambda level: level.value) == (Control.MONITOR, "restrict")
    assert BOUNDED == (Control.STEP_UP, Control.RESTRICT)
