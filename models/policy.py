"""The threshold policy: from a score, and what is known beside it, to an action with its reasons."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.audit import Audit
from models.certificates.certificate import EVERY, Certificate
from models.certificates.costs import Costs
from models.certificates.objective import Aim
from models.decision import Action, BlastRadius, ReasonCode
from models.support import Outside

ACTIONS = tuple(Action)
CODES = tuple(ReasonCode)
_BIT = {code: np.int64(1 << i) for i, code in enumerate(CODES)}

_SUPPRESS, _QUEUE, _APPROVE, _RESPOND, _ESCALATE = (
    ACTIONS.index(a) for a in (Action.SUPPRESS, Action.QUEUE, Action.APPROVE, Action.RESPOND, Action.ESCALATE)
)
_RESPONSE_DOUBTS = np.int64(
    _BIT[ReasonCode.UNKNOWN_RULE] | _BIT[ReasonCode.OUT_OF_DISTRIBUTION] | _BIT[ReasonCode.MISSING_FEATURES]
)
"""Of what forbids suppression, what forbids a response as well."""

_NO_RATE = 2.0
"""Above every probability: the effective score of an alert that cannot be suppressed."""


class Limits(NamedTuple):
    """Thresholds on n alerts. ``suppress_below`` f8[n]: −∞ where nothing may be hidden; ``respond_from`` f8[n, len(TIERS)]: +∞
    where nothing may be done. ``kind`` i8[n] numbers alerts of the same groups (see :mod:`models.limits`).
    """

    suppress_below: NDArray[np.float64]
    respond_from: NDArray[np.float64]
    kind: NDArray[np.int64]

    def take(self, rows: NDArray[np.int64]) -> Limits:
        """Return the limits of some alerts."""
        return Limits(self.suppress_below[rows], self.respond_from[rows], self.kind[rows])


class Evidence(NamedTuple):
    """What a decision rests on besides the score; arrays of n alerts.

    ``habit`` is the decayed count of this rule on this entity over a day, the last minute left out (see
    :func:`models.evidence.habit`), ``missing`` the share of features that could not be read, ``outside`` how far it lies outside
    the support (see :class:`models.support.Outside`).
    """

    known_rule: NDArray[np.bool_]
    habit: NDArray[np.float64]
    missing: NDArray[np.float64]
    severity: NDArray[np.float64]
    criticality: NDArray[np.float64]
    indicator: NDArray[np.float64]
    decoy: NDArray[np.float64]
    outside: NDArray[np.float64]

    def take(self, rows: NDArray[np.int64]) -> Evidence:
        """Return the evidence of some alerts."""
        known, *others = (array[rows] for array in self)
        return Evidence(known.astype(np.bool_), *(array.astype(np.float64) for array in others))


class Guardrails(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions under which nothing is suppressed, whatever the score; they outrank the model."""

    severity_from: int = 5
    """OCSF severity_id from which an alert is never suppressed."""
    criticality_from: int = 4
    """Asset criticality (0–4) from which an alert is never suppressed."""
    habit_from: float = 1.0
    """A rule must have fired on the entity lately (decayed count over a day, without the last minute) before
    it may be suppressed there: to repeat at once makes nothing habitual."""
    missing_to: float = 0.5
    """The largest share of unreadable features with which an alert may be suppressed."""


class ThresholdPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Suppress below one threshold, respond from another, escalate from a third, queue all else; any doubt is ``queue``.

    ``certificates`` hold the thresholds of suppression and of each tier of response, over all alerts and by group (see
    :mod:`models.limits` for which is in force on an alert). ``escalate_from`` is not certified: it pages a person and automates
    nothing. ``costs``, if given, choose within what the certificates allow.
    """

    certificates: tuple[Certificate, ...]
    escalate_from: float | None
    guardrails: Guardrails = Guardrails()
    audit: Audit = Audit()
    costs: Costs | None = None

    def of(self, aim: Aim, tier: BlastRadius | None = None, group: str = EVERY) -> Certificate | None:
        """Return the certificate of that aim, tier and group, or ``None``."""
        found = (c for c in self.certificates if c.aim is aim and c.tier is tier and c.group == group)
        return next(found, None)

    @property
    def suppress_below(self) -> float | None:
        """The certified threshold over all alerts, or ``None``: a group's may only be lower."""
        certificate = self.of(Aim.SUPPRESSION)
        return certificate.threshold if certificate is not None and certificate.granted else None

    def decide(self, score: NDArray[np.float64], evidence: Evidence, limits: Limits) -> Ruling:
        """Decide on n alerts of calibrated ``score``, each within its own ``limits``."""
        doubts = doubt_bits(evidence, self.guardrails)
        actions = np.full(len(score), _QUEUE, np.int64)
        reasons = np.full(len(score), _BIT[ReasonCode.BETWEEN_THRESHOLDS], np.int64)
        reasons[np.isneginf(limits.suppress_below)] = _BIT[ReasonCode.NO_CERTIFICATE]
        cheap_below, cheap_from = self._costs(evidence)
        below = score < limits.suppress_below
        dear = np.where(score < cheap_below, 0, _BIT[ReasonCode.COSTS])
        clear = below & ((doubts | dear) == 0)
        actions[clear] = _SUPPRESS
        reasons[clear] = _BIT[ReasonCode.BELOW_THRESHOLD]
        reasons[below & ~clear] = (doubts | dear)[below & ~clear]
        if self.escalate_from is not None:
            above = score >= self.escalate_from
            actions[above] = _ESCALATE
            reasons[above] = _BIT[ReasonCode.ABOVE_THRESHOLD]
        tiers = (score[:, None] >= limits.respond_from).sum(axis=1)
        unsure = response_doubts(evidence, doubts)
        due = (tiers > 0) & (unsure == 0) & (score >= cheap_from)
        actions[due] = _RESPOND
        reasons[due] = _BIT[ReasonCode.ABOVE_THRESHOLD]
        held = (tiers > 0) & ~due & (actions != _ESCALATE)
        actions[held] = _APPROVE
        reasons[held] = np.where(unsure[held] != 0, unsure[held], _BIT[ReasonCode.COSTS])
        return Ruling(actions, reasons, np.where(due, tiers, 0))

    def _costs(self, evidence: Evidence) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return for each alert below which score it pays to hide it, and from which to respond."""
        if self.costs is not None:
            return self.costs.limits(evidence.criticality)
        n = len(evidence.criticality)
        return np.full(n, np.inf), np.full(n, -np.inf)


class Ruling(NamedTuple):
    """What was decided on n alerts: the index of each action in ``ACTIONS``, reason codes as bits (see :func:`codes`), and how
    many of ``TIERS`` are authorised, smallest blast radius first."""

    actions: NDArray[np.int64]
    reasons: NDArray[np.int64]
    tiers: NDArray[np.int64]

    @property
    def automatic(self) -> NDArray[np.bool_]:
        """Which of them rest on a certificate."""
        return np.isin(self.actions, (_SUPPRESS, _RESPOND))


def doubt_bits(evidence: Evidence, guardrails: Guardrails) -> NDArray[np.int64]:
    """Return, as reason-code bits, everything that forbids suppression; 0 where nothing does."""
    doubts = np.zeros(len(evidence.habit), np.int64)
    for code, holds in (
        (ReasonCode.UNKNOWN_RULE, ~evidence.known_rule),
        (ReasonCode.NOT_HABITUAL, ~(evidence.habit >= guardrails.habit_from)),
        (ReasonCode.OUT_OF_DISTRIBUTION, evidence.outside >= Outside.BENIGN),
        (ReasonCode.MISSING_FEATURES, evidence.missing > guardrails.missing_to),
        (ReasonCode.GUARDRAIL_SEVERITY, evidence.severity >= guardrails.severity_from),
        (ReasonCode.GUARDRAIL_ASSET, evidence.criticality >= guardrails.criticality_from),
        (ReasonCode.GUARDRAIL_INDICATOR, evidence.indicator > 0.0),
        (ReasonCode.GUARDRAIL_DECOY, evidence.decoy > 0.0),
    ):
        doubts[holds] |= _BIT[code]
    return doubts


def response_doubts(evidence: Evidence, doubts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what of ``doubts`` forbids a response as well: attacks, too, may have set the pace of what was seen."""
    seen = evidence.outside < Outside.JUDGED
    return np.asarray(
        doubts & np.where(seen, _RESPONSE_DOUBTS & ~_BIT[ReasonCode.OUT_OF_DISTRIBUTION], _RESPONSE_DOUBTS), np.int64
    )


def effective_score(score: NDArray[np.float64], evidence: Evidence, guardrails: Guardrails) -> NDArray[np.float64]:
    """Return the score as the whole decision sees it: above every threshold where a doubt forbids suppression."""
    return np.where(doubt_bits(evidence, guardrails) == 0, score, _NO_RATE)


def response_score(score: NDArray[np.float64], evidence: Evidence, guardrails: Guardrails) -> NDArray[np.float64]:
    """Return the score as a response sees it: below every threshold where a doubt forbids one."""
    return np.where(response_doubts(evidence, doubt_bits(evidence, guardrails)) == 0, score, -np.inf)


def bit(code: ReasonCode) -> int:
    """Return the bit of a reason code (see :func:`codes`)."""
    return int(_BIT[code])


_UNPACKED: dict[int, tuple[ReasonCode, ...]] = {}


def codes(bits: int) -> tuple[ReasonCode, ...]:
    """Return the reason codes that are set in ``bits``."""
    found = _UNPACKED.get(bits)
    if found is None:
        found = _UNPACKED[bits] = tuple(code for i, code in enumerate(CODES) if bits >> i & 1)
    return found
