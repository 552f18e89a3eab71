"""What the machine says of an alert: the action, its score, and why."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec


class Action(StrEnum):
    """What downstream automation is told to do. ``queue`` is the default and the answer to any doubt."""

    SUPPRESS = "suppress"
    QUEUE = "queue"
    APPROVE = "approve"
    RESPOND = "respond"
    ESCALATE = "escalate"


class ReasonCode(StrEnum):
    """Why the action is what it is, in one word that a machine can act on."""

    BELOW_THRESHOLD = "below_threshold"
    ABOVE_THRESHOLD = "above_threshold"
    BETWEEN_THRESHOLDS = "between_thresholds"
    NO_CERTIFICATE = "no_certificate"
    AUDIT = "audit"
    NOT_HABITUAL = "not_habitual"
    UNKNOWN_RULE = "unknown_rule"
    MISSING_FEATURES = "missing_features"
    GUARDRAIL_SEVERITY = "guardrail_severity"
    GUARDRAIL_ASSET = "guardrail_asset"
    GUARDRAIL_INDICATOR = "guardrail_indicator"
    GUARDRAIL_DECOY = "guardrail_decoy"
    NO_MODEL = "no_model"
    UNSCORED = "unscored"
    INCIDENT_ESCALATED = "incident_escalated"


class Reason(msgspec.Struct, frozen=True, gc=False):
    """One sentence in an analyst's words. ``contribution`` is signed, in log-odds: positive speaks for an attack."""

    text: str
    feature: str
    value: float | None
    contribution: float


class Decision(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One revision of what was decided about one alert; never edited.

    ``score`` is the calibrated probability of a true positive, ``priority`` 0–100 its place in the queue,
    ``anomaly_score`` the surprisal in bits, higher is more abnormal. ``score`` is ``None`` where no model spoke.
    ``shown`` is the probability with which it came before a person: below 1 where it was drawn from the would-be suppressed.
    """

    uid: str
    alert_uid: str
    tenant: str
    time: datetime
    revision: int
    action: Action
    priority: int
    score: float | None = None
    anomaly_score: float | None = None
    reason_codes: tuple[ReasonCode, ...] = ()
    reasons: tuple[Reason, ...] = ()
    bundle: str = ""
    certificate: str = ""
    shown: float = 1.0
    supersedes: str = ""
