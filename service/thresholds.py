"""Thresholds as they are published: what a bundle proves, what the live policy lets stand, and whether automation may act on it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from models.bundle import ModelBundle
from models.certificates.certificate import EVERY, Certificate
from models.certificates.groups import group_key, parents
from models.certificates.objective import Aim
from models.decision import BlastRadius, ReasonCode
from models.errors import PolicyError
from models.live_policy import Live, LivePolicy, Mode, holds, mode_of, stopped, withdrawn
from models.policy_store import PolicyStore
from models.rule_encoder import tenant_key

FORMAT = 1
_ENCODER = msgspec.json.Encoder(order="deterministic")
_TENANT = group_key("tenant", "")
_Place = tuple[Aim, BlastRadius | None, str]


class Published(NamedTuple):
    """The document of a tenant, and the version that names it: it follows from all that is said."""

    body: dict[str, Any]
    version: str


def concerning(certificates: Sequence[Certificate], tenant: str) -> tuple[Certificate, ...]:
    """Return the certificates without those of other tenants' groups."""
    own = group_key("tenant", tenant_key(tenant))
    return tuple(one for one in certificates if not one.group.startswith(_TENANT) or one.group == own)


def read_policy(store: PolicyStore) -> LivePolicy | None:
    """Return the newest live policy; ``None`` where it cannot be read, and nothing is in force."""
    try:
        return store.read()
    except PolicyError:
        return None


def published(bundle: ModelBundle | None, policy: LivePolicy | None, tenant: str, now: float) -> Published:
    """Return what is published for a tenant at a time, epoch seconds.

    Nothing in it tells the time: it changes when what holds changes.
    """
    judging = bundle.policy if bundle else None
    certificates = concerning(judging.certificates, tenant) if judging else ()
    live, by = policy or LivePolicy(), {(one.aim, one.tier, one.group): one for one in certificates}
    body: dict[str, Any] = {
        "format": FORMAT,
        "tenant": tenant,
        "bundle": bundle.digest if bundle else None,
        "policy": policy.digest if policy else None,
        "policy_version": policy.version if policy else None,
        "mode": mode_of(live, tenant, (), now),
        "stopped": policy is None or stopped(live, tenant, now),
        "suppress_below": judging.suppress_below if judging else None,
        "escalate_from": judging.escalate_from if judging else None,
        "guardrails": judging.guardrails if judging else None,
        "audit": judging.audit if judging else None,
        "costs": judging.costs if judging else None,
        "live": {
            "never_suppress": _held(live.never_suppress, tenant, now),
            "never_touch": _held(live.never_touch, tenant, now),
            "caps": _held(live.caps, tenant, now),
            "habit_from": live.habit_from,
            "missing_to": live.missing_to,
        },
        "certificates": certificates,
        "thresholds": [_threshold(one, by, policy, tenant, now) for one in certificates],
    }
    return Published(body, hashlib.sha256(_ENCODER.encode(body)).hexdigest()[:32])


def next_expiry(policy: LivePolicy | None, now: float) -> float:
    """Return when the next entry of a policy expires; infinite where none does."""
    if policy is None:
        return float("inf")
    entries: tuple[Live, ...] = (
        *policy.never_suppress, *policy.never_touch, *policy.caps, *policy.modes, *policy.withdrawals, *policy.stops,
    )  # fmt: skip
    times = [entry.expires.timestamp() for entry in entries if entry.expires is not None]
    return min((time for time in times if time > now), default=float("inf"))


def _held(entries: Sequence[Live], tenant: str, now: float) -> list[Live]:
    return [entry for entry in entries if holds(entry, tenant, now)]


def _threshold(
    one: Certificate, by: Mapping[_Place, Certificate], policy: LivePolicy | None, tenant: str, now: float
) -> dict[str, Any]:
    mode = Mode.SHADOW if policy is None else mode_of(policy, tenant, () if _whole(one.group) else (one.group,), now)
    why = _against(one, by, policy, tenant, now)
    if mode is not Mode.AUTOMATE:
        why.append(ReasonCode(mode.value))
    return {
        "aim": one.aim,
        "tier": one.tier,
        "group": one.group,
        "threshold": one.threshold,
        "certificate": one.uid,
        "sentence": one.sentence(),
        "mode": mode,
        "in_force": not why,
        "because": why,
    }


def _whole(group: str) -> bool:
    """Whether a group is everything that the tenant has."""
    return group == EVERY or group.startswith(_TENANT)


def _against(
    one: Certificate, by: Mapping[_Place, Certificate], policy: LivePolicy | None, tenant: str, now: float
) -> list[ReasonCode]:
    """Return what keeps automation from acting on a certificate, its mode aside: its own state, or that of a group around it."""
    if policy is None:
        return [ReasonCode.POLICY_UNREADABLE]
    places = [(one.aim, one.tier, group) for group in (one.group, *parents(one.group))]
    around = [by[place] for place in places if place in by]
    found = []
    if not all(c.granted for c in around):
        found.append(ReasonCode.NO_CERTIFICATE)
    if any(withdrawn(policy, tenant, c.uid, now) for c in around):
        found.append(ReasonCode.WITHDRAWN)
    if stopped(policy, tenant, now):
        found.append(ReasonCode.KILL_SWITCH)
    return found
