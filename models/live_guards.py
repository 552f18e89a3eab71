"""The guardrails of a live policy, made ready to be looked up: what is in force for a tenant at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.alert import Alert
from features.aliases import normalise_uid
from models.decision import ReasonCode
from models.incidents.attack import tactic_place
from models.live_policy import EVERYWHERE, Cap, Condition, Live, LivePolicy, holds
from models.policy import Evidence, bit

TACTIC, TECHNIQUE, NEVER_TOUCH = (
    bit(code) for code in (ReasonCode.GUARDRAIL_TACTIC, ReasonCode.GUARDRAIL_TECHNIQUE, ReasonCode.NEVER_TOUCH)
)
_NEVER = math.inf

L = TypeVar("L", bound=Live)


class Guards(NamedTuple):
    """Of one tenant: the least severity and criticality that are kept (∞: none), names in the form in which they are compared."""

    severity_from: float
    criticality_from: float
    indicator: bool
    decoy: bool
    habit_from: float | None
    missing_to: float | None
    tactics: frozenset[str]
    techniques: frozenset[str]
    untouchable: frozenset[tuple[str, str]]
    caps: tuple[Cap, ...]

    @property
    def named(self) -> bool:
        """Whether any of them looks at names that are not among the facts."""
        return bool(self.tactics or self.techniques or self.untouchable)

    def kept(self, evidence: Evidence) -> NDArray[np.int64]:
        """Return, as reason-code bits, what forbids suppression of n alerts by their facts."""
        bits = np.zeros(len(evidence.habit), np.int64)
        for code, mask in (
            (ReasonCode.GUARDRAIL_SEVERITY, evidence.severity >= self.severity_from),
            (ReasonCode.GUARDRAIL_ASSET, evidence.criticality >= self.criticality_from),
            (ReasonCode.GUARDRAIL_INDICATOR, (evidence.indicator > 0.0) & self.indicator),
            (ReasonCode.GUARDRAIL_DECOY, (evidence.decoy > 0.0) & self.decoy),
            (ReasonCode.NOT_HABITUAL, self.habit_from is not None and ~(evidence.habit >= self.habit_from)),
            (ReasonCode.MISSING_FEATURES, self.missing_to is not None and evidence.missing > self.missing_to),
        ):
            bits[mask] |= bit(code)
        return bits

    def marks(self, alert: Alert) -> int:
        """Return, as reason-code bits, what they say of the names in an alert."""
        found = 0
        if self.tactics and not self.tactics.isdisjoint(map(tactic_name, alert.tactics)):
            found |= TACTIC
        if self.techniques and any(name in self.techniques for t in alert.techniques for name in technique_names(t)):
            found |= TECHNIQUE
        if self.untouchable and any((e.kind.value, normalise_uid(e.uid)) in self.untouchable for e in alert.entities):
            found |= NEVER_TOUCH
        return found


def guards_of(policy: LivePolicy, tenant: str, now: float) -> Guards:
    """Return what is in force for a tenant. ``habit_from`` and ``missing_to`` are those of the live policy."""
    by: dict[Condition, list[str]] = {condition: [] for condition in Condition}
    for never in in_force(policy.never_suppress, tenant, now):
        by[never.by].append(never.value)
    return Guards(
        severity_from=min(map(float, by[Condition.SEVERITY]), default=_NEVER),
        criticality_from=min(map(float, by[Condition.CRITICALITY]), default=_NEVER),
        indicator=bool(by[Condition.INDICATOR]),
        decoy=bool(by[Condition.DECOY]),
        habit_from=policy.habit_from,
        missing_to=policy.missing_to,
        tactics=frozenset(map(tactic_name, by[Condition.TACTIC])),
        techniques=frozenset(map(str.upper, by[Condition.TECHNIQUE])),
        untouchable=frozenset((n.kind.value, normalise_uid(n.uid)) for n in in_force(policy.never_touch, tenant, now)),
        caps=tuple(in_force(policy.caps, tenant, now)),
    )


def in_force(entries: Iterable[L], tenant: str, now: float) -> Iterator[L]:
    """Yield those entries that speak of a tenant at a time."""
    return (entry for entry in entries if holds(entry, tenant, now))


def tactic_name(tactic: str) -> str:
    """Return the form in which tactics are compared: one of the matrix goes by its place, whether named, titled or by id."""
    place = tactic_place(tactic)
    return f"#{place}" if place is not None else normalise_uid(tactic)


def technique_names(technique: str) -> tuple[str, str]:
    """Return a technique in the form in which it is compared, and the one of which it is a part."""
    name = technique.strip().upper()
    return name, name.partition(".")[0]


def parted(policy: LivePolicy) -> dict[str, LivePolicy]:
    """Return what a policy says of each tenant that it names and, under ``EVERYWHERE``, of all others: what holds for all included."""
    found: dict[str, dict[str, list[Live]]] = {EVERYWHERE: {}}
    for field in _ENTRIES:
        for entry in getattr(policy, field):
            found.setdefault(entry.tenant, {}).setdefault(field, []).append(entry)
    common = found[EVERYWHERE]
    return {
        tenant: msgspec.structs.replace(
            policy, **{field: (*common.get(field, ()), *(own.get(field, ()) if tenant else ())) for field in _ENTRIES}
        )
        for tenant, own in found.items()
    }


_ENTRIES = ("never_suppress", "never_touch", "caps", "modes", "withdrawals", "stops")
