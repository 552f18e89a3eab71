"""Alerts as a bundle scores them, what became of them, and what they are called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.encode import COLUMNS, FactBlock, RuleRef
from models.bundle import ModelBundle
from models.evidence import evidence
from models.offpolicy import Seen
from models.policy import Evidence
from models.rule_encoder import RuleTable, encode_rules
from models.support import SupportTable

BIN_SECONDS = 300.0
"""Repeats of one rule on one entity within it are one group."""
_GROUP = [COLUMNS.index(name) for name in ("tenant", "rule", "entity")]


class Log(NamedTuple):
    """n alerts as a bundle scores them, and what became of them over so many ``days``.

    ``score`` f8[n] is NaN where no model spoke. ``drawn`` f8[n]: the probability of each, were it hidden, to be audited all the
    same. ``target`` i1[n]: 1 attack, 0 benign, −1 nobody said. ``incident`` i8[n]: number of the incident of an attack, else −1.
    ``seen``: which came before people and with what chance, where decisions are on record.
    """

    block: FactBlock
    score: NDArray[np.float64]
    evidence: Evidence
    drawn: NDArray[np.float64]
    target: NDArray[np.int8]
    incident: NDArray[np.int64]
    days: float
    seen: Seen | None = None


class Judgement(NamedTuple):
    """What a bundle makes of n alerts; arrays as in :class:`Log`."""

    score: NDArray[np.float64]
    evidence: Evidence
    drawn: NDArray[np.float64]

    @classmethod
    def of(cls, bundle: ModelBundle, features: NDArray[np.float64], block: FactBlock, table: RuleTable) -> Self:
        """Judge alerts by their ``features`` as of then (n × F); what other tenants say of their rules is read anew from ``table``."""
        values, known = table.read(block)
        told = encode_rules(bundle.view, features, values)
        score = bundle.calibrator(bundle.raw(told))
        support = SupportTable(bundle.support, table.rules)
        return cls(score, evidence(bundle.view, told, block.widen(values), known, support), bundle.propensity(told))

    @classmethod
    def concat(cls, parts: Sequence[Judgement]) -> Judgement:
        """Return the parts one after the other; there is at least one."""
        fields = [np.concatenate([getattr(part.evidence, name) for part in parts]) for name in Evidence._fields]
        score, drawn = (np.concatenate([getattr(part, name) for part in parts]) for name in ("score", "drawn"))
        return cls(score, Evidence(*fields), drawn)


class Names(NamedTuple):
    """What the hashes of a log mean: ``rules`` and ``tenants`` as the encoder has them; ``alert`` names a row, ``incident`` a number."""

    rules: dict[int, RuleRef]
    tenants: dict[int, str]
    alert: Callable[[int], NamedAlert]
    incident: Callable[[int], str]


class NamedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert by name."""

    tenant: str
    alert_uid: str
    rule: str
    entity: str


def groups_of(block: FactBlock) -> NDArray[np.int64]:
    """Return the number of each fact's group, i8[n]: one rule on one entity within five minutes."""
    mixed = np.floor(block.time / BIN_SECONDS).astype(np.int64).astype(np.uint64)
    for column in _GROUP:
        mixed = (mixed ^ block.columns[:, column]) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(29)
    return np.unique(mixed, return_inverse=True)[1].reshape(-1).astype(np.int64)
