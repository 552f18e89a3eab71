"""Support: how fast each rule fired on one entity where people have judged it, so that a faster pace is known to be new."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

import msgspec
import numpy as np
from numpy.typing import NDArray

from features.encode import COLUMNS, FactBlock, RuleRef

PACE = "entity_rule_1m"
"""The feature that is watched: the decayed count of a rule on an entity over a minute."""

_RULE = COLUMNS.index("rule")


class Reach(msgspec.Struct, frozen=True):
    """The highest pace of a rule among benign alerts, and among all that were judged; −1 where there are none."""

    benign: float
    judged: float


class Support(msgspec.Struct, frozen=True):
    """What each rule is known to reach, by product and uid. Of a rule that is not in it nothing is said: an unknown rule has a
    reason of its own."""

    reach: dict[str, Reach]

    @classmethod
    def fit(cls, rules: list[RuleRef], rule: NDArray[np.int32], target: NDArray[np.int8], pace: NDArray[np.float64]) -> Self:
        """Learn from judged alerts: the index of each one's rule, whether it was an attack, and its pace (NaN: no entity)."""
        highest = np.full((2, len(rules)), -1.0)
        told = np.nan_to_num(pace, nan=-1.0)
        np.maximum.at(highest[0], rule[target == 0], told[target == 0])
        np.maximum.at(highest[1], rule, told)
        return cls({rule_key(rules[i]): Reach(*highest[:, i].tolist()) for i in np.unique(rule).tolist()})


class Outside(IntEnum):
    """How far outside an alert lies: not at all, faster than any benign alert of its rule, faster than any that was judged."""

    NOT = 0
    BENIGN = 1
    JUDGED = 2


_ANYTHING = Reach(np.inf, np.inf)


def rule_key(rule: RuleRef) -> str:
    """Return the name of a rule in a support."""
    return f"{rule.product}\x1f{rule.uid}"


class SupportTable:
    """A support looked up by the hashes of rules."""

    def __init__(self, support: Support, rules: dict[int, RuleRef]) -> None:
        self._reach, self._rules = support.reach, rules

    def read(self, block: FactBlock, pace: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return for each fact of ``block`` how far outside (see ``Outside``) its ``pace`` lies; without an entity there is none."""
        hashes, inverse = np.unique(block.columns[:, _RULE], return_inverse=True)
        found = [self._reach.get(rule_key(self._rules[code]), _ANYTHING) for code in hashes.tolist()]
        reach = np.array([(one.benign, max(one.benign, one.judged)) for one in found], np.float64).reshape(-1, 2)
        return np.asarray((pace[:, None] > reach[inverse.reshape(-1)]).sum(axis=1), np.float64)
