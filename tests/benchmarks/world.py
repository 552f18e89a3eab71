"""A world whose true misses are known, to hold certificates against: alerts of incidents of campaigns, and the product's own decisions.

It is finite, and calibrations are drawn from it with replacement, so that the truth of a threshold is counted, not estimated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.certificates.certificate import Certificate
from models.certificates.certifier import certify_pooled
from models.certificates.objective import TIERS, Objective
from models.decision import Action
from models.policy import ACTIONS, Evidence, Guardrails, Limits, ThresholdPolicy, effective_score

_SUPPRESS = ACTIONS.index(Action.SUPPRESS)


class Promise(NamedTuple):
    """At most ``alpha`` is missed; the risk that this is wrong is ``delta``."""

    alpha: float
    delta: float


def certificate_of(unit_scores: NDArray[np.float64], promise: Promise) -> Certificate:
    """Return the product's certificate of units. With :func:`policy_of` the one place that knows how the product certifies."""
    text = f"maximum suppression @ missed_incidents <= {promise.alpha}, confidence {1.0 - promise.delta}"
    objective = Objective(text, *promise)
    return certify_pooled(unit_scores, objective, unit="incident", assumption="own", window=("a", "b"))


def policy_of(certificate: Certificate) -> ThresholdPolicy:
    """Return the product's policy under a certificate."""
    return ThresholdPolicy(certificates=(certificate,), escalate_from=0.95)


class World(NamedTuple):
    """Alerts in the order of their incidents, incidents in the order of their campaigns; all of them attacks.

    ``alert_from`` i8[incidents + 1] and ``incident_from`` i8[campaigns + 1]: where each begins.
    """

    score: NDArray[np.float64]
    evidence: Evidence
    alert_from: NDArray[np.int64]
    incident_from: NDArray[np.int64]

    @classmethod
    def make(cls, seed: int, campaigns: int, *, incidents: float, alerts: float, alike: float, harder: float = 0.0) -> World:
        """Return a world of campaigns with 1 + Poisson(``incidents``) incidents of 1 + Poisson(``alerts``) alerts.

        ``alike`` in [0, 1]: how much of the variance of an alert's log-odds, and of what holds its suppression back, is its
        campaign's. ``harder`` is taken off the log-odds of every alert, and of that many in ten nothing holds them back any more.
        """
        random = np.random.default_rng(seed)
        incident_from = _starts(1 + random.poisson(incidents, campaigns))
        alert_from = _starts(1 + random.poisson(alerts, incident_from[-1]))
        campaign = np.repeat(np.repeat(np.arange(campaigns), np.diff(incident_from)), np.diff(alert_from))
        n = len(campaign)

        def mixed() -> NDArray[np.float64]:
            own, common = random.standard_normal(n), random.standard_normal(campaigns)[campaign]
            return np.asarray(np.sqrt(alike) * common + np.sqrt(1.0 - alike) * own, np.float64)

        score = 1.0 / (1.0 + np.exp(-(1.0 - harder + 3.0 * mixed())))
        held = mixed() - 0.3 * harder
        evidence = Evidence(
            known_rule=held < 1.3,
            habit=np.where((held > 0.3) & (held < 1.0), 0.2, 5.0),
            missing=np.zeros(n),
            severity=np.where((held >= 1.0) & (held < 1.3), 5.0, 3.0),
            criticality=np.where(random.random(n) < 0.02, 4.0, 1.0),
            indicator=np.zeros(n),
            decoy=np.zeros(n),
            outside=np.zeros(n),
        )
        return cls(score, evidence, alert_from, incident_from)

    def suppressed(self, policy: ThresholdPolicy) -> NDArray[np.bool_]:
        """Return for each alert whether the policy suppresses it: score, habit and guardrails."""
        n, below = len(self.score), policy.suppress_below
        limits = Limits(np.full(n, -np.inf if below is None else below), np.full((n, len(TIERS)), np.inf), np.zeros(n, np.int64))
        return np.asarray(policy.decide(self.score, self.evidence, limits).actions == _SUPPRESS, np.bool_)

    def units(self, unit: str) -> NDArray[np.float64]:
        """Return what each unit scores, as training has it: an ``incident`` by its highest alert as the whole decision sees it.

        An ``alert`` speaks for itself. For a ``campaign`` the incident speaks that is missed first.
        """
        alert = effective_score(self.score, self.evidence, Guardrails())
        if unit == "alert":
            return alert
        incident = np.maximum.reduceat(alert, self.alert_from[:-1])
        return incident if unit == "incident" else np.minimum.reduceat(incident, self.incident_from[:-1])

    def missed(self, policy: ThresholdPolicy, unit: str) -> float:
        """Return the true share of units that are missed: incidents of which all alerts are suppressed, campaigns with such a one."""
        alert = self.suppressed(policy)
        if unit == "alert":
            return float(alert.mean())
        incident = np.logical_and.reduceat(alert, self.alert_from[:-1])
        return float((incident if unit == "incident" else np.logical_or.reduceat(incident, self.incident_from[:-1])).mean())

    def unit_from(self, unit: str) -> NDArray[np.int64]:
        """Return i8[campaigns + 1]: where the units of each campaign begin."""
        if unit == "campaign":
            return np.arange(len(self.incident_from))
        return self.incident_from if unit == "incident" else self.alert_from[self.incident_from]


def resample(unit_from: NDArray[np.int64], count: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Return the units of ``count`` campaigns drawn with replacement: what is independent is drawn, with all that hangs on it."""
    picked = random.integers(0, len(unit_from) - 1, count)
    sizes = unit_from[picked + 1] - unit_from[picked]
    return np.asarray(np.repeat(unit_from[picked] - _starts(sizes)[:-1], sizes) + np.arange(sizes.sum()), np.int64)


def _starts(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
