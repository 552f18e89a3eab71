"""Deciding again on what is on record: stored features and facts, by the bundle and under the live policy that decided."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from features.encode import FactBlock, FactEncoder
from models.audit import luck
from models.bundle import ModelBundle, Scored
from models.decision import Action, ReasonCode
from models.engine import undecided
from models.errors import PolicyError
from models.limits import LimitTable
from models.live_guards import NEVER_TOUCH
from models.live_policy import LivePolicy
from models.live_rules import LiveRules
from models.rule_encoder import RuleTable

Responses = Callable[[str, float, float], Iterable[tuple[float, str]]]
"""Reads from the records when responses of a tenant were decided after one time and before another, and of which tier."""


class Case(NamedTuple):
    """A decision on record: what is needed beside features and fact, and what cannot be made again.

    ``priority`` and ``codes`` are those on record: the place of an audit draw is itself drawn from what was lately queued; and of an
    erased alert neither the lot nor whether it names what may not be touched can be known.
    """

    alert: Alert
    time: float
    policy: str
    priority: int
    codes: tuple[str, ...]
    erased: bool = False


class Made(NamedTuple):
    """A decision as the table of decisions holds it, under the names of its columns."""

    action: str
    published_action: str
    priority: int
    raw: float | None
    score: float | None
    anomaly: float | None
    reason_codes: str
    tier: str
    certificate: str
    shown: float


class Judge:
    """Decides as one bundle (or none) did. ``policies`` finds a version of the live policy by its digest."""

    def __init__(
        self,
        bundle: ModelBundle | None,
        encoder: FactEncoder,
        policies: Callable[[str], LivePolicy | None],
        responses: Responses = lambda _tenant, _since, _until: (),
    ) -> None:
        self._bundle, self._encoder, self._policies, self._responses = bundle, encoder, policies, responses
        self._limits = LimitTable(bundle.policy.certificates if bundle else (), encoder.rules, encoder.tenants)
        self._known = RuleTable(bundle.encoder, encoder.rules, encoder.tenants) if bundle else None
        self._rules: dict[str, LiveRules] = {}

    def decide(self, rows: NDArray[np.float64], facts: FactBlock, cases: Sequence[Case]) -> list[Made]:
        """Return the decisions on ``rows`` f8[n, F], a case each. Raises ``PolicyError`` when a version of the live policy is gone."""
        scored = self._scored(rows, facts)
        made: list[Made] = []
        for _, some in groupby(range(len(cases)), key=lambda i: (cases[i].policy, cases[i].time)):
            span = list(some)
            part = slice(span[0], span[-1] + 1)
            made += self._published(_cut(scored, part), facts.take(part), cases[part])
        return made

    def _scored(self, rows: NDArray[np.float64], facts: FactBlock) -> Scored:
        if self._bundle is None or self._known is None:
            return undecided(rows)
        return self._bundle.decide(rows, facts, self._known.read(facts)[1], self._limits)

    def _published(self, scored: Scored, facts: FactBlock, cases: Sequence[Case]) -> list[Made]:
        """Return what a batch came to: the live policy, then the audit's draw among what is published as suppressed."""
        now = cases[0].time
        rules = self._live(cases[0].policy, now)
        marks = rules.marks([case.alert for case in cases], now)
        marks |= np.array([NEVER_TOUCH * (case.erased and ReasonCode.NEVER_TOUCH in case.codes) for case in cases], np.int64)
        scored = rules.apply(scored, facts, marks, np.full(len(cases), now), now)
        shown, drawn = self._lots(scored, cases)
        return [
            _made(scored, i, case, shown=float(shown[i]), drawn=drawn[i], is_undecided=self._bundle is None)
            for i, case in enumerate(cases)
        ]

    def _live(self, digest: str, now: float) -> LiveRules:
        """Return the rules of a version; one that counts responses counts anew for each batch, up to it."""
        if digest not in self._rules:
            policy = self._policies(digest) if digest else None
            if digest and policy is None:
                raise PolicyError(digest, "this version of the live policy is gone")
            self._rules[digest] = LiveRules(policy, self._bundle, self._limits)
        rules = self._rules[digest]
        if not rules.policy.caps:
            return rules
        return LiveRules(rules.policy, self._bundle, self._limits, lambda tenant, since: self._responses(tenant, since, now))

    def _lots(self, scored: Scored, cases: Sequence[Case]) -> tuple[NDArray[np.float64], list[bool]]:
        """Return the probability of each to be shown, and whether it was drawn."""
        shown, drawn = np.ones(len(cases)), [False] * len(cases)
        below = [i for i, action in enumerate(scored.published) if action is Action.SUPPRESS]
        if self._bundle is None or not below:
            return shown, drawn
        shown[below] = self._bundle.propensity(scored.features[below])
        lots = luck(self._encoder.secret, [(cases[i].alert.tenant, cases[i].alert.uid) for i in below])
        for i, lot in zip(below, lots.tolist(), strict=True):
            drawn[i] = ReasonCode.AUDIT in cases[i].codes if cases[i].erased else bool(lot < shown[i])
        return shown, drawn


def _cut(scored: Scored, part: slice) -> Scored:
    columns: list[Any] = [column[part] for column in scored]
    return Scored(*columns)


def _made(scored: Scored, i: int, case: Case, *, shown: float, drawn: bool, is_undecided: bool) -> Made:
    codes = (*scored.reason_codes[i], ReasonCode.AUDIT) if drawn else scored.reason_codes[i]
    kept = drawn and ReasonCode.AUDIT in case.codes
    return Made(
        action=(Action.QUEUE if drawn else scored.actions[i]).value,
        published_action=(Action.QUEUE if drawn else scored.published[i]).value,
        priority=case.priority if kept else int(scored.priority[i]),
        raw=None if is_undecided else float(scored.raw[i]),
        score=None if is_undecided else float(scored.score[i]),
        anomaly=None if is_undecided else float(scored.anomaly[i]),
        reason_codes=" ".join(codes),
        tier=scored.tiers[i],
        certificate=scored.certificates[i],
        shown=shown,
    )
