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
LEAST_SHOWN = 1e-12
"""What was less likely to be shown counts as if it had been as likely as this: the smaller jump."""
_DAY = 86_400.0

Proportion = Annotated[float, msgspec.Meta(gt=0.0, lt=1.0)]


class Observation(NamedTuple):
    """One true-positive unit that a person saw: whether it would be suppressed whole, and if so the probability of seeing it."""

    suppressed: bool
    shown: float = 1.0


class AnytimeTest(msgspec.Struct, frozen=True, kw_only=True):
    """The state of the test of one certificate in one group; see the module for the formula, :func:`begin` and :func:`step`.

    ``eta`` and ``stake``: the bets, and for each what rides on the next observation, its own beginning included. ``observed``
    units, of which ``suppressed`` would have been; neither they nor the stakes move any more once it ``fired``.

    No logarithms are needed. Each stake holds the newest beginning, so none vanishes; as the test ends when it fires, none
    exceeds the number of bets over δ before the last jump, and ``LEAST_SHOWN`` bounds the jump.
    """

    alpha: Proportion
    delta: Proportion
    eta: tuple[float, ...]
    stake: tuple[float, ...]
    observed: int = 0
    suppressed: int = 0
    fired: bool = False

    def __post_init__(self) -> None:
        """Raise ``ValueError`` where the bets are none: a state that was written down is checked when it is read."""
        if len(self.eta) != len(self.stake) or not all(0.0 < eta * self.alpha < 1.0 for eta in self.eta):
            raise ValueError("bets must lie in (0, 1/alpha), each with its stake")

    @property
    def evidence(self) -> float:
        """K, the evidence against the certificate; what it fired with, if it fired."""
        return float(evidence(np.array(self.stake), self.observed))


def bets(alpha: float) -> NDArray[np.float64]:
    """Return the grid of η for a bound, f8[k]: powers of 2 below 1/α."""
    powers = 2.0 ** np.arange(_SMALLEST, 1 + math.ceil(-math.log2(alpha)))
    return np.asarray(powers[powers * alpha < 1.0], np.float64)


def begin(alpha: float, delta: float) -> AnytimeTest:
    """Return the test of the bound ``alpha`` before any observation; it will fire in vain with probability at most ``delta``."""
    eta = tuple(bets(alpha).tolist())
    return AnytimeTest(alpha=alpha, delta=delta, eta=eta, stake=(float(share(1)),) * len(eta))


def step(state: AnytimeTest, observations: Iterable[Observation]) -> AnytimeTest:
    """Return the state after some observations, in their order. One that fired stays as it was then.

    It does not matter how observations are cut into batches; two states cannot be merged.
    """
    eta, stake = np.array(state.eta), np.array(state.stake)
    observed, suppressed, fired = state.observed, state.suppressed, state.fired
    for seen in observations:
        if fired:
            break
        observed, suppressed = observed + 1, suppressed + int(seen.suppressed)
        stake = advance(stake, factor(eta, state.alpha, seen), observed)
        fired = seen.suppressed and bool(evidence(stake, observed) >= 1.0 / state.delta)  # what is not missed only lowers it
    return msgspec.structs.replace(state, stake=tuple(stake.tolist()), observed=observed, suppressed=suppressed, fired=fired)


def factor(eta: NDArray[np.float64], alpha: float, seen: Observation) -> NDArray[np.float64]:
    """Return 1 + η·m for each bet, f8[k]."""
    m = (1.0 - alpha) / max(seen.shown, LEAST_SHOWN) if seen.suppressed else -alpha
    return 1.0 + eta * m


def advance(stake: NDArray[np.float64], by: NDArray[np.float64], observed: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the stakes after observation number ``observed`` (from 1; i8[...]), f8[..., k], the next beginning included."""
    return np.asarray(stake * by + share(np.asarray(observed) + 1)[..., None], np.float64)


def evidence(stake: NDArray[np.float64], observed: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return K after ``observed`` observations, f8[...]: the mean over the bets, and what has not begun to bet."""
    return np.asarray(stake.mean(axis=-1) + 1.0 / (1.0 + np.log(np.asarray(observed) + 2.0)), np.float64)


def share(number: int | NDArray[np.int64]) -> NDArray[np.float64]:
    """Return w(j), the share that begins to bet before observation j (from 1), f8[...]."""
    j = np.asarray(number, np.float64)
    return np.asarray(np.log1p(1.0 / j) / ((1.0 + np.log(j)) * (1.0 + np.log(j + 1.0))), np.float64)


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
    ``shown``: the probability with which it came before a person; ``drawn``: whether the audit then drew it, where it would be
    suppressed.
    """

    unit: Unit
    attacks: int
    suppressed: bool
    shown: float
    drawn: bool = False


def observe(alerts: Iterable[JudgedAlert]) -> dict[Unit, Observation]:
    """Return what the alerts of one group say about the units that are true positives, in the order in which units first come.

    Give *all* alerts of a unit, in the order of their decisions, once people have done with it: one that is given while it still
    grows may count as missed although a later alert is not suppressed. Each unit enters a test once; who calls keeps the account.

    - A unit is suppressed when all its alerts would be; it was seen when any of them was drawn, and draws are independent.
      So its probability of being seen is 1 − Π(1 − π), which is above that of any one alert: repeats add no weight.
    - It is a true positive when one person says so of one of its alerts; if it would be suppressed, ``LOOKS`` people must agree
      on one that was drawn, as most single such verdicts are mistakes. Both make the test withdraw later, not oftener.
    - A miss that came to light otherwise (an outside report, an incident that grew) is none here, whatever else it calls for: it
      was not drawn, and a weight of 1/π would count it for many.
    """
    members: dict[Unit, list[JudgedAlert]] = {}
    for alert in alerts:
        members.setdefault(alert.unit, []).append(alert)
    found = {}
    for unit, some in members.items():
        suppressed = all(alert.suppressed for alert in some)
        if not suppressed and any(alert.attacks for alert in some):
            found[unit] = Observation(False)
        elif suppressed and any(alert.drawn and alert.attacks >= LOOKS for alert in some):
            found[unit] = Observation(True, _seen([alert.shown for alert in some]))
    return found


def _seen(shown: list[float]) -> float:
    """Return the probability that at least one of independent draws comes up."""
    return max(1.0 - math.prod(1.0 - p for p in shown), *shown, 0.0)
