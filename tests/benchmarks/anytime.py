"""Many long courses of the anytime test: how often it fires in vain, and how late when it should.

A million observations of hundreds of runs are too many for the product's own loop. This compiled one has the product's bets,
factors and shares; a test holds it to the product's ``step``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from models.withdrawal import Observation, begin, evidence, factor, share


class Leg(NamedTuple):
    """``length`` true positives, each of which would be suppressed with probability ``missed`` and then is shown with ``drawn``."""

    length: int
    missed: float
    drawn: float = 1.0


class Firing(NamedTuple):
    """When a run fired, in true positives (``position``), in those of them that people saw (``seen``), and in those that only
    the audit could show (``audited``)."""

    position: int
    seen: int
    audited: int


def course(alpha: float, delta: float, legs: Sequence[Leg], random: np.random.Generator) -> Firing | None:
    """Return when one test fires that runs through the legs, or ``None``."""
    state = begin(alpha, delta)
    eta, stake = np.array(state.eta), np.array(state.stake)
    number = np.arange(sum(leg.length for leg in legs)) + 1
    shares, needed = share(number + 1), 1.0 / delta - evidence(np.zeros((len(number), 1)), number)
    position, seen, audited = 0, 0, 0
    for leg in legs:
        suppressed = random.random(leg.length) < leg.missed
        shown = np.flatnonzero(~suppressed | (random.random(leg.length) < leg.drawn))
        missed = suppressed[shown]
        factors = [factor(eta, alpha, Observation(missed, leg.drawn)) for missed in (False, True)]
        fired = int(_until_it_fires(stake, np.stack(factors), shares[seen:], needed[seen:], missed))
        if fired >= 0:
            return Firing(position + int(shown[fired]) + 1, seen + fired + 1, audited + int(missed[: fired + 1].sum()))
        position, seen, audited = position + leg.length, seen + len(missed), audited + int(missed.sum())
    return None


@numba.njit
def _until_it_fires(stake: Any, factors: Any, shares: Any, needed: Any, missed: NDArray[np.bool_]) -> int:
    """Move ``stake`` on, observation by observation; return the index of the one at which the test fires, −1 where none.

    ``needed``: what the stakes must hold in the mean to fire.
    """
    for i in range(len(missed)):
        by, riding = factors[1 if missed[i] else 0], 0.0
        for k in range(len(stake)):
            stake[k] = stake[k] * by[k] + shares[i]
            riding += stake[k]
        if missed[i] and riding / len(stake) >= needed[i]:
            return i
    return -1
