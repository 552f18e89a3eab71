"""The label ledger of a bundle: what became of each verdict that was there when the model was trained."""

from __future__ import annotations

import hashlib
from enum import StrEnum

import msgspec


class LeftOut(StrEnum):
    """Why a model did not learn from a label."""

    SUPERSEDED = "superseded"
    """A later verdict on the same alert took its place."""
    TAKEN_BACK = "taken_back"
    """The last verdict on the alert is none: undetermined or duplicate."""
    CONTESTED = "contested"
    """Two analysts are at odds, and nobody has decided between them."""
    AUTOMATION = "automation"
    """A machine said it; a model learns nothing from machines."""
    EXCLUDED = "excluded"
    """The training was told to leave out everything that this analyst said."""
    LIKELY_WRONG = "likely_wrong"
    """It contradicts what all else says of such alerts; it waits for a second look."""
    REPEAT = "repeat"
    """Others of the same rule, entity and five minutes speak for it."""
    FLOOD = "flood"
    """Hours on end of one rule within one incident teach nothing about behaviour."""
    UNKNOWN_ALERT = "unknown_alert"
    """The training data does not hold the alert."""


class LabelLedger(msgspec.Struct, frozen=True):
    """Labels under pseudonyms: ``used`` with their weight among all (mean 1), ``left_out`` with why.

    Labels of provenance ``import`` are not listed: they come with their data set, by the hundred thousand.
    """

    used: dict[str, float] = {}
    left_out: dict[str, LeftOut] = {}

    def find(self, tenant: str, uid: str) -> float | LeftOut | None:
        """Return the weight with which a label was used, or why it was not; ``None`` if it was not there."""
        key = label_key(tenant, uid)
        return self.used.get(key, self.left_out.get(key))


def label_key(tenant: str, uid: str) -> str:
    """Return the pseudonym under which a bundle remembers a label."""
    return hashlib.sha256(f"tamis.label\x1f{tenant}\x1f{uid}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
