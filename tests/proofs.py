"""Policies with certificates, and the units they follow from, for bundles that tests make by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from models.bundle_files import digests, model_digest
from models.certificates.certifier import certify
from models.certificates.objective import DEFAULT_OBJECTIVE, Objective
from models.certificates.units import Calibration, Units
from models.policy import ThresholdPolicy

TENTH = "maximum suppression @ missed_incidents <= 0.1, confidence 0.95"


def units(score: list[float], **columns: list[Any]) -> Units:
    """Return attacks of those scores; of one tenant, rule and kind where no ``columns`` say otherwise."""
    n = len(score)
    given = {
        "tenant": ["t"] * n,
        "product": ["p"] * n,
        "severity": ["3"] * n,
        "rule": ["p/r"] * n,
        "kind": [""] * n,
        "attack": [True] * n,
    }
    return Units(score=score, **{**given, **columns})


def calibration(score: list[float], window: tuple[str, str] = ("2026-01-01", "2026-02-01"), model: str = "") -> Calibration:
    """Return a calibration on attacks of those scores; nothing is known of responses."""
    return Calibration(unit="incident", assumption="own", window=window, incidents=units(score), responses=units([]), model=model)


def proven(
    scoring: Mapping[str, bytes],
    score: list[float],
    window: tuple[str, str],
    *,
    objective: str = DEFAULT_OBJECTIVE,
    **policy: Any,
) -> dict[str, bytes]:
    """Return ``policy.json`` and ``units.json`` for a bundle with those ``scoring`` files: its certificate over all alerts only."""
    known = calibration(score, window, model_digest(digests(scoring)))
    certificate = certify(known, [Objective.parse(objective)])[0]
    given = {"escalate_from": None, **policy}
    return {
        "policy.json": msgspec.json.encode(ThresholdPolicy(certificates=(certificate,), **given)),
        "units.json": msgspec.json.encode(known),
    }
