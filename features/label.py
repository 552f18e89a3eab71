"""What an analyst said of an alert or incident, when, and on whose authority."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from features.alert import Name


class Verdict(StrEnum):
    """What a person said. Only the first three are labels; the last two never train a model."""

    TRUE_POSITIVE = "true_positive"
    BENIGN_POSITIVE = "benign_positive"
    FALSE_POSITIVE = "false_positive"
    UNDETERMINED = "undetermined"
    DUPLICATE = "duplicate"

    @property
    def target(self) -> int:
        """1 for a true positive, 0 for benign or false, -1 where the verdict is not a label."""
        return _TARGETS[self]


_TARGETS = {
    Verdict.TRUE_POSITIVE: 1,
    Verdict.BENIGN_POSITIVE: 0,
    Verdict.FALSE_POSITIVE: 0,
    Verdict.UNDETERMINED: -1,
    Verdict.DUPLICATE: -1,
}


class Provenance(StrEnum):
    """Where a verdict comes from."""

    HUMAN = "human"
    AUTOMATION = "automation"
    IMPORT = "import"
    INHERITED = "inherited"


class Label(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One verdict on one alert. Append-only: a correction is a new label that ``supersedes`` the old one.

    ``time`` is when the verdict was given; no feature of an earlier moment may see it. ``incident_uid`` names the
    incident (or attack step) that the alert belongs to, where that is known.
    """

    uid: Name
    tenant: Name
    alert_uid: Name
    verdict: Verdict
    time: datetime
    received_time: datetime
    provenance: Provenance = Provenance.HUMAN
    analyst: str = ""
    reason: str = ""
    incident_uid: str = ""
    supersedes: str = ""
