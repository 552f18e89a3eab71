"""The audit draw of the running service: some of what the policy would suppress goes to a person, looking like all else there."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from models.audit import luck
from models.bundle import ModelBundle, Scored
from models.decision import Action, ReasonCode

RING = 256
"""So many priorities of alerts lately queued are remembered for each tenant."""
_UNDECIDED_PRIORITY = 50


class Auditor:
    """Draws by the luck of each alert, which does not depend on how alerts come together: a replay draws the same.

    ``lately`` reads from the records the priorities of the alerts last queued for a tenant, oldest first.
    """

    def __init__(self, secret: bytes, lately: Callable[[str], Iterable[int]]) -> None:
        self._secret, self._lately = secret, lately
        self._rings: dict[str, deque[int]] = {}

    def draw(self, alerts: Sequence[Alert], scored: Scored, bundle: ModelBundle | None) -> tuple[Scored, NDArray[np.float64]]:
        """Return what is decided after the draw, and f8[n]: the probability with which each alert comes before a person.

        Lots are drawn among what is published as suppressed; whatever else is suppressed, people see anyway.

        One that was drawn is queued at a priority taken from those lately queued, so that its place does not tell it apart.
        """
        shown = np.ones(len(alerts))
        if bundle is None or bundle.policy.suppress_below is None:
            return scored, shown
        below = np.array([i for i, action in enumerate(scored.published) if action is Action.SUPPRESS], np.int64)
        shown[below] = bundle.propensity(scored.features[below])
        lot = np.ones(len(alerts))
        lot[below] = luck(self._secret, [(alerts[i].tenant, alerts[i].uid) for i in below.tolist()])
        actions, published, codes = list(scored.actions), list(scored.published), list(scored.reason_codes)
        priority = scored.priority.copy()
        for i, alert in enumerate(alerts):
            if published[i] is Action.QUEUE:
                self._ring(alert.tenant).append(int(priority[i]))
            elif published[i] is Action.SUPPRESS and lot[i] < shown[i]:
                actions[i] = published[i] = Action.QUEUE
                codes[i] = (*codes[i], ReasonCode.AUDIT)
                priority[i] = self._place(alert.tenant, float(lot[i] / shown[i]))
        return scored._replace(actions=actions, published=published, reason_codes=codes, priority=priority), shown

    def _place(self, tenant: str, chance: float) -> int:
        """Return one of the priorities lately queued; ``chance`` in [0, 1) says which."""
        ring = self._ring(tenant)
        return ring[int(chance * len(ring))] if ring else _UNDECIDED_PRIORITY

    def _ring(self, tenant: str) -> deque[int]:
        if tenant not in self._rings:
            self._rings[tenant] = deque(self._lately(tenant), RING)
        return self._rings[tenant]
