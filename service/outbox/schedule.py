"""When a message is sent again: the schedule that Standard Webhooks 1.0 gives, over three days."""

from __future__ import annotations

from service.outbox.records import State
from service.outbox.sender import Outcome

DELAYS = (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600, 20 * 3600, 24 * 3600)
"""Seconds before each attempt, counted from the one before."""
JITTER = 0.1
"""At most this share is added to a delay, so that what failed together is not tried again together."""
_GONE = 410


def judge(attempts: int, outcome: Outcome, luck: float) -> tuple[State, float]:
    """Return what becomes of a delivery after ``attempts`` and this one, and how many seconds to wait; ``luck`` in [0, 1)."""
    if not outcome.error:
        return State.SENT, 0.0
    if outcome.status == _GONE:
        return State.DISABLED, 0.0
    if attempts + 1 >= len(DELAYS):
        return State.FAILED, 0.0
    return State.PENDING, max(DELAYS[attempts + 1] * (1 + JITTER * luck), outcome.retry_after)
