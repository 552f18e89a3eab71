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
        self._read()

    @property
    def digest(self) -> str:
        """What decisions call the version in force; ``""`` where none can be read."""
        return self.policy.digest if self.policy is not None else ""

    def look(self) -> None:
        """Take up a newer version if there is one. While one is refused it is tried again: what keeps it from being read may pass."""
        if self.refused or self.store.stamp(self._seen) != self._stamp or self.store.stamp(self._seen + 1) is not None:
            self._read()

    def current(self) -> LivePolicy | None:
        """Return what is in force for who decides something beside the scorer: a version that it has not met yet at once, too."""
        known = self.store.stamp(self._seen) == self._stamp and self.store.stamp(self._seen + 1) is None
        return self.policy if known else self.store.last_good()[0]

    def judge(self, scored: Scored, alerts: Sequence[Alert], block: FactBlock, engine: ScoringEngine, now: float) -> Scored:
        """Return what is decided and published of alerts under the version in force."""
        if engine is not self._engine:
            self._engine, self._rules = engine, LiveRules(self.policy, engine.bundle, engine.limits, self._lately)
        at: NDArray[np.float64] = np.full(len(alerts), now)
        return self._rules.apply(scored, block, self._rules.marks(alerts, now), at, now)

    def forget(self) -> None:
        """Count responses anew from the records: some that were counted were not stored."""
        self._engine = None

    def _read(self) -> None:
        try:
            newest = self.store.newest()
        except PolicyError as error:  # whatever was said since may be a stop
            self._take(None, str(error))
            return
        stamp = self.store.stamp(newest)
        self._take(*self.store.last_good(newest))
        self._seen, self._stamp = newest, stamp

    def _take(self, policy: LivePolicy | None, refusal: str) -> None:
        if policy != self.policy:
            self.policy, self._engine = policy, None
            if policy is not None:
                POLICY_VERSION.set(policy.version)
                log.info("policy version %d (%s) is in force", policy.version, policy.digest)
        if refusal and refusal != self.refused:
            stays = "the last good one stays in force" if policy else "nothing is automated until it can be read"
            log.error("%s; %s", refusal, stays)
        self.refused = refusal
        POLICY_REFUSED.set(bool(refusal))
