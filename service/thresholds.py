"""Thresholds as they are published: what a bundle proves, what the live policy lets stand, and whether automation may act on it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from models.bundle import ModelBundle
from models.certificates.certificate import EVERY, Certificate
from models.certificates.groups import group_key, parents
from models.certificates.objective import TIERS, Aim
from models.decision import BlastRadius, ReasonCode
from models.live_guards import in_force
from models.live_policy import LivePolicy, Mode, holds, most_careful, stopped
from models.mandate import NOTHING, mandate, stand
from models.rule_encoder import tenant_key

FORMAT = 1
_ENCODER = msgspec.json.Encoder(order="deterministic")
_TENANT = group_key("tenant", "")
_AIMS: tuple[tuple[Aim, BlastRadius | None], ...] = ((Aim.SUPPRESSION, None), *((Aim.RESPONSE, tier) for tier in TIERS))


class Published(NamedTuple):
    """The document of a tenant. ``version`` follows from all that it says; ``substance`` leaves aside which version of the live
    policy says so: it may differ in what it says of others only."""

    body: dict[str, Any]
    version: str
    substance: str


def concerning(certificates: Sequence[Certificate], tenant: str) -> tuple[Certificate, ...]:
    """Return the certificates without those of other tenants' groups."""
    own = group_key("tenant", tenant_key(tenant))
    return tuple(one for one in certificates if not one.group.startswith(_TENANT) or one.group == own)


def published(bundle: ModelBundle | None, policy: LivePolicy | None, tenant: str, now: float) -> Published:
    """Return what is published for a tenant at a time, epoch seconds; ``policy`` is ``None`` where none can be read.

    Nothing in it tells the time: it changes when what holds changes.
    """
    stance = _Stance(bundle, policy, tenant, now)
    judging, live = bundle.policy if bundle else None, stance.policy
    body: dict[str, Any] = {
        "format": FORMAT,
        "tenant": tenant,
        "bundle": bundle.digest if bundle else None,
        "policy": policy.digest if policy else None,
        "mode": stance.mode(""),
        "stopped": stance.stopped,
        "suppress_below": judging.suppress_below if judging else None,
        "escalate_from": judging.escalate_from if judging else None,
        "guardrails": judging.guardrails if judging else None,
        "audit": judging.audit if judging else None,
        "costs": judging.costs if judging else None,
        "live": {
            **{name: tuple(in_force(getattr(live, name), tenant, now)) for name in ("never_suppress", "never_touch", "caps")},
            "withdrawals": tuple(in_force(live.withdrawals, tenant, now)),
            "habit_from": live.habit_from,
            "missing_to": live.missing_to,
        },
        "certificates": stance.certificates,
        "thresholds": list(stance.thresholds()),
    }
    substance = {name: said for name, said in body.items() if name != "policy"}
    return Published(body, _digest(body), _digest(substance))


def next_expiry(policy: LivePolicy | None, now: float) -> float:
    """Return when the next entry of a policy expires; infinite where none does."""
    times = [] if policy is None else [entry.expires.timestamp() for entry in policy.entries() if entry.expires is not None]
    return min((time for time in times if time > now), default=float("inf"))


def _digest(body: Mapping[str, Any]) -> str:
    return hashlib.sha256(_ENCODER.encode(body)).hexdigest()[:32]


class _Stance:
    """How a tenant stands at a time: what ``models/live_rules.py`` does to each alert, said of whole groups."""

    def __init__(self, bundle: ModelBundle | None, policy: LivePolicy | None, tenant: str, now: float) -> None:
        self.readable, self.policy = policy is not None, policy or LivePolicy()
        self.stopped = not self.readable or stopped(self.policy, tenant, now)
        self.certificates = concerning(bundle.policy.certificates, tenant) if bundle else ()
        self._own = group_key("tenant", tenant_key(tenant))
        self._by = {(one.aim, one.tier, one.group): one for one in self.certificates}
        self._withdrawals = [w for w in self.policy.withdrawals if holds(w, tenant, now)]
        settings = [setting for setting in self.policy.modes if setting.tenant == tenant]
        proven = [mandate(bundle.policy, bundle.calibration, tenant, s.group) if bundle else NOTHING for s in settings]
        self._modes = [
            (setting.group, stand(setting, its, self.policy, now).effective)
            for setting, its in zip(settings, proven, strict=True)
        ]

    def mode(self, group: str) -> Mode:
        """Return the mode in effect on a group."""
        return most_careful(self._modes, self._around(group))

    def thresholds(self) -> Iterator[dict[str, Any]]:
        """Yield what holds for each aim and group that has a certificate, or of which the live policy speaks."""
        named = [group for group, _ in self._modes] + [w.group for w in self._withdrawals]
        spoken = [group for group in dict.fromkeys(named) if group and group != EVERY]
        for aim, tier in _AIMS:
            if (aim, tier, EVERY) in self._by:
                proven = [one.group for one in self.certificates if (one.aim, one.tier) == (aim, tier)]
                yield from (self._threshold(aim, tier, group) for group in dict.fromkeys([*proven, *spoken]))

    def _threshold(self, aim: Aim, tier: BlastRadius | None, group: str) -> dict[str, Any]:
        resting = self._resting(aim, tier, group)
        one, mode = self._by.get((aim, tier, group)) or _strictest(resting), self.mode(group)
        why = [
            code
            for holds_back, code in (
                (not self.readable, ReasonCode.POLICY_UNREADABLE),
                (not all(c.granted for c in resting), ReasonCode.NO_CERTIFICATE),
                (self._withdrawn(aim, tier, group), ReasonCode.WITHDRAWN),
                (self.readable and self.stopped, ReasonCode.KILL_SWITCH),
            )
            if holds_back
        ]
        held = [] if mode is Mode.AUTOMATE else [ReasonCode(mode.value)]
        return {
            "aim": aim, "tier": tier, "group": group, "threshold": one.threshold, "certificate": one.uid,
            "sentence": one.sentence(), "stands": not why, "mode": mode, "said": any(name == group for name, _ in self._modes),
            "in_force": not why and not held, "because": [*why, *held],
        }  # fmt: skip

    def _around(self, group: str) -> tuple[str, ...]:
        """Return a group with all those in which it lies."""
        return tuple(dict.fromkeys([group or EVERY, *parents(group or EVERY), EVERY, self._own]))

    def _resting(self, aim: Aim, tier: BlastRadius | None, group: str) -> list[Certificate]:
        """Return the certificates on which automation of a group rests, its own first."""
        return [self._by[place] for name in self._around(group) if (place := (aim, tier, name)) in self._by]

    def _withdrawn(self, aim: Aim, tier: BlastRadius | None, group: str) -> bool:
        """Whether anything of it was withdrawn; a response rests on the smaller tiers as well.

        What was withdrawn of another group, but only where this one lies in it too, counts against the whole of this one.
        """
        tiers = [None] if tier is None else TIERS[: TIERS.index(tier) + 1]
        around, uids = self._around(group), {one.uid for each in tiers for one in self._resting(aim, each, group)}
        any_of = {one.uid for one in self.certificates if one.aim is aim and one.tier in tiers}
        return any(w.certificate in (any_of if w.group in around else uids if not w.group else ()) for w in self._withdrawals)


def _strictest(resting: Sequence[Certificate]) -> Certificate:
    """Return the certificate that allows least."""
    refused = [one for one in resting if one.threshold is None]
    sign = 1.0 if resting[0].aim is Aim.SUPPRESSION else -1.0
    return refused[0] if refused else min(resting, key=lambda one: sign * (one.threshold or 0.0))
