"""The live policy applied to what was decided: guardrails change the action, modes and the rest only what is published.

Nothing here ever makes an action more automatic. Order: guardrails (nothing is suppressed that they keep; nothing responded to that
may not be touched or is above a cap), then stop, withdrawal and mode. The audit's draw comes afterwards, among what is then
published as suppressed: what a person sees anyway draws no lot.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from features.encode import VALUES, FactBlock
from models.bundle import ModelBundle, Scored
from models.certificates.objective import TIERS
from models.decision import Action, ReasonCode
from models.evidence import habit
from models.limits import LimitTable
from models.live_guards import NEVER_TOUCH, Guards, guards_of, parted
from models.live_policy import EVERYWHERE, LONGEST_SECONDS, Cap, LivePolicy, Mode, holds, stopped
from models.mandate import NOTHING, Mandate, effective, mandate
from models.policy import Evidence, bit, codes

_TIER = {tier.value: number for number, tier in enumerate(TIERS, 1)} | {"": 0}
_AUTOMATIC = frozenset({Action.SUPPRESS, Action.RESPOND})
_UNREADABLE = LivePolicy()
_UNREAD = bit(ReasonCode.MISSING_FEATURES)

Lately = Callable[[str, float], Iterable[tuple[float, str]]]
"""Reads from the records when responses of a tenant were decided since a time (epoch seconds), and of which tier."""


def _none(_tenant: str, _since: float) -> Iterable[tuple[float, str]]:
    return ()


class _Count:
    """Responses by tenant: when each was decided and its tier."""

    def __init__(self, lately: Lately) -> None:
        self._lately = lately
        self._times: dict[tuple[str, int], list[float]] = {}
        self._since: dict[str, float] = {}

    def room(self, tenant: str, cap: Cap, at: float) -> bool:
        """Whether a cap leaves room for one more at a time."""
        since = at - cap.window_seconds
        if since < self._since.get(tenant, math.inf):
            self._read(tenant, since)
        tiers = range(_TIER[cap.tier.value], len(TIERS) + 1)
        times = [self._times.get((tenant, tier), []) for tier in tiers]
        return sum(bisect_right(some, at) - bisect_right(some, since) for some in times) < cap.most

    def add(self, tenant: str, tier: str, at: float) -> None:
        """Note a response, once it was asked whether there is room."""
        times = self._times.setdefault((tenant, _TIER[tier]), [])
        times.insert(bisect_right(times, at), at)
        del times[: bisect_right(times, at - LONGEST_SECONDS)]

    def _read(self, tenant: str, since: float) -> None:
        known = self._since.get(tenant, math.inf)
        self._since[tenant] = since
        for at, tier in self._lately(tenant, since):
            if at < known:
                self.add(tenant, tier, at)


class _Standing(NamedTuple):
    """How alerts of a kind stand: ``withdrawn`` for suppression and for each tier."""

    stopped: bool
    mode: Mode
    withdrawn: tuple[bool, ...]


class LiveRules:
    """One version of the live policy over one bundle's decisions. ``policy`` is ``None`` where none can be read: nothing is automatic.

    What follows from both is worked out once for each kind of alerts (see :class:`LimitTable`), and anew when an entry expires.
    """

    def __init__(self, policy: LivePolicy | None, bundle: ModelBundle | None, limits: LimitTable, lately: Lately = _none) -> None:
        self.readable, self.policy = policy is not None, policy if policy is not None else _UNREADABLE
        self.digest = self.policy.digest if self.readable else ""
        self.bundle, self._limits = bundle, limits
        self._count = _Count(lately)
        self._parts = parted(self.policy)
        self._guarded = bool(self.policy.never_suppress or self.policy.never_touch or self.policy.caps) or (
            self.policy.habit_from is not None or self.policy.missing_to is not None
        )
        self._mandates: dict[tuple[str, str], Mandate] = {}
        self._forget(-math.inf)

    # -- guardrails --------------------------------------------------------------------------------------------------

    def marks(self, alerts: Sequence[Alert], now: float) -> NDArray[np.int64]:
        """Return, as reason-code bits i8[n], what guardrails say of names in alerts that are not among their facts."""
        self._look_at_the_clock(now)
        found = np.zeros(len(alerts), np.int64)
        if self._guarded:
            for i, alert in enumerate(alerts):
                guards = self._guards_of(alert.tenant)
                if guards.named:
                    found[i] = guards.marks(alert)
        return found

    def apply(self, scored: Scored, block: FactBlock, marks: NDArray[np.int64], at: NDArray[np.float64], now: float) -> Scored:
        """Return what is decided and published of n alerts, whose facts are ``block`` and marks are ``marks``.

        ``at`` f8[n]: when each is decided, epoch seconds, by which responses are counted; ``now``: by which entries expire.
        """
        rows = np.array([i for i, action in enumerate(scored.actions) if action is not Action.QUEUE], np.int64)
        if not len(rows):
            return scored._replace(published=scored.actions)
        self._look_at_the_clock(now)
        facts = block.take(rows)
        made = scored._replace(
            actions=list(scored.actions), reason_codes=list(scored.reason_codes), tiers=list(scored.tiers),
            certificates=list(scored.certificates),
        )  # fmt: skip
        if self._guarded:
            self._guard(made, rows, facts, marks, at)
        kinds = self._limits.kinds(facts).tolist()
        published = list(made.actions)
        for i, kind in zip(rows.tolist(), kinds, strict=True):
            published[i], code = self._let_out(made.actions[i], made.tiers[i], kind)
            if code is not None:
                made.reason_codes[i] = (*made.reason_codes[i], code)
        return made._replace(published=published)

    def _guard(
        self, made: Scored, rows: NDArray[np.int64], facts: FactBlock, marks: NDArray[np.int64], at: NDArray[np.float64]
    ) -> None:
        """Take back, in place, what guardrails forbid among ``rows``, whose ``facts`` are given."""
        kinds, kind = np.unique(self._limits.kinds(facts), return_inverse=True)
        tenants = [self._limits.place(number)[0] for number in kinds.tolist()]
        kept = marks[rows] & ~NEVER_TOUCH | self._kept(made.features[rows], facts, tenants, kind.reshape(-1))
        respond = np.array([made.actions[i] is Action.RESPOND for i in rows.tolist()], bool)
        for place in np.flatnonzero((kept != 0) | respond).tolist():
            i, bits = int(rows[place]), int(kept[place])
            if made.actions[i] is Action.SUPPRESS:
                _take_back(made, i, Action.QUEUE, codes(bits))
            elif respond[place]:
                bits = bits & _UNREAD | int(marks[i]) & NEVER_TOUCH
                held = self._held(tenants[kind[place]], bits, made.tiers[i], float(at[i]))
                if held:
                    _take_back(made, i, Action.APPROVE, held)

    def _kept(
        self, features: NDArray[np.float64], facts: FactBlock, tenants: list[str], kind: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Return, as reason-code bits, what the facts forbid to suppress; ``kind`` i8[n] indexes ``tenants``."""
        found = np.zeros(len(facts), np.int64)
        guards = [self._guards_of(tenant) for tenant in tenants]
        numbers = {id(one): number for number, one in enumerate(guards)}
        which = np.array([numbers[id(one)] for one in guards], np.int64)[kind]
        for number in set(numbers.values()):
            some = np.flatnonzero(which == number)
            found[some] = guards[number].kept(self._evidence(features[some], facts.values[some]))
        return found

    def _evidence(self, features: NDArray[np.float64], values: NDArray[np.float64]) -> Evidence:
        assert self.bundle is not None  # noqa: S101 — without one nothing is decided but ``queue``
        named = {name: values[:, VALUES.index(name)] for name in ("severity", "criticality", "indicator", "decoy")}
        lately = habit(self.bundle.view, features)
        n, missing = len(values), np.isnan(features).mean(axis=1)
        return Evidence(np.ones(n, bool), lately, missing, outside=np.zeros(n), **named)

    def _held(self, tenant: str, bits: int, tier: str, at: float) -> tuple[ReasonCode, ...]:
        """Return why a response of a ``tier`` waits for a person, which ``bits`` may say; if it need not, it is counted."""
        if bits:
            return codes(bits)
        caps = [cap for cap in self._guards_of(tenant).caps if _TIER[tier] >= _TIER[cap.tier.value]]
        if not all(self._count.room(tenant, cap, at) for cap in caps):
            return (ReasonCode.RESPONSE_CAP,)
        if caps:
            self._count.add(tenant, tier, at)
        return ()

    # -- modes -------------------------------------------------------------------------------------------------------

    def _let_out(self, action: Action, tier: str, kind: int) -> tuple[Action, ReasonCode | None]:
        key = (action, tier, kind)
        found = self._outcomes.get(key)
        if found is None:
            found = self._outcomes[key] = self._outcome(action, _TIER[tier], self._standing_of(kind))
        return found

    def _outcome(self, action: Action, tier: int, standing: _Standing) -> tuple[Action, ReasonCode | None]:
        automatic = action in _AUTOMATIC
        resting = standing.withdrawn[1 : tier + 1] if tier else standing.withdrawn[:1]
        shadow = action is not Action.QUEUE and standing.mode is Mode.SHADOW
        for holds_back, code in (
            (automatic and standing.stopped, ReasonCode.KILL_SWITCH),
            (action is not Action.QUEUE and not self.readable, ReasonCode.POLICY_UNREADABLE),
            (automatic and any(resting), ReasonCode.WITHDRAWN),
            (shadow, ReasonCode.SHADOW),
        ):
            if holds_back:
                return Action.QUEUE, code
        if automatic and standing.mode is Mode.ADVISE:
            return Action.QUEUE if action is Action.SUPPRESS else Action.APPROVE, ReasonCode.ADVISE
        return action, None

    def _standing_of(self, kind: int) -> _Standing:
        tenant, groups = self._limits.place(kind)
        part = self._part(tenant)
        gone = {
            w.certificate for w in part.withdrawals if holds(w, tenant, self._now) and (not w.group or w.group in groups)
        }  # fmt: skip
        withdrawn = [any(c.uid in gone for c in self._limits.rests_on(kind, tier)) for tier in range(len(TIERS) + 1)]
        mode = effective(part, tenant, groups, self._now, lambda group: self._mandate(tenant, group))
        return _Standing(stopped(part, tenant, self._now), mode, tuple(withdrawn))

    def _mandate(self, tenant: str, group: str) -> Mandate:
        key = (tenant, group)
        if key not in self._mandates:
            bundle = self.bundle
            self._mandates[key] = mandate(bundle.policy, bundle.calibration, tenant, group) if bundle else NOTHING
        return self._mandates[key]

    # -- what expires ------------------------------------------------------------------------------------------------

    def _look_at_the_clock(self, now: float) -> None:
        if not self._now <= now < self._until:
            self._forget(now)

    def _forget(self, now: float) -> None:
        ends = (entry.expires.timestamp() for entry in self.policy.entries() if entry.expires is not None)
        self._now, self._until = now, min((end for end in ends if end > now), default=math.inf)
        self._guards: dict[str, Guards] = {}
        self._outcomes: dict[tuple[Action, str, int], tuple[Action, ReasonCode | None]] = {}

    def _guards_of(self, tenant: str) -> Guards:
        if tenant not in self._parts:
            tenant = EVERYWHERE
        found = self._guards.get(tenant)
        if found is None:
            found = self._guards[tenant] = guards_of(self._parts[tenant], tenant, self._now)
        return found

    def _part(self, tenant: str) -> LivePolicy:
        return self._parts.get(tenant, self._parts[EVERYWHERE])


def _take_back(made: Scored, i: int, action: Action, why: tuple[ReasonCode, ...]) -> None:
    made.actions[i], made.reason_codes[i], made.tiers[i], made.certificates[i] = action, why, "", ""
