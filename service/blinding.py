"""What a role may see of a decision: nobody who is about to judge an alert can tell whether it was drawn for the audit."""

from __future__ import annotations

from typing import Any

import msgspec

from features.label import Label
from models.decision import Decision, Reason, ReasonCode
from service.keys import Role

_ALL_SEEING = frozenset({Role.ADMIN, Role.SCIENTIST})
_DEFAULTS: dict[type[Any], Any] = {
    kind: {field.name: field.default for field in msgspec.structs.fields(kind)}["shown"] for kind in (Decision, Label)
}
"""The very objects: what is a default is left out of an answer by identity, not by value."""


def decision_for(role: Role, decision: Decision, judged: bool) -> Decision:
    """Return what ``role`` may see of a decision; ``judged``: a verdict on the alert is in force.

    The mark of the audit and the probability of having been shown are for admins and scientists. To an analyst an alert
    without a verdict shows neither score nor codes, as action what was published, and of the reasons only the facts, not for what they speak: together
    they would give the score away, and with it the draw.
    """
    if role in _ALL_SEEING:
        return decision
    if role is Role.ANALYST and not judged:
        facts = tuple(_fact(reason) for reason in decision.reasons)
        return msgspec.structs.replace(
            decision, action=decision.published_action, score=None, anomaly_score=None, reason_codes=(), reasons=facts, tier="",
            certificate="", shown=_DEFAULTS[Decision],
        )  # fmt: skip
    if decision.shown == 1.0 and ReasonCode.AUDIT not in decision.reason_codes:
        return decision
    codes = tuple(code for code in decision.reason_codes if code is not ReasonCode.AUDIT)
    return msgspec.structs.replace(decision, reason_codes=codes, shown=_DEFAULTS[Decision])


def label_for(role: Role, label: Label) -> Label:
    """Return what ``role`` may see of a label."""
    return label if role in _ALL_SEEING else msgspec.structs.replace(label, shown=_DEFAULTS[Label])


def _fact(reason: Reason) -> Reason:
    """Return a reason without the end of its sentence (see :mod:`models.reasons`), which says for what it speaks."""
    return Reason(reason.text.rpartition(" – ")[0], reason.feature, reason.value, 0.0)
