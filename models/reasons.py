"""Reasons: signed contributions turned into a few sentences in an analyst's words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from features.kernel import NEVER_SECONDS
from features.view import FeatureView
from models.decision import Reason

MOST = 5
_LEAST = 0.05
"""Contributions smaller than this (log-odds) are not worth a sentence."""


def sentences(view: FeatureView, row: NDArray[np.float64], contributions: NDArray[np.float64]) -> tuple[Reason, ...]:
    """Return at most five reasons, strongest first. ``row`` f8[F] feature values, ``contributions`` f8[F] in log-odds."""
    strongest = np.argsort(-np.abs(contributions), kind="stable")[:MOST]
    return tuple(
        Reason(
            text=f"{_describe(view, int(i), float(row[i]))} – {_direction(float(contributions[i]))}",
            feature=view.features[i].name,
            value=None if np.isnan(row[i]) else float(row[i]),
            contribution=round(float(contributions[i]), 4),
        )
        for i in strongest
        if abs(contributions[i]) >= _LEAST
    )


def _direction(contribution: float) -> str:
    strength = "strongly " if abs(contribution) >= 1.0 else ""
    return f"speaks {strength}{'for' if contribution > 0 else 'against'} an attack"


def _describe(view: FeatureView, i: int, value: float) -> str:
    feature = view.features[i]
    if np.isnan(value):
        return f"{feature.text}: not known"
    if feature.unit == "seconds":
        return f"{feature.text}: {_duration(value)}"
    if feature.unit == "share":
        return f"{feature.text}: {min(value, 1.0):.0%}"  # an alert older than its tenant's last ones sees more of a part
    return f"{feature.text}: {value:.3g}"


def _duration(seconds: float) -> str:
    if seconds >= NEVER_SECONDS:
        return "never before"
    for size, name in ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= size:
            return f"{seconds / size:.1f} {name} ago"
    return f"{seconds:.0f} seconds ago"
