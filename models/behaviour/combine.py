"""Several detectors' words on one account-day as one anomaly score, and its p-value.

A detector's bare score becomes a surprise: −log of its conformal p-value among the group's earlier account-days. From day one, without
any label, surprises are combined as bets against "a usual day": a p-value p pays ½·p^−½, the evidence of impersonation pays its
likelihood ratio, and the mean of the payments is one again, however the detectors depend on each other (e-values: Vovk and Wang
2021). So one detector that is very sure is enough, several that agree are a little surer, and none can hide another.

Once there are labels, a logistic weighing of the same surprises is one more bet. Its weights are never negative: more surprise is never
less abnormal. It does not take the place of the others: labels know only what was looked at, and impostors' days are no insiders'.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from models.behaviour.conformal import Past, p_value

IMPERSONATION = "impersonation"
"""The detector whose score is the log of a likelihood ratio already; all others give bare scores."""
DETECTORS = (IMPERSONATION, "rarity", "forest")
OWN_PAST, GROUP_PAST = 250, 20_000
GROUP_KNOWN = 500
"""A group with fewer past account-days is held against its tenant's."""
NOTHING_SAID = -12.0
"""The score of a day of which no detector says anything."""
MOST = 12.0
"""No bet pays more than e to this."""


class Combination(msgspec.Struct, frozen=True, kw_only=True):
    """How much each detector's surprise counts: log odds = ``intercept`` + Σ weight × surprise.

    Learned from days of which people said what they were, ``attacks`` and ``harmless`` ones; odds beyond theirs are a likelihood ratio.
    """

    detectors: tuple[str, ...]
    weights: tuple[float, ...]
    intercept: float
    attacks: int
    harmless: int

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.detectors) or not all(0 <= weight < math.inf for weight in self.weights):
            raise ValueError("a combination has one weight for each detector, none of them negative")
        if not math.isfinite(self.intercept) or min(self.attacks, self.harmless) < 1:
            raise ValueError("a combination's numbers are finite, and it was learned from days of both kinds")

    def log_ratio(self, told: Sequence[float]) -> float:
        """Return the log likelihood ratio of what the detectors ``told``, in their order."""
        odds = self.intercept + sum(weight * one for weight, one in zip(self.weights, told, strict=True))
        return odds - math.log(self.attacks / self.harmless)


class Whose(NamedTuple):
    """An account, and the group whose past it is held against."""

    tenant: str
    kind: str
    entity: str
    group: str


class Combined(NamedTuple):
    """One account-day: the score in nats (the log of what the bets pay), its p-value, and what each detector told."""

    score: float
    p_value: float
    told: tuple[float, ...]


class _Pasts:
    """The earlier account-days of a group: of each detector, and of the combined score."""

    def __init__(self, detectors: int) -> None:
        self.of = tuple(Past(GROUP_PAST) for _ in range(detectors))
        self.score = Past(GROUP_PAST)

    def add(self, bare: Sequence[float], score: float) -> None:
        for past, one in zip(self.of, bare, strict=True):
            if not math.isnan(one):
                past.add(one)
        self.score.add(score)


class Combiner:
    """The pasts of all groups and accounts. Bare scores come in the order of ``detectors``; one that is no number says nothing."""

    def __init__(self, learned: Combination | None = None, detectors: tuple[str, ...] = DETECTORS) -> None:
        self.detectors, self._learned = detectors, learned
        if learned is not None and learned.detectors != detectors:
            raise ValueError("a combination of other detectors")
        self._groups: dict[tuple[str, str, str], _Pasts] = {}
        self._own: dict[tuple[str, str, str], Past] = {}

    def look(self, whose: Whose, bare: Sequence[float]) -> Combined:
        """Return what the detectors come to, by what is known."""
        group = self._group(whose)
        told = tuple(_told(name, one, past) for name, one, past in zip(self.detectors, bare, group.of, strict=True))
        score = self._score(told, bare)
        own = self._own.get(whose[:3], _EMPTY)
        return Combined(score, p_value(score, own, group.score), told)

    def _score(self, told: Sequence[float], bare: Sequence[float]) -> float:
        asked = zip(self.detectors, told, bare, strict=True)
        bets = [bet(name, one) for name, one, said in asked if not math.isnan(said)]
        if bets and self._learned is not None:
            bets.append(self._learned.log_ratio(told))
        return log_mean([min(one, MOST) for one in bets] or [NOTHING_SAID])

    def remember(self, whose: Whose, bare: Sequence[float], combined: Combined) -> None:
        """Take the day up among those that later ones are held against, once it is not doubted."""
        self._own.setdefault(whose[:3], Past(OWN_PAST)).add(combined.score)
        for name in {whose.group, ""}:
            self._pasts(whose, name).add(bare, combined.score)

    def _group(self, whose: Whose) -> _Pasts:
        group = self._pasts(whose, whose.group)
        return group if len(group.score) >= GROUP_KNOWN else self._pasts(whose, "")

    def _pasts(self, whose: Whose, group: str) -> _Pasts:
        return self._groups.setdefault((whose.tenant, whose.kind, group), _Pasts(len(self.detectors)))


_EMPTY = Past(1)


def _told(name: str, bare: float, past: Past) -> float:
    """Return a detector's word in nats."""
    if math.isnan(bare):
        return 0.0
    return bare if name == IMPERSONATION else past.surprise(bare)


def bet(name: str, told: float) -> float:
    """Return the log of what the bet on a detector pays: a likelihood ratio as it is, a surprise s = −log p by ½·p^−½."""
    return told if name == IMPERSONATION else told / 2 - math.log(2.0)


def log_mean(logs: Sequence[float]) -> float:
    """Return the log of the mean of e to the ``logs``."""
    highest = max(logs)
    return highest + math.log(float(np.mean([math.exp(one - highest) for one in logs])))
