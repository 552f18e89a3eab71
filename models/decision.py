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


class BlastRadius(StrEnum):
    """How much of the house feels a response: its tier."""

    MINIMAL = "minimal"
    """Hardly anybody: a sign-in again, one message, an address outside."""
    MODERATE = "moderate"
    """One host or account cannot work."""
    MAJOR = "major"
    """Work of many, or data, is lost or at stake."""


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
    OUT_OF_DISTRIBUTION = "out_of_distribution"
    GUARDRAIL_TACTIC = "guardrail_tactic"
    GUARDRAIL_TECHNIQUE = "guardrail_technique"
    NEVER_TOUCH = "never_touch"
    RESPONSE_CAP = "response_cap"
    COSTS = "costs"
    SHADOW = "shadow"
    ADVISE = "advise"
    WITHDRAWN = "withdrawn"
    KILL_SWITCH = "kill_switch"
    POLICY_UNREADABLE = "policy_unreadable"
    CERTIFICATE_WITHDRAWN = "certificate_withdrawn"
    INDICATOR_MATCHED = "indicator_matched"


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
    ``action`` is what thresholds and guardrails say; ``published_action`` what the tenant's mode lets out, and what downstream
    acts on. ``tier`` is the largest blast radius for which a response is authorised, ``""`` for none. ``bundle`` and ``policy``
    name the digests of the model and of the live policy, ``certificate`` that of the proof on which a suppression or response rests.
    """

    uid: str
    alert_uid: str
    tenant: str
    time: datetime
    revision: int
    action: Action
    published_action: Action
    priority: int
    score: float | None = None
    anomaly_score: float | None = None
    reason_codes: tuple[ReasonCode, ...] = ()
    reasons: tuple[Reason, ...] = ()
    tier: str = ""
    bundle: str = ""
    policy: str = ""
    certificate: str = ""
    shown: float = 1.0
    supersedes: str = ""
