"""What a bundle knows of behaviour: what evidence and judges count, a forest, peer groups, what accounts type. Plain data, no pickle."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from models.behaviour.combine import Combination
from models.behaviour.day_vector import NAMES
from models.behaviour.evidence import Weights
from models.behaviour.forest import Forest
from models.behaviour.peers import PeerGroups
from models.behaviour.sequences import SequenceModel
from models.errors import BundleError

FILE, FOREST, PEERS = "behaviour.json", "behaviour-forest.npz", "behaviour-peers.npz"
FIELDS = ("action", "address", "application", "country", "device", "hour", "outcome", "target", "volume", "weekday")
"""The fields that every event may have; a source of events may tell further ones."""


class BehaviourModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The learned part of behaviour analytics; without any, the textbook's weights.

    ``weights`` are by group, each learned from the other groups; ``elsewhere`` are those of all, for a group that taught nothing.
    ``sequences`` is what accounts are known to type, where that was learned. ``forest`` is one detector of days' vectors more, ``peers``
    are groups for accounts of which no directory tells one, ``combination`` says how much each judge's word counts, once labels did.
    """

    fields: tuple[str, ...] = FIELDS
    weights: dict[str, Weights] = {}
    elsewhere: Weights | None = None
    sequences: SequenceModel | None = None
    combination: Combination | None = None
    forest: Forest | None = None
    peers: PeerGroups | None = None

    def weights_of(self, group: str) -> Weights:
        """Return the weights by which a day of that group is judged."""
        return self.weights.get(group) or self.elsewhere or Weights.plain(self.fields)

    def to_files(self) -> dict[str, bytes]:
        """Return the model as files of a bundle."""
        files = {FILE: msgspec.json.encode(msgspec.structs.replace(self, forest=None, peers=None))}
        arrays = {FOREST: self.forest, PEERS: self.peers}
        return files | {name: held.to_bytes() for name, held in arrays.items() if held is not None}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes], source: str) -> BehaviourModel:
        """Read what :meth:`to_files` wrote. Raises ``BundleError``, naming ``source``."""
        try:
            model = msgspec.json.decode(files[FILE], type=cls)
        except (KeyError, msgspec.MsgspecError, RecursionError) as error:
            raise BundleError(f"{source}/{FILE}", f"no model of behaviour: {error}") from error
        width = len(Weights.plain(model.fields).vector)
        for weights in [*model.weights.values(), *([model.elsewhere] if model.elsewhere else [])]:
            if (
                weights.fields != model.fields
                or len(weights.vector) != width
                or not np.isfinite([*weights.vector, weights.intercept]).all()
            ):
                raise BundleError(f"{source}/{FILE}", "its weights are not of its fields")
        forest = Forest.from_bytes(files[FOREST], f"{source}/{FOREST}") if FOREST in files else None
        if forest is not None and forest.names != NAMES:
            raise BundleError(f"{source}/{FOREST}", "it was made for other features of a day")
        peers = PeerGroups.from_bytes(files[PEERS], f"{source}/{PEERS}") if PEERS in files else None
        return msgspec.structs.replace(model, forest=forest, peers=peers)
