"""Which alerts belong together: what people said of it, and, kept apart from that, what correlation made of it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

import msgspec

from features.alert import Name


class Judgement(StrEnum):
    """What a person said of the parts of a correction."""

    TOGETHER = "together"
    APART = "apart"


class Correction(msgspec.Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """One act of one person at one time: alerts of different ``parts`` belong together, or do not.

    Append-only: a later act on the same alerts is the last word on them. ``parts`` hold uids of alerts, one for all repeats that
    correlation counts as one; what it says of alerts of the same part is nothing.
    """

    uid: Name
    tenant: Name
    judgement: Judgement
    time: datetime
    analyst: str
    parts: tuple[tuple[Name, ...], ...]
    reason: str = ""


class Placement(msgspec.Struct, frozen=True, gc=False, kw_only=True, forbid_unknown_fields=True):
    """The incident in which correlation holds an alert. No person's word: it may group what is counted, and is never a label."""

    tenant: Name
    alert_uid: Name
    incident_uid: Name
