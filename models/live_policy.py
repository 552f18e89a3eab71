"""The live policy: guardrails, modes, withdrawals and stops. People and the withdrawal test change it while a bundle serves.

It can only take automation back. What a bundle's certificates allow is decided by its :class:`models.policy.ThresholdPolicy`; the
live policy adds conditions under which nothing is automated, and says how much of the rest is let out.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from features.alert import EntityKind, Name
from models.decision import BlastRadius

FORMAT = 1

EVERYWHERE = ""
"""The tenant of what holds for all tenants."""


class Mode(StrEnum):
    """How much of what is decided is let out. A tenant of which nothing was said is in ``shadow``."""

    SHADOW = "shadow"
    """Decide and record; publish ``queue``."""
    ADVISE = "advise"
    """Publish as a proposal: a person acts."""
    AUTOMATE = "automate"
    """Publish as decided."""


class Condition(StrEnum):
    """By what an alert is never suppressed."""

    SEVERITY = "severity"
    """From an OCSF severity_id on (1–6)."""
    CRITICALITY = "criticality"
    """From an asset criticality on (0–4)."""
    TACTIC = "tactic"
    TECHNIQUE = "technique"
    """An ATT&CK uid; a technique stands for its sub-techniques, too."""
    INDICATOR = "indicator"
    """Any imported indicator matches; no value."""
    DECOY = "decoy"
    """A decoy was touched; no value."""


class Live(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every entry says: for which tenant it holds, until when, and why."""

    tenant: str = EVERYWHERE
    expires: datetime | None = None
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class NeverSuppress(Live, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Alerts that are never suppressed, whatever the score."""

    by: Condition
    value: str = ""


class NeverTouch(Live, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An entity to which no automation ever responds."""

    kind: EntityKind
    uid: Name


class Cap(Live, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At most so many responses of a tier (or larger) are authorised in a window, per tenant; what is more waits for a person."""

    tier: BlastRadius
    most: Annotated[int, msgspec.Meta(ge=0)]
    window_seconds: Annotated[float, msgspec.Meta(gt=0.0, le=31 * 86_400.0)]


class Setting(Live, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mode of a tenant, or of one group of its alerts (see :mod:`models.certificates.groups`). Of several groups in which
    an alert lies the most careful mode holds; where none has one, the tenant's. ``certificate`` is the one on which a mode
    above ``shadow`` was given. After ``expires`` it is ``shadow`` again."""

    mode: Mode
    group: str = ""
    certificate: str = ""


class Withdrawal(Live, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate that reality broke, for a tenant or everywhere: nothing rests on it until a person restores it.

    ``evidence`` is what the anytime test had against it; 0 where a person withdrew it.
    """

    certificate: str
    time: datetime
    group: str = ""
    evidence: float = 0.0


class Stop(Live, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kill switch: while it stands, no action of the tenant (or of any) is automatic."""

    by: str
    time: datetime


class LivePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of the live policy; each change makes a new one. ``habit_from`` and ``missing_to``, where given, replace those of
    the bundle if they are stricter: its certificates hold only for what is at least as careful as they were."""

    format: int = FORMAT
    version: int = 0
    by: str = ""
    time: datetime | None = None
    note: str = ""
    never_suppress: tuple[NeverSuppress, ...] = ()
    never_touch: tuple[NeverTouch, ...] = ()
    caps: tuple[Cap, ...] = ()
    habit_from: Annotated[float, msgspec.Meta(ge=0.0)] | None = None
    missing_to: Annotated[float, msgspec.Meta(ge=0.0, le=1.0)] | None = None
    modes: tuple[Setting, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    stops: tuple[Stop, ...] = ()

    @property
    def digest(self) -> str:
        """What a decision calls it: 16 hexadecimal digits that follow from all it says."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]


def holds(entry: Live, tenant: str, now: float) -> bool:
    """Whether an entry speaks of a tenant at a time, epoch seconds."""
    return entry.tenant in (EVERYWHERE, tenant) and (entry.expires is None or now < entry.expires.timestamp())


def stopped(policy: LivePolicy, tenant: str, now: float) -> bool:
    """Whether the kill switch holds for a tenant."""
    return any(holds(stop, tenant, now) for stop in policy.stops)


def withdrawn(policy: LivePolicy, tenant: str, certificate: str, now: float) -> bool:
    """Whether a certificate (its uid) was withdrawn for a tenant."""
    return any(w.certificate == certificate and holds(w, tenant, now) for w in policy.withdrawals)


def mode_of(policy: LivePolicy, tenant: str, groups: tuple[str, ...], now: float) -> Mode:
    """Return the mode of alerts of a tenant that lie in ``groups``."""
    settings = [s for s in policy.modes if s.tenant == tenant and holds(s, tenant, now)]
    narrow = [s.mode for s in settings if s.group and s.group in groups]
    whole = [s.mode for s in settings if not s.group]
    order = list(Mode)
    return min(narrow or whole or [Mode.SHADOW], key=order.index)
