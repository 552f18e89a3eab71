"""The anytime test: fair odds in every small case, no false alarm beyond δ, and what counts as one observation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.misses import LOOKS
from models.withdrawal import (
    AnytimeTest,
    JudgedAlert,
    Observation,
    Unit,
    begin,
    bets,
    factor,
    observe,
    share,
    step,
    unit_of,
)

ALPHAS = st.sampled_from([0.005, 0.01, 0.05, 0.3, 0.5, 0.9])
SEEN = st.builds(Observation, st.booleans(), st.sampled_from([1e-4, 0.02, 0.3, 1.0]))
UNIT = Unit("t", "i1")


def _worlds(steps: int, rate: float, alpha: float, delta: float) -> Iterator[tuple[float, AnytimeTest]]:
    """Return every course of ``steps`` decisions with its probability and what the test then says.

    A decision is no true positive (half of them), or one that is not suppressed, or suppressed and drawn, or not drawn; the
    probability of a draw rises from decision to decision.
    """
    for course in itertools.product(range(4), repeat=steps):
        chance, seen = 1.0, []
        for number, what in enumerate(course):
            shown = (number + 1.0) / (steps + 1.0)
            chance *= (0.5, 0.5 * (1.0 - rate), 0.5 * rate * shown, 0.5 * rate * (1.0 - shown))[what]
            if what == 1:
                seen.append(Observation(False))
            elif what == 2:
                seen.append(Observation(True, shown))
        yield chance, step(begin(alpha, delta), seen)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.4])
def test_the_evidence_expects_1_where_just_so_much_is_missed_and_less_where_less_is(alpha: float) -> None:
    expected = [sum(chance * state.evidence for chance, state in _worlds(5, rate, alpha, 0.05)) for rate in (alpha, alpha / 2)]
    assert expected[0] == pytest.approx(1.0, abs=1e-9)
    assert expected[1] < 1.0 - 1e-6
    assert sum(chance * state.evidence for chance, state in _worlds(5, min(3 * alpha, 1.0), alpha, 0.05)) > 1.001


@pytest.mark.parametrize(("alpha", "delta"), [(0.1, 0.2), (0.4, 0.5)])
def test_it_fires_in_vain_at_most_as_often_as_it_may(alpha: float, delta: float) -> None:
    fired = sum(chance for chance, state in _worlds(6, alpha, alpha, delta) if state.fired)
    assert 0.0 < fired <= delta


@given(ALPHAS, st.lists(SEEN, max_size=40))
def test_it_is_the_sum_over_all_bets_and_beginnings(alpha: float, seen: list[Observation]) -> None:
    eta = bets(alpha)
    factors = np.array([factor(eta, alpha, one) for one in seen]).reshape(len(seen), len(eta))
    shares = share(np.arange(len(seen)) + 1)
    begun = sum(w * factors[number:].prod(axis=0).mean() for number, w in enumerate(shares.tolist()))
    assert step(begin(alpha, 1e-300), seen).evidence == pytest.approx(begun + 1.0 - shares.sum(), rel=1e-9)


@pytest.mark.parametrize(("alpha", "shown"), [(0.05, 1.0), (0.01, 0.02)])
def test_as_exact_as_with_logarithms_however_long(alpha: float, shown: float) -> None:
    """The sum over beginnings, done in logarithms: ln S(t) = C(t) + ln Σ w(j)·exp(−C(j − 1)), C the summed ln of the factors."""
    missed, eta = np.random.default_rng(3).random(40_000) < 0.9 * alpha * shown, bets(alpha)
    gain = np.log([factor(eta, alpha, Observation(False)), factor(eta, alpha, Observation(True, shown))])[missed.astype(int)]
    summed = np.vstack([np.zeros(len(eta)), np.cumsum(gain, axis=0)])
    begun = np.logaddexp.accumulate(np.log(share(np.arange(len(summed)) + 1))[:, None] - summed)
    state = step(begin(alpha, 1e-300), [Observation(miss, shown) for miss in missed.tolist()])
    assert np.log(state.stake) == pytest.approx((summed + begun)[-1], abs=1e-6)


@given(ALPHAS)
def test_no_bet_can_lose_more_than_its_stake(alpha: float) -> None:
    assert (bets(alpha) > 0.0).all()
    assert (bets(alpha) * alpha < 1.0).all()
    assert 2.0 * bets(alpha)[-1] * alpha >= 1.0


def test_shares_sum_to_1_however_long() -> None:
    shares = share(np.arange(1, 1_000_001))
    assert 1.0 - shares.sum() == pytest.approx(1.0 / (1.0 + math.log(1_000_001)), rel=1e-9)
    assert (np.diff(shares) < 0.0).all()
    assert shares[-1] > 0.0


@given(ALPHAS, st.lists(SEEN, max_size=30), st.integers(0, 30))
def test_batches_do_not_matter_nor_being_written_down_in_between(alpha: float, seen: list[Observation], cut: int) -> None:
    whole = step(begin(alpha, 0.05), seen)
    state = begin(alpha, 0.05)
    for some in (seen[:cut], seen[cut:]):
        state = msgspec.json.decode(msgspec.json.encode(step(state, some)), type=AnytimeTest)
    assert state == whole
    one_by_one = begin(alpha, 0.05)
    for one in seen:
        one_by_one = step(one_by_one, [one])
    assert one_by_one == whole


@given(ALPHAS, st.lists(SEEN, min_size=1, max_size=30), st.integers(0, 29))
def test_one_more_miss_is_never_less_evidence(alpha: float, seen: list[Observation], at: int) -> None:
    at %= len(seen)
    missed = [*seen[:at], Observation(True, seen[at].shown), *seen[at + 1 :]]
    before, after = step(begin(alpha, 1e-300), seen), step(begin(alpha, 1e-300), missed)
    assert after.evidence >= before.evidence * (1.0 - 1e-12)
    assert after.suppressed >= before.suppressed


@given(ALPHAS, st.floats(1e-9, 1.0), st.floats(0.0, 1.0))
def test_a_miss_that_was_seldom_drawn_is_more_evidence(alpha: float, shown: float, less: float) -> None:
    likely, seldom = Observation(True, shown), Observation(True, max(shown * less, 1e-12))
    assert step(begin(alpha, 1e-300), [seldom]).evidence >= step(begin(alpha, 1e-300), [likely]).evidence * (1.0 - 1e-12)


def test_it_fires_once_and_then_stays() -> None:
    misses = [Observation(True)] * 40
    state = step(begin(0.01, 0.05), misses)
    assert state.fired
    assert state.evidence >= 20.0
    assert state.observed == state.suppressed < 40
    assert step(state, misses + [Observation(False)] * 1000) == state
    assert not step(begin(0.01, 0.05), misses[: state.observed - 1]).fired


def test_it_never_fires_without_a_miss() -> None:
    state = step(begin(0.05, 0.05), [Observation(False)] * 20_000)
    assert not state.fired
    assert 0.0 < state.evidence < 1.0
    assert (state.observed, state.suppressed) == (20_000, 0)


@pytest.mark.parametrize("shown", [5e-324, 1e-300, 1e-9])
def test_no_jump_is_too_large_for_it(shown: float) -> None:
    state = step(begin(0.005, 0.05), [Observation(True, shown)])
    assert state.fired
    assert math.isfinite(state.evidence)
    assert msgspec.json.decode(msgspec.json.encode(state), type=AnytimeTest) == state


def test_a_long_calm_does_not_tire_it() -> None:
    random = np.random.default_rng(0)
    calm = step(begin(0.05, 0.05), [Observation(missed) for missed in (random.random(20_000) < 0.01).tolist()])
    assert not calm.fired
    after = step(calm, [Observation(missed) for missed in (random.random(1000) < 0.15).tolist()])
    assert after.fired
    assert after.observed - calm.observed <= 500


@pytest.mark.parametrize("field", ["alpha", "delta"])
@pytest.mark.parametrize("value", [0.0, 1.0, -1.0])
def test_a_state_that_makes_no_sense_is_not_read(field: str, value: float) -> None:
    written = {**msgspec.to_builtins(begin(0.05, 0.05)), field: value}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(written, AnytimeTest)


def _alert(attacks: int = 0, suppressed: bool = True, shown: float = 0.5, drawn: bool = True, unit: Unit = UNIT) -> JudgedAlert:
    return JudgedAlert(unit, attacks, suppressed, shown, drawn)


def test_a_miss_counts_when_three_agree_and_a_find_when_one_says_so() -> None:
    assert observe([_alert(LOOKS)]) == {UNIT: Observation(True, 0.5)}
    assert observe([_alert(LOOKS - 1)]) == {}
    assert observe([_alert(LOOKS - 1), _alert(LOOKS - 1)]) == {}
    assert observe([_alert(1, suppressed=False, shown=1.0)]) == {UNIT: Observation(False)}
    assert observe([_alert(0, suppressed=False, shown=1.0)]) == {}
    assert observe([]) == {}


@pytest.mark.parametrize("shown", [0.0, 0.02])
def test_a_miss_that_the_audit_did_not_draw_is_no_observation(shown: float) -> None:
    assert observe([_alert(LOOKS, shown=shown, drawn=False)]) == {}
    assert observe([_alert(LOOKS, shown=shown, drawn=False), _alert(0)]) == {}
    assert observe([_alert(LOOKS, shown=shown, drawn=False), _alert(LOOKS)]) == {UNIT: Observation(True, 1 - (1 - shown) * 0.5)}


def test_one_alert_that_is_not_suppressed_saves_its_incident() -> None:
    assert observe([_alert(LOOKS), _alert(0), _alert(0, suppressed=False, shown=1.0)]) == {UNIT: Observation(False)}


@given(st.lists(st.floats(0.0, 1.0), max_size=8), st.floats(0.001, 1.0))
def test_repeats_make_one_observation_that_was_likelier_to_be_seen(others: list[float], drawn: float) -> None:
    found = observe([_alert(LOOKS, shown=drawn), *(_alert(shown=p) for p in others)])[UNIT]
    assert found.suppressed
    assert found.shown == pytest.approx(1.0 - math.prod(1.0 - p for p in [drawn, *others]))
    assert drawn <= found.shown <= 1.0


@given(st.permutations(range(6)))
def test_units_keep_the_order_in_which_they_first_come(order: list[int]) -> None:
    alerts = [_alert(LOOKS, unit=Unit("t", f"i{number}")) for number in order]
    assert list(observe([*alerts, *reversed(alerts)])) == [alert.unit for alert in alerts]


def test_a_unit_is_an_incident_or_else_a_rule_on_an_entity_for_a_day() -> None:
    assert unit_of("t", "i1", "r", "h", 5.0) == unit_of("t", "i1", "s", "g", 1e9)
    assert unit_of("t", "", "r", "h", 86_399.0) == unit_of("t", "", "r", "h", 0.0)
    different = [
        unit_of("t", "", "r", "h", 0.0),
        unit_of("t", "", "r", "h", 86_400.0),
        unit_of("t", "", "r", "g", 0.0),
        unit_of("t", "", "s", "h", 0.0),
        unit_of("u", "", "r", "h", 0.0),
        unit_of("t", "i1", "r", "h", 0.0),
        unit_of("t", "i2", "r", "h", 0.0),
        unit_of("u", "i1", "r", "h", 0.0),
    ]
    assert len(set(different)) == len(different)
