"""Withdrawal: an anytime test, over what people judge in operation, of the very quantity that a certificate bounds.

Of a true-positive unit let s = 1 say that it would be suppressed, and A = 1 that it was shown, which had probability π (1 where
s = 0). ``m = (A/π)·(s − α)`` has the mean P(s = 1) − α. As long as the promise holds, P(s = 1 | all before) ≤ α, so for each
0 < η < 1/α the product of ``1 + η·m`` is a nonnegative supermartingale that starts at 1: a bet against the certificate at odds
that are fair at best. So is a mixture over η and over the unit at which to begin betting. It ever reaches 1/δ with probability
at most δ, however long and often one looks (Ville 1939; Waudby-Smith & Ramdas 2024); then suppression is withdrawn.

What is not a true positive, or was not shown, multiplies by 1: it is no observation, and uses up no weight of the beginnings.
Before observation j the share ``w(j) = r(j−1) − r(j)`` of the stake begins to bet, ``r(j) = 1/(1 + ln(1 + j))``: shares fall like
1/(j·ln² j), about as slowly as a sum allows, and telescope to exactly 1; what has not begun after t is ``r(t)``. All that began
with one η is one number, ``S ← (S + w)·(1 + η·m)``, so the state is as long as the grid of η whatever the number of observations.

**What it assumes.** The conditional promise above: units enter in the order of their decisions, not of their verdicts, or misses
that are judged late come in a heap; and units are independent, given the rate, as the certificate itself assumes. Incidents
of one campaign that are missed together are one unit.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.misses import LOOKS

_SMALLEST = -7
"""Bets are powers of 2 from this on. Best is η = π·(ρ − 1) where ρ·α is missed: 1/128 for an audit of 2 % and ρ = 1.4."""
_DAY = 86_400.0

Proportion = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class Observation(NamedTuple):
    """One true-positive unit that a person saw: whether it would be suppressed whole, and if so the probability of seeing it."""

    suppressed: bool
    shown: float = 1.0


class AnytimeTest(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the test of one certificate in one group; see the module for the formula, :func:`begin` and :func:`step`.

    ``eta`` and ``log_stake``: for each bet the natural logarithm of what rides on the next observation, its own beginning
    included. ``observed`` units, of which ``suppressed`` would have been; neither they nor the stakes move any more once it fired.
    """

    alpha: Proportion
    delta: Proportion
    eta: tuple[float, ...]
    log_stake: tuple[float, ...]
    observed: int = 0
    suppressed: int = 0
    fired: bool = False

    @property
    def log_evidence(self) -> float:
        """The natural logarithm of K, the evidence against the certificate; what it fired with, if it fired."""
        return float(log_evidence(np.array(self.log_stake), self.observed))

    @property
    def evidence(self) -> float:
        """K; the largest float where it is larger."""
        return math.exp(min(self.log_evidence, 709.0))


def bets(alpha: float) -> NDArray[np.float64]:
    """Return the grid of η for a bound, f8[k]: powers of 2 below 1/α."""
    powers = 2.0 ** np.arange(_SMALLEST, 1 + math.ceil(-math.log2(alpha)))
    return np.asarray(powers[powers * alpha < 1.0], np.float64)


def begin(alpha: float, delta: float) -> AnytimeTest:
    """Return the test of the bound ``alpha`` before any observation; it will fire in vain with probability at most ``delta``."""
    eta = bets(alpha)
    stake = np.full(len(eta), log_share(1))
    return AnytimeTest(alpha=alpha, delta=delta, eta=tuple(eta.tolist()), log_stake=tuple(stake.tolist()))


def step(state: AnytimeTest, observations: Iterable[Observation]) -> AnytimeTest:
    """Return the state after some observations, in their order. One that fired stays as it was then.

    It does not matter how observations are cut into batches; two states cannot be merged.
    """
    eta, stake, limit = np.array(state.eta), np.array(state.log_stake), -math.log(state.delta)
    observed, suppressed, fired = state.observed, state.suppressed, state.fired
    for seen in observations:
        if fired:
            break
        observed, suppressed = observed + 1, suppressed + seen.suppressed
        stake = advance(stake, log_gain(eta, state.alpha, seen), observed)
        fired = bool(log_evidence(stake, observed) >= limit)
    return msgspec.structs.replace(
        state, log_stake=tuple(stake.tolist()), observed=observed, suppressed=int(suppressed), fired=fired
    )


