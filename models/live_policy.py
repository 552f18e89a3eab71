"""The live policy: guardrails, modes, withdrawals and stops. People and the withdrawal test change it while a bundle serves.

It can only take automation back. What a bundle's certificates allow is decided by its :class:`models.policy.ThresholdPolicy`; the
live policy adds conditions under which nothing is automated, and says how much of the rest is let out.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from features.alert import EntityKind, Name
from models.certificates.groups import DIMENSIONS
from models.decision import BlastRadius
from models.errors import PolicyError

FORMAT = 1
MOST_ENTRIES = 10_000
"""Over all tenants."""

LONGEST_SECONDS = 31 * 86_400.0
"""The longest window over which responses are counted."""

EVERYWHERE = ""
"""The tenant of what holds for all tenants."""

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


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
    expires: Moment | None = None
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
    window_seconds: Annotated[float, msgspec.Meta(gt=0.0, le=LONGEST_SECONDS)]


class Setting(Live, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mode of a tenant, or of one group of its alerts (see :mod:`models.certificates.groups`). Of several groups in which
    an alert lies the most careful mode holds; where none has one, the tenant's. ``certificate`` is the one on which a mode
    above ``shadow`` was given; ``transferred``: that person accepted one that follows from other tenants only. After ``expires``
    it is ``shadow`` again."""

    mode: Mode
    group: str = ""
    certificate: str = ""
    transferred: bool = False


class Withdrawal(Live, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate that reality broke, for a tenant or everywhere: nothing rests on it until a person restores it.

    It holds back all alerts of whose groups' certificates it is one, also where another is stricter; with a ``group``, of those
    only the ones that lie in it, too. ``evidence`` is what the anytime test had against it; 0 where a person withdrew it.
    """

    certificate: str
    time: Moment
    group: str = ""
    evidence: float = 0.0


class Stop(Live, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kill switch: while it stands, no action of the tenant (or of any) is automatic."""

    by: str
    time: Moment


class LivePolicy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One version of the live policy; each change makes a new one. ``habit_from`` and ``missing_to``, where given, replace those of
    the bundle if they are stricter: its certificates hold only for what is at least as careful as they were."""

    format: int = FORMAT
    version: int = 0
    by: str = ""
    time: Moment | None = None
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

    def entries(self) -> tuple[Live, ...]:
        """Return all entries, of whatever kind."""
        return (*self.never_suppress, *self.never_touch, *self.caps, *self.modes, *self.withdrawals, *self.stops)


def holds(entry: Live, tenant: str, now: float) -> bool:
    """Whether an entry speaks of a tenant at a time, epoch seconds."""
    return entry.tenant in (EVERYWHERE, tenant) and (entry.expires is None or now < entry.expires.timestamp())


def stopped(policy: LivePolicy, tenant: str, now: float) -> bool:
    """Whether the kill switch holds for a tenant."""
    return any(holds(stop, tenant, now) for stop in policy.stops)


def withdrawn(policy: LivePolicy, tenant: str, certificate: str, now: float) -> bool:
    """Whether a certificate (its uid) was withdrawn for a tenant."""
    return any(w.certificate == certificate and holds(w, tenant, now) for w in policy.withdrawals)


def most_careful(modes: list[tuple[str, Mode]], groups: tuple[str, ...]) -> Mode:
    """Return the most careful of a tenant's ``modes`` by group that speak of ``groups``; where none does, that of the tenant."""
    narrow = [mode for group, mode in modes if group and group in groups]
    whole = [mode for group, mode in modes if not group]
    return min(narrow or whole or [Mode.SHADOW], key=list(Mode).index)


def checked(policy: LivePolicy, where: str) -> LivePolicy:
    """Return the policy if it makes sense. Raises ``PolicyError`` naming ``where`` and the first entry that does not."""
    for reason in _nonsense(policy):
        raise PolicyError(where, reason)
    return policy


def _nonsense(policy: LivePolicy) -> Iterator[str]:
    """Yield what does not make sense."""
    for never in policy.never_suppress:
        if not _VALUES[never.by].fullmatch(never.value):
            yield f"never_suppress {never.by.value}: {never.value!r} is not one of its values"
    for setting in policy.modes:
        if setting.tenant == EVERYWHERE:
            yield "modes: a mode is of one tenant; name it"
        if setting.group and not _GROUP.fullmatch(setting.group):
            yield f"modes: {setting.group!r} is no group such as product:suricata, severity:3 or rule:suricata/2024"
    modes, caps = [(s.tenant, s.group) for s in policy.modes], [(c.tenant, c.tier.value) for c in policy.caps]
    for name, keys in (("modes", modes), ("caps", caps)):
        twice = [key for key, count in Counter(keys).items() if count > 1]
        yield from (f"{name}: {' '.join(filter(None, key)) or 'one'} is given twice, which contradicts itself" for key in twice)
    if any(one.expires is not None for one in (*policy.withdrawals, *policy.stops)):
        yield "withdrawals and stops do not expire: a person lifts them"
    if len(policy.entries()) > MOST_ENTRIES:
        yield f"more than {MOST_ENTRIES} entries"


_GROUP = re.compile(rf"({'|'.join(DIMENSIONS[1:])}):.{{1,2100}}", re.DOTALL)
_VALUES = {
    Condition.SEVERITY: re.compile("[1-6]"),
    Condition.CRITICALITY: re.compile("[0-4]"),
    Condition.TACTIC: re.compile(r"(?s).{1,100}"),
    Condition.TECHNIQUE: re.compile(r"[Tt]\d{4}(\.\d{3})?", re.ASCII),
    Condition.INDICATOR: re.compile(""),
    Condition.DECOY: re.compile(""),
}
