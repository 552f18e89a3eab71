"""What the published bundles say of a label: read once from each, without loading its model."""

from __future__ import annotations

from typing import Any

import msgspec

from features.label import Label, Provenance
from models.bundle_files import read_parts
from models.bundle_store import BundleStore, Publication
from models.errors import ModelsError
from models.ledger import LabelLedger, LeftOut

WHY = {
    LeftOut.SUPERSEDED: "a later verdict on the same alert took its place",
    LeftOut.TAKEN_BACK: "the last verdict on the alert takes it back",
    LeftOut.CONTESTED: "two analysts are at odds about the alert, and nobody has decided",
    LeftOut.AUTOMATION: "a machine said it, and a model learns nothing from machines",
    LeftOut.EXCLUDED: "the training was told to leave out what this analyst said",
    LeftOut.LIKELY_WRONG: "it contradicts what all else says of such alerts; it waits for a second look",
    LeftOut.REPEAT: "other alerts of the same rule and entity within five minutes speak for it",
    LeftOut.FLOOD: "hours on end of one rule within one incident teach nothing about behaviour",
    LeftOut.UNKNOWN_ALERT: "the training data does not hold the alert",
}


class Ledgers:
    """The label ledgers of the bundles in the store, each read when first asked for."""

    def __init__(self, store: BundleStore) -> None:
        self._store = store
        self._read: dict[str, tuple[LabelLedger, str]] = {}

    def published(self) -> list[Publication]:
        """Return the first publication of each bundle that can still be read, oldest first. None where the list is damaged."""
        first: dict[str, Publication] = {}
        try:
            for publication in self._store.history():
                if self._ledger(publication.digest) is not None:
                    first.setdefault(publication.digest, publication)
        except ModelsError:
            return []
        return list(first.values())

    def has_learned(self, digest: str, label: Label) -> bool:
        """Whether the bundle of that digest was trained on the label."""
        found = self._ledger(digest)
        return found is not None and isinstance(found[0].find(label.tenant, label.uid), float)

    def told(self, label: Label) -> list[dict[str, Any]]:
        """Return what became of the label in each bundle, oldest first."""
        out = []
        for publication in self.published():
            found = self._ledger(publication.digest)
            if found is not None:
                about = {"bundle": publication.digest, "published": publication.time, "run": found[1]}
                out.append({**about, **_fate(found[0], label, publication)})
        return out

    def _ledger(self, digest: str) -> tuple[LabelLedger, str] | None:
        if digest not in self._read:
            try:
                manifest, parts, _ = read_parts(self._store.path(digest))
                self._read[digest] = msgspec.json.decode(parts["labels.json"], type=LabelLedger), manifest.run
            except (ModelsError, msgspec.MsgspecError):
                return None
        return self._read[digest]


def _fate(ledger: LabelLedger, label: Label, publication: Publication) -> dict[str, Any]:
    found = ledger.find(label.tenant, label.uid)
    if isinstance(found, LeftOut):
        return {"left_out": found, "why": WHY[found]}
    if found is not None:
        return {"used": found}
    if publication.time < label.received_time:
        return {"unknown": "it was trained before the label was given"}
    if label.provenance is Provenance.IMPORT:
        return {"unknown": "labels that were imported are not listed one by one"}
    return {"unknown": "it was trained on a history without this label"}
