"""On what a mode above ``shadow`` rests: a certificate that was granted, covers the alerts, and was not withdrawn.

A person gives the mode; it stands only as long as the bundle that serves has such a certificate. So it comes down by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from models.certificates.certificate import EVERY, Certificate
from models.certificates.groups import group_key, parents
from models.certificates.objective import TIERS, Aim
from models.certificates.units import Calibration
from models.decision import BlastRadius
from models.errors import PolicyError
from models.live_policy import LivePolicy, Mode, Setting, holds, most_careful, stopped, withdrawn
from models.policy import ThresholdPolicy
from models.rule_encoder import tenant_key


class Mandate(NamedTuple):
    """What the bundle that serves can prove of a tenant's alerts in a group (``""``: in all).

    ``proofs``: for suppression, then for each tier of response, the certificates that speak of them, the strictest first, none
    where one of them is refused. ``own``: whether the tenant's own incidents are among the units.
    """

    proofs: tuple[tuple[Certificate, ...], ...]
    own: bool

    @property
    def certificate(self) -> str:
        """The uid of the one that a mode above ``shadow`` rests on, suppression's before a response's; ``""``: there is none."""
        return next((some[0].uid for some in self.proofs if some), "")


NOTHING = Mandate((), own=False)
"""What is proven without a bundle."""


class Stand(NamedTuple):
    """How a mode stands: what people ``given``, what is ``effective``, and ``why`` it came down (``""``: it did not)."""

    given: Mode
    effective: Mode
    why: str


def mandate(policy: ThresholdPolicy, calibration: Calibration, tenant: str, group: str = "") -> Mandate:
    """Return what a bundle's certificates prove of a tenant's alerts that lie in ``group``."""
    own = tenant_key(tenant)
    groups = {EVERY, group_key("tenant", own), *((group, *parents(group)) if group else ())}
    aims: list[tuple[Aim, BlastRadius | None]] = [(Aim.SUPPRESSION, None), *((Aim.RESPONSE, tier) for tier in TIERS)]
    return Mandate(tuple(_proof(policy, groups, *aim) for aim in aims), own in calibration.incidents.tenant)


def _proof(policy: ThresholdPolicy, groups: set[str], aim: Aim, tier: BlastRadius | None) -> tuple[Certificate, ...]:
    found = [c for c in policy.certificates if c.aim is aim and c.tier is tier and c.group in groups]
    if not any(c.group == EVERY for c in found) or not all(c.granted and c.threshold is not None for c in found):
        return ()
    return tuple(sorted(found, key=lambda c: c.threshold or 0.0, reverse=aim is Aim.RESPONSE))


def stand(setting: Setting, proven: Mandate, policy: LivePolicy, now: float) -> Stand:
    """Return how a mode that people gave stands."""
    if setting.mode is Mode.SHADOW:
        return Stand(setting.mode, Mode.SHADOW, "")
    why = ""
    if not holds(setting, setting.tenant, now):
        why = "expired"
    elif not proven.certificate:
        why = "no_certificate"
    elif not any(some and not _broken(some, policy, setting, now) for some in proven.proofs):
        why = "withdrawn"
    elif not proven.own and not setting.transferred:
        why = "transferred"
    return Stand(setting.mode, Mode.SHADOW if why else setting.mode, why)


def effective(policy: LivePolicy, tenant: str, groups: tuple[str, ...], now: float, proven: Callable[[str], Mandate]) -> Mode:
    """Return the mode in effect on alerts of a tenant that lie in ``groups``; ``proven`` says what there is for one of them."""
    stood = [(s.group, stand(s, proven(s.group), policy, now).effective) for s in policy.modes if s.tenant == tenant]
    return most_careful(stood, groups)


def withheld(policy: LivePolicy | None, tenant: str, tier: BlastRadius, now: float, proven: Callable[[str], Mandate]) -> str:
    """Return, as a sentence, why no response of a ``tier`` to a tenant's incidents may be automatic; ``""``: it may be.

    ``policy`` is ``None`` where none can be read.
    """
    if policy is None:
        return "The live policy cannot be read: a person decides."
    if stopped(policy, tenant, now):
        return "Automation is stopped: a person decides."
    proofs = proven("").proofs
    proof = proofs[1 + TIERS.index(tier)] if proofs else ()
    if not proof:
        return f"No certificate covers a response of {tier.value} blast radius: a person decides."
    if any(withdrawn(policy, tenant, certificate.uid, now) for certificate in proof):
        return "The certificate of such responses was withdrawn: a person decides."
    mode = effective(policy, tenant, (), now, proven)
    return "" if mode is Mode.AUTOMATE else f"The tenant is in mode {mode.value}: a person decides."


def given(setting: Setting, proven: Mandate, policy: LivePolicy, now: float) -> Setting:
    """Return the mode as it is written down, with the certificate on which it rests.

    Raises ``PolicyError`` for one above ``shadow`` that would not stand.
    """
    found = stand(setting, proven, policy, now)
    if found.why:
        whom = f"mode {setting.mode.value} of {setting.tenant!r}" + (f", {setting.group}" if setting.group else "")
        raise PolicyError(whom, _REFUSALS[found.why])
    certificate = "" if setting.mode is Mode.SHADOW else proven.certificate
    return Setting(
        tenant=setting.tenant, expires=setting.expires, note=setting.note, mode=setting.mode, group=setting.group,
        certificate=certificate, transferred=setting.transferred and not proven.own and bool(certificate),
    )  # fmt: skip


_REFUSALS = {
    "expired": "it would have expired already",
    "no_certificate": "the bundle that serves has no granted certificate that covers it; only shadow is possible",
    "withdrawn": "its certificate was withdrawn; restore it first, or train anew",
    "transferred": "its certificate follows from other tenants only (transferred): an assumption, not a proof about this "
    "tenant. Say that you accept that, or leave it in shadow until its own incidents are labelled",
}


def _broken(proof: Sequence[Certificate], policy: LivePolicy, setting: Setting, now: float) -> bool:
    """Whether all that a mode speaks of is withdrawn; a withdrawal in a narrower group leaves the rest."""
    uids = {certificate.uid for certificate in proof}
    whole = ("", EVERY, setting.group, *parents(setting.group)) if setting.group else ("", EVERY)
    return any(
        w.certificate in uids and w.group in (*whole, group_key("tenant", tenant_key(setting.tenant)))
        for w in policy.withdrawals
        if holds(w, setting.tenant, now)
    )
