"""What to ask a person next: the alerts whose verdicts teach most, and some drawn at random among them."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

RANDOM_SHARE = 0.1
"""This share of what is asked is drawn uniformly: a model learns nothing of what it is wrongly sure of otherwise."""
REPEAT_SECONDS = 300.0
"""Alerts of one rule on one entity within this time are one question."""
_UNSURE_BITS = 0.5
"""From this entropy on the score leaves much open: between 11 % and 89 %."""


class Why(StrEnum):
    """Why an alert is asked about."""

    CONTESTED = "contested"
    """Two analysts are at odds."""
    UNCERTAIN = "uncertain"
    """The model finds it about as likely an attack as not."""
    NOVEL = "novel"
    """Nobody has judged this rule on this entity lately."""
    RANDOM = "random"
    """Drawn by lot."""


class Candidates(NamedTuple):
    """n alerts that may be asked about.

    ``score`` f8[n]: calibrated probability of an attack; NaN where no model spoke, which is as uncertain as can be. ``rule``
    and ``entity`` i8[n]: codes of the rule and of the main entity. ``known`` f8[n]: how many verdicts were given lately on
    this rule and entity. ``contested`` b[n]: two analysts are at odds. ``time`` f8[n]: epoch seconds.
    """

    score: NDArray[np.float64]
    rule: NDArray[np.int64]
    entity: NDArray[np.int64]
    known: NDArray[np.float64]
    contested: NDArray[np.bool_]
    time: NDArray[np.float64]


def teach(among: Candidates, budget: int, random: np.random.Generator) -> tuple[NDArray[np.int64], list[Why]]:
    """Return at most ``budget`` of the candidates, i8[m] in the order to ask, and why each; contested ones come first.

    What it is worth to ask is the entropy of the score over ``1 + known``, and each earlier pick of the same rule, of the same
    entity and of both counts it down once more. A tenth is drawn by lot among all, and stands at places drawn by lot too.
    """
    at_odds = np.flatnonzero(among.contested)[:budget]
    rest = _once(among)
    left = min(budget - len(at_odds), len(rest))
    lots = min(left, max(1, round(left * RANDOM_SHARE)))
    by_lot = random.choice(rest, lots, replace=False)
    wanted = rest[~np.isin(rest, by_lot)]
    picked = _greedy(_entropy(among.score) / (1.0 + among.known), among, wanted, left - lots)
    places = np.zeros(lots + len(picked), np.bool_)
    places[random.choice(len(places), lots, replace=False)] = True
    asked = np.empty(len(places), np.int64)
    asked[places], asked[~places] = by_lot, picked
    why = [Why.RANDOM if lot else _reason(among, i) for i, lot in zip(asked.tolist(), places.tolist(), strict=True)]
    return np.concatenate([at_odds, asked]), [Why.CONTESTED] * len(at_odds) + why


def _reason(among: Candidates, i: int) -> Why:
    """Say what makes an alert worth asking about: a score that leaves much open, or else that nobody has judged its like."""
    unsure = _entropy(among.score[i : i + 1])[0] >= _UNSURE_BITS
    return Why.UNCERTAIN if unsure or among.known[i] >= 1.0 else Why.NOVEL


def _entropy(score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the binary entropy in bits; 1 for NaN."""
    p = np.clip(np.nan_to_num(score, nan=0.5), 1e-12, 1.0 - 1e-12)
    return np.asarray(-p * np.log2(p) - (1.0 - p) * np.log2(1.0 - p), np.float64)


def _once(among: Candidates) -> NDArray[np.int64]:
    """Return, ascending, the first of each group of repeats among those not contested: a group spans five minutes from its first."""
    order = np.lexsort((among.time, among.entity, among.rule))
    order = order[~among.contested[order]]
    columns = (order, among.rule[order], among.entity[order], among.time[order])
    kept: list[int] = []
    rule, entity, since = -1, -1, -np.inf
    for i, r, e, t in zip(*(column.tolist() for column in columns), strict=True):
        if (r, e) != (rule, entity) or t - since > REPEAT_SECONDS:
            rule, entity, since = r, e, t
            kept.append(i)
    return np.array(sorted(kept), np.int64)


def _greedy(worth: NDArray[np.float64], among: Candidates, wanted: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return the ``most`` best of ``wanted``, one after the other.

    All of one rule and entity count down alike, so each such pair offers its best. Time is O(pairs · most + n log n).
    """
    order = wanted[np.lexsort((-worth[wanted], among.entity[wanted], among.rule[wanted]))]
    apart = (np.diff(among.rule[order]) != 0) | (np.diff(among.entity[order]) != 0)
    start = np.flatnonzero(np.r_[np.ones(min(1, len(order)), np.bool_), apart])
    end = np.r_[start[1:], len(order)]
    offer, rule, entity = worth[order[start]], among.rule[order[start]], among.entity[order[start]]
    weight = np.ones(len(start))  # (1 + picks of the rule) · (1 + of the entity) · (1 + of both)
    picks, of_rule, of_entity = np.ones(len(start)), np.ones(len(start)), np.ones(len(start))
    picked: list[int] = []
    for _ in range(min(most, len(order))):
        best = int(np.argmax(offer / weight))
        picked.append(int(order[start[best]]))
        start[best] += 1
        offer[best] = worth[order[start[best]]] if start[best] < end[best] else -1.0
        same_rule, same_entity = np.flatnonzero(rule == rule[best]), np.flatnonzero(entity == entity[best])
        of_rule[same_rule] += 1.0
        of_entity[same_entity] += 1.0
        picks[best] += 1.0
        for some in (same_rule, same_entity):
            weight[some] = of_rule[some] * of_entity[some] * picks[some]
    return np.array(picked, np.int64)
