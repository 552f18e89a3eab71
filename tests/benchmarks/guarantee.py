"""Whether certificates keep what they promise where the truth is known, and whether reality gets suppression withdrawn where they
cannot: ``python -m tests.benchmarks.guarantee``. A few minutes of one core.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from models.certificates.bounds import lower_bound, units_needed
from models.misses import LOOKS
from models.policy import ThresholdPolicy
from models.withdrawal import JudgedAlert, Unit, begin, observe, step
from tests.benchmarks.anytime import Leg, course
from tests.benchmarks.world import Promise, World, certificate_of, policy_of, resample

RUNS = 1_000
PROMISES = (Promise(0.10, 0.10), Promise(0.05, 0.05), Promise(0.05, 0.10), Promise(0.01, 0.05))
CAMPAIGNS = 30_000
SHAPES: dict[str, dict[str, float]] = {
    "independent": {"incidents": 0.0, "alerts": 0.0, "alike": 0.0},
    "alerts in incidents": {"incidents": 0.0, "alerts": 2.0, "alike": 0.7},
    "incidents in campaigns": {"incidents": 1.5, "alerts": 2.0, "alike": 0.7},
}
"""How alerts hang together."""
HONEST = (("independent", "incident"), ("alerts in incidents", "incident"), ("incidents in campaigns", "campaign"))
"""What hangs together is one unit: there the promise must hold."""
FALSE = (("alerts in incidents", "alert"), ("incidents in campaigns", "incident"))
"""Units that hang together, taken for independent: there it need not hold, and is printed beside."""

SHIFTED, HARDER = "alerts in incidents", 2.5
"""Operation is not calibration: log-odds taken off every attack."""


class Kept(NamedTuple):
    """Of ``runs`` calibrations: how many gave a certificate, and how many of these miss more than they promise."""

    runs: int
    granted: int
    violated: int
    missed: float
    """Mean true share of missed units."""

    def within(self, delta: float) -> bool:
        """Whether the share of violated certificates may be ``delta`` or less: its lower bound at 97.5 %, exact, is."""
        return lower_bound(self.runs, self.violated, 0.025) <= delta


class Truth:
    """The true share of missed units at each threshold, by the whole policy over the whole world; each is counted once."""

    def __init__(self, world: World, unit: str) -> None:
        self.world, self.unit = world, unit
        self._at: dict[float | None, float] = {}

    def of(self, policy: ThresholdPolicy) -> float:
        """Return the true share under a policy."""
        threshold = policy.suppress_below
        if threshold not in self._at:
            self._at[threshold] = self.world.missed(policy, self.unit)
        return self._at[threshold]


def calibrations(world: World, unit: str, promise: Promise, runs: int, seed: int = 0) -> list[ThresholdPolicy]:
    """Return the policies of ``runs`` calibrations, each on three times as many campaigns as a proof without a miss needs."""
    random = np.random.default_rng(seed)
    scores, unit_from, count = world.units(unit), world.unit_from(unit), 3 * units_needed(*promise)
    return [policy_of(certificate_of(scores[resample(unit_from, count, random)], promise)) for _ in range(runs)]


def kept(truth: Truth, alpha: float, policies: Sequence[ThresholdPolicy]) -> Kept:
    """Hold policies against the truth."""
    granted = [policy for policy in policies if policy.suppress_below is not None]
    missed = [truth.of(policy) for policy in granted]
    return Kept(len(policies), len(granted), sum(share > alpha for share in missed), float(np.mean(missed or [0.0])))


def refusals(world: World, delta: float = 0.05) -> list[tuple[float, int, int, int]]:
    """Return for α of 1, 0.5 and 0.1 %: the positives needed, and the alerts suppressed with one fewer, and with so many."""
    found = []
    for alpha in (0.01, 0.005, 0.001):
        needed = units_needed(alpha, delta)
        hidden = [
            int(world.suppressed(policy_of(certificate_of(np.full(count, 0.99), Promise(alpha, delta)))).sum())
            for count in (needed - 1, needed)
        ]
        found.append((alpha, needed, hidden[0], hidden[1]))
    return found


def operate(world: World, policy: ThresholdPolicy, promise: Promise, *, rate: float, most: int, seed: int) -> int | None:
    """Return after how many incidents suppression is withdrawn; ``None`` if not after ``most``.

    Incidents come at random, the audit draws suppressed alerts at ``rate``, people judge what they see, the test runs on it.
    """
    random = np.random.default_rng(seed)
    suppressed, state = world.suppressed(policy), begin(*promise)
    drawn = (random.random(len(suppressed)) < rate).tolist()
    for number, incident in enumerate(random.permutation(len(world.alert_from) - 1)[:most].tolist(), 1):
        judged = [
            JudgedAlert(Unit("t", str(incident)), LOOKS, True, rate, drawn[i])
            if suppressed[i]
            else JudgedAlert(Unit("t", str(incident)), 1, False, 1.0)
            for i in range(world.alert_from[incident], world.alert_from[incident + 1])
        ]
        state = step(state, observe(judged).values())
        if state.fired:
            return number
    return None


def _say(what: str, value: str) -> None:
    sys.stdout.write(f"{what:66} {value}\n")
    sys.stdout.flush()


def _certificates(worlds: dict[str, World], rows: Sequence[tuple[str, str]], must: bool) -> None:
    for shape, unit in rows:
        truth = Truth(worlds[shape], unit)
        for promise in PROMISES:
            found = kept(truth, promise.alpha, calibrations(worlds[shape], unit, promise, RUNS))
            verdict = ("within δ" if found.within(promise.delta) else "NOT WITHIN δ") + ("" if must else ", a false proof")
            _say(
                f"{shape}, unit {unit}, α {promise.alpha}, δ {promise.delta}",
                f"{found.violated / found.runs:.3f} of {found.runs} violated: {verdict}; "
                f"{found.granted} granted, missed {found.missed:.4f} in the mean",
            )


def _shifted(calibration: World, runs: int = 40, most: int = 5_000) -> None:
    for promise in (Promise(0.05, 0.05), Promise(0.01, 0.05)):
        policies = calibrations(calibration, "incident", promise, RUNS)
        for harder in (0.0, HARDER):
            operation = World.make(0, CAMPAIGNS, **SHAPES[SHIFTED], harder=harder)
            found = kept(Truth(operation, "incident"), promise.alpha, policies)
            what = f"α {promise.alpha}, operation {'like calibration' if not harder else 'harder'}"
            _say(what, f"{found.violated / found.runs:.3f} violated, missed {found.missed:.4f}")
            for rate in (1.0, 0.1):
                some = [policy for policy in policies if policy.suppress_below is not None][:runs]
                ends = [operate(operation, one, promise, rate=rate, most=most, seed=seed) for seed, one in enumerate(some)]
                fired = [end for end in ends if end is not None]
                after = f", after {np.median(fired):,.0f} incidents (median)" if fired else ""
                _say(f"  audit of {rate:.0%}, at most {most:,} incidents", f"{len(fired)} of {len(ends)} withdrawn{after}")


def false_alarms(alpha: float, delta: float, drawn: float, length: int, runs: int) -> int:
    """Return how many of ``runs`` tests fire although just ``alpha`` is missed, the worst that the certificate allows."""
    random = np.random.default_rng(0)
    return sum(course(alpha, delta, [Leg(length, alpha, drawn)], random) is not None for _ in range(runs))


class Delay(NamedTuple):
    """How late a test fires: in true positives, in those that people saw, and in those of these that only the audit could show."""

    passed: float
    seen: float
    audited: float


def delays(alpha: float, delta: float, drawn: float, runs: int, calm: float = 1.0) -> tuple[int, list[Delay]]:
    """Return how many tests fire during 10⁴ observations in control, and how late the others once misses triple.

    ``calm``: what is missed in control, as a multiple of ``alpha``.
    """
    random, early, found = np.random.default_rng(1), 0, []
    rate = calm * alpha
    quiet = Leg(round(10_000 / (1.0 - rate * (1.0 - drawn))), rate, drawn)
    loud = Leg(math.ceil(1_500.0 / (alpha * drawn)), 3.0 * rate, drawn)
    before = Delay(quiet.length, quiet.length * (1.0 - rate * (1.0 - drawn)), quiet.length * rate * drawn)
    for _ in range(runs):
        fired = course(alpha, delta, [quiet, loud], random)
        if fired is None:
            found.append(Delay(math.inf, math.inf, math.inf))
        elif fired.position <= quiet.length:
            early += 1
        else:
            found.append(Delay(*np.subtract(fired, before).tolist()))
    return early, found


def _anytime() -> None:
    for drawn in (1.0, 0.1, 0.02):
        fired = false_alarms(0.05, 0.05, drawn, 1_000_000, 200)
        _say(f"α .05, δ .05, in control over 10⁶ true positives, audit {drawn:.0%}", f"{fired / 200:.3f} of 200 withdrawn")
    for alpha, calm in ((0.05, 1.0), (0.05, 0.5), (0.01, 1.0), (0.005, 1.0)):
        for drawn in (1.0, 0.1, 0.02):
            early, found = delays(alpha, 0.05, drawn, 200, calm)
            middle, late = Delay(*np.median(found, axis=0)), np.quantile([one.seen for one in found], 0.9)
            _say(
                f"α {alpha}, missed {calm * alpha:.3f}, after 10⁴ judged {3 * calm * alpha:.3f}, audit {drawn:.0%}",
                f"median {middle.seen:,.0f} judged true positives (90 %: {late:,.0f}), {middle.audited:,.0f} of them would be "
                f"suppressed; {middle.passed:,.0f} with those unseen; {early} of 200 withdrawn before",
            )


def main() -> None:
    """Print how often certificates are violated, what too few labels suppress, and when suppression is withdrawn."""
    worlds = {shape: World.make(0, CAMPAIGNS, **parameters) for shape, parameters in SHAPES.items()}
    _certificates(worlds, HONEST, must=True)
    _certificates(worlds, FALSE, must=False)
    for alpha, needed, fewer, enough in refusals(worlds["independent"]):
        _say(f"α {alpha}: alerts suppressed with {needed - 1:,} positives, and {needed:,}", f"{fewer}, {enough:,}")
    _shifted(worlds[SHIFTED])
    _anytime()


if __name__ == "__main__":
    main()
