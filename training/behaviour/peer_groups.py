"""Peer groups learned from a history of days: spherical k-means over what accounts work on (Dhillon and Modha 2001)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import silhouette_score

from models.behaviour.day import Day
from models.behaviour.peers import HALF_LIFE_DAYS, LEAST_DAYS, PeerGroups, word

FIELDS = ("action", "application", "target")
LEAST_ACCOUNTS, MOST_WORDS = 3, 4096
"""A word is known by at least so many accounts; of more words than the most, those of the most accounts are kept."""
LEAST_MEMBERS = 5
"""A group has at least so many members; smaller ones are no company."""
MOST_GROUPS = 32
TRIED = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, MOST_GROUPS)
JUDGED_ACCOUNTS = 2000
HALF = 0.5
"""To a group belongs who is at least so much as like it as the middle one of those from whom it was learned."""

Floats = NDArray[np.float64]
_Account = tuple[str, str]


def fit_peer_groups(days: Sequence[Day], *, fields: tuple[str, ...] = FIELDS, seed: int = 0) -> PeerGroups | None:
    """Learn peer groups; ``None`` where there are too few accounts, or they are all alike. The number of groups is the one of best
    silhouette.
    """
    vocabulary = _vocabulary(days, fields)
    bare = PeerGroups(fields=fields, words=vocabulary[0], weight=vocabulary[1], centroids=np.zeros((0, 0)), least=np.zeros(0))
    likeness = _accounts(days, bare)
    if len(likeness) < 2 * LEAST_MEMBERS:
        return None
    unit = likeness / np.maximum(np.linalg.norm(likeness, axis=1, keepdims=True), 1e-12)
    label = _best(unit, seed)
    centroids, least = [], []
    for number in np.unique(label):
        centre = unit[label == number].mean(axis=0)
        centre /= np.linalg.norm(centre) or 1.0
        centroids.append(centre)
        least.append(HALF * float(np.median(likeness[label == number] @ centre)))
    if len(centroids) < 2:
        return None
    return PeerGroups(fields=fields, words=bare.words, weight=bare.weight, centroids=np.array(centroids), least=np.array(least))


def _vocabulary(days: Sequence[Day], fields: tuple[str, ...]) -> tuple[NDArray[np.uint64], Floats]:
    """Return the words that several accounts have, and how much each counts: the fewer have it, the more."""
    who: dict[int, set[_Account]] = defaultdict(set)
    everybody = set()
    for day in days:
        account = (day.tenant, day.entity)
        everybody.add(account)
        for field in fields:
            for value in day.values.get(field, {}):
                who[word(field, value)].add(account)
    often = sorted(((len(those), one) for one, those in who.items() if len(those) >= LEAST_ACCOUNTS), reverse=True)[:MOST_WORDS]
    words = np.array(sorted(one for _, one in often), np.uint64)
    weight = np.array([np.log((1 + len(everybody)) / len(who[int(one)])) for one in words])
    return words, weight


def _accounts(days: Sequence[Day], bare: PeerGroups) -> Floats:
    """Return each account's decayed mean of days (accounts × words), of people with enough days, in the order of their names."""
    if not len(bare.words):
        return np.zeros((0, 0))
    last, place_of = max(day.ordinal for day in days), bare.places()
    total: dict[_Account, Floats] = {}
    number, active = defaultdict[_Account, float](float), defaultdict[_Account, int](int)
    for day in days:
        if day.program:
            continue
        account, fade = (day.tenant, day.entity), 2.0 ** ((day.ordinal - last) / HALF_LIFE_DAYS)
        found = bare.vector(day.values, place_of)
        if found is not None:
            np.add.at(total.setdefault(account, np.zeros(len(bare.words))), found[0], found[1] * fade)
        number[account] += fade
        active[account] += 1
    kept = sorted(account for account in total if active[account] >= LEAST_DAYS)
    return np.array([total[account] / number[account] for account in kept])


def _best(unit: Floats, seed: int) -> NDArray[np.int64]:
    """Return each account's group, by the number of groups whose silhouette is best."""
    best, label = -1.0, np.zeros(len(unit), np.int64)
    for number in TRIED:
        if number * LEAST_MEMBERS > len(unit):
            break
        fitted = KMeans(number, n_init=4, random_state=seed).fit(unit)
        tried = _joined(unit, fitted.labels_.astype(np.int64))
        if len(np.unique(tried)) < 2:
            continue
        quality = float(
            silhouette_score(unit, tried, metric="cosine", sample_size=min(len(unit), JUDGED_ACCOUNTS), random_state=seed)
        )
        if quality > best:
            best, label = quality, tried
    return label


def _joined(unit: Floats, label: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the labels with members of groups that are too small given to the nearest that is not."""
    number, size = np.unique(label, return_counts=True)
    large = number[size >= LEAST_MEMBERS]
    if not len(large):
        return np.zeros(len(unit), np.int64)
    centres = np.array([unit[label == one].mean(axis=0) for one in large])
    lost = ~np.isin(label, large)
    out = label.copy()
    out[lost] = large[np.argmax(unit[lost] @ centres.T, axis=1)]
    return out
