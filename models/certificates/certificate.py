"""A certificate: a threshold together with the proof of what it can miss, or do wrongly."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.certificates.objective import Aim, Objective
from models.decision import BlastRadius

GRID: NDArray[np.float64] = 1.0 / (1.0 + np.exp(-np.arange(-12.0, 4.0001, 0.05)))
"""Thresholds on the calibrated score, fixed beforehand: log-odds −12 to 4 in steps of 0.05."""

EVERY = "all"
"""The group of all alerts."""


class Status(StrEnum):
    """Whether the bound was proven."""

    GRANTED = "granted"
    REFUSED = "refused"


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A threshold's proof, as data.

    Of a suppression: ``n`` units (incidents) in calibration, ``k`` of them hidden whole below ``threshold``; ``bound`` is the
    upper bound on P(hidden | incident) at confidence 1 − ``delta``, to be at most ``alpha``. Of a response of ``tier``: ``n``
    units from ``threshold`` on, ``k`` of them no attack; ``bound`` on P(no attack | responded to).

    ``group`` says of which alerts it speaks (see :mod:`models.certificates.groups`), ``correction`` for how many tests ``delta``
    was divided. ``refused``: no threshold keeps ``alpha``; nothing is automated, and so many units are ``missing`` that must all
    go well. ``binding`` names the kind of attack that would be lost next, where not the bound itself is the limit.
    ``assumption``: ``own`` (units of these tenants, scored by models that had not seen their tenant or time) or ``transferred``
    (units of other tenants). ``model`` is the digest of what scored them. ``because`` says why nothing may rest on the units at all.
    """

    objective: str
    aim: Aim = Aim.SUPPRESSION
    tier: BlastRadius | None = None
    alpha: float
    delta: float
    unit: str
    group: str
    n: int
    k: int
    bound: float
    status: Status
    threshold: float | None
    missing: int
    assumption: str
    window: tuple[str, str]
    binding: str = ""
    correction: int = 1
    audit_rate: float = 0.0
    model: str = ""
    because: str = ""

    @property
    def uid(self) -> str:
        """What a decision calls it: 16 hexadecimal digits that follow from all it says."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()[:16]

    @property
    def granted(self) -> bool:
        """Whether the bound was proven."""
        return self.status is Status.GRANTED

    def sentence(self) -> str:
        """Return what it says, for people."""
        confidence = f"at confidence {1.0 - self.delta:.3g}"
        whom = "all alerts" if self.group == EVERY else self.group
        if self.because:
            return f"refused for {whom}: {self.objective!r} rests on nothing, {self.because}; nothing is automated"
        if not self.granted:
            return (
                f"refused for {whom}: {self.objective!r} needs {self.missing} more {self.unit}s "
                f"{'that are not missed' if self.aim is Aim.SUPPRESSION else 'that are attacks'} (there are {self.n}); nothing is automated"
            )
        if self.aim is Aim.SUPPRESSION:
            return (
                f"of {whom}, below {self.threshold:.4g}: at most {self.bound:.2%} of {self.unit}s are hidden whole, {confidence} "
                f"({self.k} of {self.n} in calibration; {self.assumption})"
            )
        return (
            f"of {whom}, from {self.threshold:.4g} on: at most {self.bound:.2%} of {self.tier} responses are not due, {confidence} "
            f"({self.k} of {self.n} in calibration; {self.assumption})"
        )

    def told(self) -> dict[str, Any]:
        """Return all of it with its uid and its sentence, for whoever reads it outside."""
        return {"uid": self.uid, "sentence": self.sentence(), **msgspec.structs.asdict(self)}


def about(objective: Objective, **facts: Any) -> Certificate:
    """Return the certificate of an objective with the ``facts`` found."""
    return Certificate(
        objective=objective.text, aim=objective.aim, tier=objective.tier, alpha=objective.alpha, delta=objective.delta, **facts
    )