def log_gain(eta: NDArray[np.float64], alpha: float, seen: Observation) -> NDArray[np.float64]:
    """Return ln(1 + η·m) for each bet, f8[k]."""
    if not seen.suppressed:
        return np.log1p(-eta * alpha)
    return np.asarray(np.log(seen.shown + eta * (1.0 - alpha)) - math.log(seen.shown), np.float64)


def advance(log_stake: NDArray[np.float64], gain: NDArray[np.float64], observed: int) -> NDArray[np.float64]:
    """Return the stakes after observation number ``observed`` (from 1), f8[..., k], the next beginning included."""
    return np.asarray(np.logaddexp(log_stake + gain, log_share(observed + 1)), np.float64)


def log_evidence(log_stake: NDArray[np.float64], observed: int) -> NDArray[np.float64]:
    """Return ln K after ``observed`` observations, f8[...]: the mean over the bets, and what has not begun to bet."""
    most = log_stake.max(axis=-1)
    riding = most + np.log(np.exp(log_stake - most[..., None]).mean(axis=-1))
    return np.asarray(np.logaddexp(riding, -math.log1p(math.log(observed + 2))), np.float64)


def log_share(number: int) -> float:
    """Return ln w(j), the share that begins to bet before observation j (from 1)."""
    return math.log(math.log1p(1.0 / number)) - math.log1p(math.log(number)) - math.log1p(math.log(number + 1))


class Unit(NamedTuple):
    """What counts once, however many alerts it has: an incident, or else a rule on an entity for a day (UTC)."""

    tenant: str
    incident: str
    rule: str = ""
    entity: str = ""
    day: int = 0


def unit_of(tenant: str, incident: str, rule: str, entity: str, time: float) -> Unit:
    """Return the unit of an alert. ``incident`` is ``""`` where none is known; ``time`` in epoch seconds."""
    return Unit(tenant, incident) if incident else Unit(tenant, "", rule, entity, math.floor(time / _DAY))


class JudgedAlert(NamedTuple):
    """One alert of a unit as it was decided, judged or not.

    ``attacks``: how many people call it a true positive; 0 where the verdict in force is another, contested or none.
    ``shown``: the probability with which it came before a person, whatever then happened.
    """

    unit: Unit
    attacks: int
    suppressed: bool
    shown: float


def observe(alerts: Iterable[JudgedAlert]) -> dict[Unit, Observation]:
    """Return what the alerts of one group say about the units that are true positives, in the order in which units first come.

    Give *all* alerts of a unit, in the order of their decisions, once people have done with it: one that is given while it still
    grows may count as missed although a later alert is not suppressed. Each unit enters a test once; who calls keeps the account.

    - A unit is suppressed when all its alerts would be; it was seen when any of them was drawn, and draws are independent.
      So its probability of being seen is 1 − Π(1 − π), which is above that of any one alert: repeats add no weight.
    - It is a true positive when one person says so of one of its alerts; if it would be suppressed, ``LOOKS`` people must agree
      on one alert, as most single such verdicts are mistakes. Both make the test withdraw later, not oftener.
    """
    members: dict[Unit, list[JudgedAlert]] = {}
    for alert in alerts:
        members.setdefault(alert.unit, []).append(alert)
    found = {}
    for unit, some in members.items():
        suppressed = all(alert.suppressed for alert in some)
        if max(alert.attacks for alert in some) >= (LOOKS if suppressed else 1):
            found[unit] = Observation(True, _seen([alert.shown for alert in some])) if suppressed else Observation(False)
    return found


def _seen(shown: list[float]) -> float:
    """Return the probability that at least one of independent draws comes up."""
    return max(1.0 - math.prod(1.0 - p for p in shown), *shown, 0.0)
