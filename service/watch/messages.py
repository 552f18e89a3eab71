"""What the outside is told when a certificate is withdrawn."""

from __future__ import annotations

from models.live_policy import EVERYWHERE, Withdrawal
from models.withdrawal import AnytimeTest
from service.outbox.message import Message, Severity


def message_of(tenant: str, withdrawal: Withdrawal, state: AnytimeTest) -> Message:
    """Return ``certificate.withdrawn`` for a tenant: nothing rests on that certificate any more, and what it hid comes back."""
    whom = "all alerts" if not withdrawal.group else withdrawal.group
    return Message.make(
        "certificate.withdrawn", tenant, time=withdrawal.time, subject=withdrawal.certificate,
        summary=f"Suppression of {whom} is withdrawn: {withdrawal.note}", severity=Severity.CRITICAL,
        data={
            "certificate": withdrawal.certificate, "group": withdrawal.group, "everywhere": withdrawal.tenant == EVERYWHERE,
            "evidence": withdrawal.evidence, "threshold": 1.0 / state.delta, "alpha": state.alpha, "observed": state.observed,
            "suppressed": state.suppressed,
        },
    )  # fmt: skip
