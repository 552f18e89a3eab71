"""The live policy of the running service: a newer version is in force from the next batch on, in whatever process it was made."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from features.encode import FactBlock
from models.bundle import Scored
from models.engine import ScoringEngine
from models.errors import PolicyError
from models.live_policy import LivePolicy
from models.live_rules import Lately, LiveRules
from models.policy_store import PolicyStore
from service.metrics import POLICY_REFUSED, POLICY_VERSION

log = logging.getLogger(__name__)


class LiveWatch:
    """Keeps the last good version. To look whether there is a newer one costs one look at the disk; nothing is scored before it."""

    def __init__(self, store: PolicyStore, lately: Lately) -> None:
        self.store = store
        self.policy: LivePolicy | None = None
        self.refused = ""
        """Why the newest version is not in force; empty when it is."""
        self._lately = lately
        self._seen = 0
        self._stamp: tuple[int, int, int] | None = None
        self._engine: ScoringEngine | None = None
        self._rules: LiveRules
        self._restore()

    @property
    def digest(self) -> str:
        """What decisions call the version in force; ``""`` where none can be read."""
        return self.policy.digest if self.policy is not None else ""

    def look(self) -> None:
        """Take up a newer version if there is one. One that is refused leaves the last good one in force."""
        if self.store.stamp(self._seen) != self._stamp:
            self._restore()  # somebody removed or replaced the file itself
        while (stamp := self.store.stamp(self._seen + 1)) is not None:
            self._seen, self._stamp = self._seen + 1, stamp
            try:
                self._take(self.store.read(self._seen))
            except PolicyError as error:
                self._refuse(str(error))

    def judge(self, scored: Scored, alerts: Sequence[Alert], block: FactBlock, engine: ScoringEngine, now: float) -> Scored:
        """Return what is decided and published of alerts under the version in force."""
        if engine is not self._engine:
            self._engine, self._rules = engine, LiveRules(self.policy, engine.bundle, engine.limits, self._lately)
        at: NDArray[np.float64] = np.full(len(alerts), now)
        return self._rules.apply(scored, block, self._rules.marks(alerts, now), at, now)

    def forget(self) -> None:
        """Count responses anew from the records: some that were counted were not stored."""
        self._engine = None

    def _restore(self) -> None:
        self._seen = self.store.newest()
        self._stamp = self.store.stamp(self._seen)
        policy, refusal = self.store.last_good(self._seen)
        self.policy = self._engine = None
        if policy is not None:
            self._take(policy)
        if refusal:
            self._refuse(refusal)

    def _take(self, policy: LivePolicy) -> None:
        self.policy, self.refused, self._engine = policy, "", None
        POLICY_VERSION.set(policy.version)
        POLICY_REFUSED.set(0)
        log.info("policy version %d (%s) is in force", policy.version, policy.digest)

    def _refuse(self, reason: str) -> None:
        self.refused = reason
        POLICY_REFUSED.set(1)
        log.error(
            "%s; %s", reason, "the last good one stays in force" if self.policy else "nothing is automated until one can be read"
        )
