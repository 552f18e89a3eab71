"""Controls: what access control is told of an entity, with hysteresis, and what must be proven before any of it is automatic.

``monitor`` from a risk of 25 on, ``step_up`` (ask for a further proof of identity) from 60, ``restrict`` from 85, which takes two
sources at least. Up at once; down one day's quiet at a time: only once the risk is well below, and not before the level has stood
for four hours. So within any such span a control is lowered once at most, whatever the risk does.

A level that touches access is let out only where its bound is proven, the tenant is in mode ``automate``, nothing is stopped and the
entity may be touched. Whatever is not is held at ``monitor``, and a person decides.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

import msgspec

from features.alert import EntityKind
from features.aliases import normalise_uid
from models.certificates.bounds import lower_bound, units_needed, upper_bound
from models.live_policy import LivePolicy, Mode, holds, stopped, withdrawn
from models.mandate import Mandate, effective

DELTA = 0.05
DWELL_SECONDS = 4 * 3600.0
"""How long a level stands at least before it is lowered."""


class Control(StrEnum):
    """What access control is told, the mildest first."""

    NONE = "none"
    MONITOR = "monitor"
    STEP_UP = "step_up"
    RESTRICT = "restrict"

    @property
    def place(self) -> int:
        """Its place in the order."""
        return _ORDER.index(self)

    @property
    def caep(self) -> str:
        """The level of CAEP that it is: what only watches is LOW."""
        return _CAEP[self]


_ORDER = list(Control)
_CAEP = {Control.NONE: "LOW", Control.MONITOR: "LOW", Control.STEP_UP: "MEDIUM", Control.RESTRICT: "HIGH"}


class Whom(NamedTuple):
    """An entity of a tenant."""

    tenant: str
    kind: EntityKind
    uid: str


class Step(NamedTuple):
    """The risk from which on a level is taken, and below which it is left."""

    up: float
    down: float


STEPS = {
    Control.NONE: Step(0.0, 0.0),
    Control.MONITOR: Step(25.0, 15.0),
    Control.STEP_UP: Step(60.0, 45.0),
    Control.RESTRICT: Step(85.0, 70.0),
}
BOUNDED = (Control.STEP_UP, Control.RESTRICT)
"""The levels that touch access, each of which needs a bound."""
PRECISION = {Control.STEP_UP: 0.5, Control.RESTRICT: 0.9}
"""Where people judged: of what reached a level, at least this share was an attack."""


class Standing(msgspec.Struct, frozen=True):
    """The level of an entity, and since when (epoch seconds) it is that."""

    level: Control = Control.NONE
    since: float = 0.0

    def next(self, risk: float, now: float) -> Standing:
        """Return what it is at that risk."""
        reached = max((level for level in Control if risk >= STEPS[level].up), key=_ORDER.index)
        if reached.place > self.level.place:
            return Standing(reached, now)
        kept = max((level for level in _ORDER[: self.level.place + 1] if risk >= STEPS[level].down), key=_ORDER.index)
        if kept is self.level or now - self.since < DWELL_SECONDS:
            return self
        return Standing(kept, now)


class Evidence(NamedTuple):
    """What speaks for or against a level in a tenant.

    ``entities``: benign ones of which one day each was drawn by lot, ``reached``: how many of these days reached the level.
    ``judged``: entities that reached it and that people judged, ``attacks``: how many of them were attacked.
    """

    entities: int = 0
    reached: int = 0
    judged: int = 0
    attacks: int = 0


class Bound(msgspec.Struct, frozen=True, kw_only=True):
    """What is proven of a level: an upper ``bound`` on the share of benign entity-days that reach it, to be at most ``alpha``, or else
    a lower bound on the ``precision``, both at confidence 1 − ``delta``. ``missing``: so many more entities that do not reach it are needed."""

    level: Control
    alpha: float
    delta: float
    evidence: Evidence
    bound: float
    precision: float
    granted: bool
    missing: int

    @property
    def uid(self) -> str:
        """By what a withdrawal in the live policy names it."""
        return name_of(self.level)

    def sentence(self) -> str:
        """Return what it says, for people."""
        n, k, judged, attacks = self.evidence
        confidence = f"at confidence {1.0 - self.delta:.3g}"
        if self.granted and self.bound <= self.alpha:
            return f"{self.level.value}: at most {self.bound:.2%} of benign entity-days reach it, {confidence} ({k} of {n})"
        if self.granted:
            return f"{self.level.value}: at least {self.precision:.1%} of what reaches it is an attack, {confidence} ({attacks} of {judged})"
        return (
            f"refused for {self.level.value}: at most {self.alpha:.2%} of benign entity-days needs {self.missing} more entities that "
            f"do not reach it (there are {n}, of which {k} do); a person decides"
        )


def name_of(level: Control) -> str:
    """Return by what the bound of a level is named where it is withdrawn."""
    return f"control:{level.value}"


def prove(level: Control, evidence: Evidence, alpha: float, delta: float = DELTA) -> Bound:
    """Return what the evidence proves of a level."""
    bound = upper_bound(evidence.entities, evidence.reached, delta)
    precision = lower_bound(evidence.judged, evidence.attacks, delta)
    return Bound(
        level=level,
        alpha=alpha,
        delta=delta,
        evidence=evidence,
        bound=bound,
        precision=precision,
        granted=bound <= alpha or precision >= PRECISION[level],
        missing=max(units_needed(alpha, delta, evidence.reached) - evidence.entities, 0),
    )


def withheld(policy: LivePolicy | None, whom: Whom, bound: Bound | None, now: float, proven: Callable[[str], Mandate]) -> str:
    """Return, as a sentence, why a level that touches access is not let out for an entity; ``""``: it is.

    ``policy`` is ``None`` where none can be read, ``bound`` where nothing was proven yet; ``proven`` says what the bundle that serves
    proves of the tenant's alerts in a group (see :mod:`models.mandate`): on that the mode rests.
    """
    if policy is None:
        return "The live policy cannot be read: a person decides."
    if stopped(policy, whom.tenant, now):
        return "Automation is stopped: a person decides."
    untouchable = ((n.kind, normalise_uid(n.uid)) for n in policy.never_touch if holds(n, whom.tenant, now))
    if (whom.kind, normalise_uid(whom.uid)) in untouchable:
        return "The entity is never touched by automation: a person decides."
    if bound is None or not bound.granted:
        return "Too little is proven of this control: a person decides."
    if withdrawn(policy, whom.tenant, bound.uid, now):
        return "The bound of this control was withdrawn: a person decides."
    mode = effective(policy, whom.tenant, (), now, proven)
    return "" if mode is Mode.AUTOMATE else f"The tenant is in mode {mode.value}: a person decides."


def let_out(decided: Control, why: Callable[[Control], str]) -> tuple[Control, str]:
    """Return the control that is let out of the one that was decided, and ``why`` not all of it (``""``: it is).

    Where the severest is withheld the next milder one may still be let out.
    """
    said = ""
    for level in reversed(_ORDER[: decided.place + 1]):
        reason = why(level) if level in BOUNDED else ""
        if not reason:
            return level, said
        said = said or reason
    return Control.NONE, said
