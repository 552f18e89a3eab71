"""The threshold policy: from a score, and what is known beside it, to an action with its reasons."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.audit import Audit
from models.certificate import Certificate, Status
from models.decision import Action, ReasonCode

ACTIONS = tuple(Action)
CODES = tuple(ReasonCode)
_BIT = {code: np.int64(1 << i) for i, code in enumerate(CODES)}

_SUPPRESS, _QUEUE, _ESCALATE = (ACTIONS.index(a) for a in (Action.SUPPRESS, Action.QUEUE, Action.ESCALATE))

_NO_RATE = 2.0
"""Above every probability: the effective score of an alert that cannot be suppressed."""


class Evidence(NamedTuple):
    """What a decision rests on besides the score; arrays of n alerts.

    ``habit`` is the decayed count of this rule on this entity over a day (NaN: no entity), ``missing`` the share of
    features that could not be read.
    """

    known_rule: NDArray[np.bool_]
    habit: NDArray[np.float64]
    missing: NDArray[np.float64]
    severity: NDArray[np.float64]
    criticality: NDArray[np.float64]
    indicator: NDArray[np.float64]
    decoy: NDArray[np.float64]

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
    """A rule must have fired on the entity lately (decayed count over a day) before it may be suppressed there."""
    missing_to: float = 0.5
    """The largest share of unreadable features with which an alert may be suppressed."""


class ThresholdPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Suppress below one threshold, escalate from another, queue all else; any doubt is ``queue``.

    ``suppress_below`` is ``None`` where the certificate was refused. ``escalate_from`` is not certified: it pages a
    person and automates nothing.
    """

    certificates: tuple[Certificate, ...]
    escalate_from: float | None
    guardrails: Guardrails = Guardrails()
    audit: Audit = Audit()

    @property
    def suppress_below(self) -> float | None:
        """The certified threshold, or ``None``."""
        certificate = self.certificates[0]
        return certificate.threshold if certificate.status is Status.GRANTED else None

    def decide(self, score: NDArray[np.float64], evidence: Evidence) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return for each alert the index of its action in ``ACTIONS`` and its reason codes as bits (see :func:`codes`)."""
        doubts = doubt_bits(evidence, self.guardrails)
        actions = np.full(len(score), _QUEUE, np.int64)
        reasons = np.full(len(score), _BIT[ReasonCode.BETWEEN_THRESHOLDS], np.int64)
        if self.suppress_below is None:
            reasons[:] = _BIT[ReasonCode.NO_CERTIFICATE]
        else:
            below = score < self.suppress_below
            clear = below & (doubts == 0)
            actions[clear] = _SUPPRESS
            reasons[clear] = _BIT[ReasonCode.BELOW_THRESHOLD]
            reasons[below & ~clear] = doubts[below & ~clear]
        if self.escalate_from is not None:
            above = score >= self.escalate_from
            actions[above] = _ESCALATE
            reasons[above] = _BIT[ReasonCode.ABOVE_THRESHOLD]
        return actions, reasons


def doubt_bits(evidence: Evidence, guardrails: Guardrails) -> NDArray[np.int64]:
    """Return, as reason-code bits, everything that forbids suppression; 0 where nothing does."""
    doubts = np.zeros(len(evidence.habit), np.int64)
    for code, holds in (
        (ReasonCode.UNKNOWN_RULE, ~evidence.known_rule),
        (ReasonCode.NOT_HABITUAL, ~(evidence.habit >= guardrails.habit_from)),
        (ReasonCode.MISSING_FEATURES, evidence.missing > guardrails.missing_to),
        (ReasonCode.GUARDRAIL_SEVERITY, evidence.severity >= guardrails.severity_from),
        (ReasonCode.GUARDRAIL_ASSET, evidence.criticality >= guardrails.criticality_from),
        (ReasonCode.GUARDRAIL_INDICATOR, evidence.indicator > 0.0),
        (ReasonCode.GUARDRAIL_DECOY, evidence.decoy > 0.0),
    ):
        doubts[holds] |= _BIT[code]
    return doubts


def effective_score(score: NDArray[np.float64], evidence: Evidence, guardrails: Guardrails) -> NDArray[np.float64]:
    """Return the score as the whole decision sees it: above every threshold where a doubt forbids suppression."""
    return np.where(doubt_bits(evidence, guardrails) == 0, score, _NO_RATE)


_UNPACKED: dict[int, tuple[ReasonCode, ...]] = {}


def codes(bits: int) -> tuple[ReasonCode, ...]:
    """Return the reason codes that are set in ``bits``."""
    found = _UNPACKED.get(bits)
    if found is None:
        found = _UNPACKED[bits] = tuple(code for i, code in enumerate(CODES) if bits >> i & 1)
    return found
