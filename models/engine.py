"""The scoring engine: facts in, judgement out, state kept. The one path of the service and of ``tamis score``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert, Rule, from_epoch
from features.counters import CounterState
from features.default_view import DEFAULT_VIEW
from features.encode import FactBlock, FactEncoder
from models.bundle import ModelBundle, Scored
from models.decision import Action, ReasonCode
from models.limits import LimitTable
from models.rule_encoder import RuleEncoder, RuleTable

_UNDECIDED_PRIORITY = 50


class ScoringEngine:
    """Reads features as of then, folds the facts, decides. One thread at a time.

    Without a bundle each alert is queued with reason ``no_model``; the facts are folded all the same.
    """

    def __init__(
        self, bundle: ModelBundle | None, encoder: FactEncoder, state: CounterState | None = None, max_keys: int = 2**22
    ) -> None:
        self.bundle = bundle
        self.encoder = encoder
        self.view = bundle.view if bundle else DEFAULT_VIEW
        self.state = state if state is not None else CounterState(self.view.spec, encoder.secret, max_keys)
        self._rules = RuleTable(bundle.encoder if bundle else _BLANK, encoder.rules, encoder.tenants)
        self.limits = LimitTable(bundle.policy.certificates if bundle else (), encoder.rules, encoder.tenants)
        self._program = self.view.compiled()

    @property
    def counter_digest(self) -> str:
        """What the state depends on: the counter specification."""
        return counter_digest(self.bundle)

    def score(self, block: FactBlock) -> Scored:
        """Judge the alerts of ``block`` in order, each by what was known before it, and fold them."""
        values, known = self._rules.read(block)
        wide = block.widen(values)
        features = np.full((len(block), len(self.view.features)), np.nan)
        self.state.walk(wide, *self._program, features)
        if self.bundle is None:
            return undecided(features)
        return self.bundle.decide(features, wide, known, self.limits)

    def fold(self, block: FactBlock) -> None:
        """Fold alerts and labels without judging them."""
        values, _ = self._rules.read(block)
        self.state.walk(block.widen(values), *self._program, np.zeros((0, len(self.view.features))))


_BLANK = RuleEncoder(0.5, {})


def counter_digest(bundle: ModelBundle | None) -> str:
    """Return the digest of the counters that ``bundle`` needs."""
    return bundle.view.spec.digest if bundle else DEFAULT_VIEW.spec.digest


def undecided(features: NDArray[np.float64]) -> Scored:
    """Return what is decided where no model speaks."""
    n = len(features)
    nothing = np.full(n, np.nan)
    return Scored(
        features,
        nothing,
        nothing,
        np.full(n, _UNDECIDED_PRIORITY, np.int64),
        nothing,
        [Action.QUEUE] * n,
        [(ReasonCode.NO_MODEL,)] * n,
        [Action.QUEUE] * n,
        [""] * n,
        [""] * n,
    )


def warm_up(bundle: ModelBundle | None) -> None:
    """Score once aside, so that the first alert does not wait for the kernel to be compiled."""
    time = from_epoch(0.0)
    engine = ScoringEngine(bundle, FactEncoder(bytes(32)))
    engine.score(engine.encoder.alerts([Alert(uid="-", tenant="-", time=time, received_time=time, product="-", rule=Rule("-"))]))


__all__ = ["ScoringEngine", "counter_digest", "undecided", "warm_up"]
