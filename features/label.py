"""What an analyst said of an alert or incident, when, and on whose authority."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

import msgspec

from features.alert import EntityKind, Name


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

    @property
    def weight(self) -> float:
        """How much a label of this provenance counts, in the counters and in training.

        What a machine concluded teaches a machine nothing; what was inherited from an incident was not looked at by itself.
        """
        return _WEIGHTS[self]


_WEIGHTS = {Provenance.HUMAN: 1.0, Provenance.IMPORT: 1.0, Provenance.INHERITED: 0.5, Provenance.AUTOMATION: 0.0}


class DayVerdict(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What a person said of the UTC ``day`` of an entity. Append-only: of a day the latest word stands, ``undetermined`` takes it back.

    ``uid`` is in the form in which names are compared. ``time`` is when it was said, which is after the day had ended.
    """

    tenant: Name
    kind: EntityKind
    uid: Name
    day: date
    verdict: Verdict
    time: datetime
    analyst: str = ""
    reason: str = ""


Share = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]


class Label(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """One verdict on one alert. Append-only: a correction is a new label that ``supersedes`` the old one.

    ``time`` is when the verdict was given; no feature of an earlier moment may see it. ``incident_uid`` names the
    incident (or attack step) that the alert belongs to, where that is known. ``shown`` is the probability with which the
    alert came before a person. ``contests`` names the verdict of another analyst that this one contradicts: then neither
    counts, until one that supersedes it decides. A verdict that is none (``undetermined``) takes the one before it back.
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
    contests: str = ""
    shown: Share = 1.0

    @property
    def target(self) -> int:
        """1 attack, 0 benign, −1 where nothing may be learned from it: no label, or contested."""
        return -1 if self.contests else self.verdict.target

    @property
    def weight(self) -> float:
        """How much it counts: 0 where nothing may be learned from it."""
        return self.provenance.weight if self.target >= 0 else 0.0
