"""How far an account has moved from what it was a season ago, and how far it may.

Each account has two decayed pictures of its values by field: a fast one of about the last month and a slow one that lags by about
three. Their distance is the sum over fields of squared Hellinger distances: 1 is one field wholly changed. A slow drift is small each
day, and large after a season: who has moved further than all but :data:`FURTHEST` of its group, and than it itself used to, has its
days held (:mod:`models.behaviour.held`), so the profile moves at most as fast as colleagues' do without anybody's leave. Held days go
into the fast picture only: the slow one stays a picture of what nobody doubts.

A picture has :data:`BUCKETS` cells a field, chosen by a keyed hash: who does not know the key cannot choose new values that fall where
the old ones are.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.behaviour.conformal import Past, p_value
from models.behaviour.day import Day

BUCKETS = 64
FAST_DAYS, SLOW_DAYS = 15.0, 90.0
"""Half-lives of the two pictures."""
MIXED = 5.0
"""As many days of the slow picture are mixed into the fast one: a few odd days are no drift."""
KNOWN_DAYS = 30
"""Before an account has been active on so many days, nothing is said of its drift."""
EVERY_DAYS = 7
"""So often at most an account's distance is remembered: distances of neighbouring days are the same news."""
FURTHEST = 0.01
OWN_PAST, GROUP_PAST = 60, 5000

Floats = NDArray[np.float32]


class _Picture:
    """Decayed counts of one account: fast and slow (2 × fields × buckets), their days, and when they were last true."""

    __slots__ = ("active", "counts", "days", "last", "past", "remembered")

    def __init__(self, fields: int, ordinal: int) -> None:
        self.counts: Floats = np.zeros((2, fields, BUCKETS), np.float32)
        self.days: Floats = np.zeros(2, np.float32)
        self.last, self.remembered, self.active = ordinal, ordinal, 0
        self.past = Past(OWN_PAST)

    def decay(self, ordinal: int) -> None:
        if ordinal > self.last:
            faded = np.exp2(-(ordinal - self.last) / np.array([FAST_DAYS, SLOW_DAYS])).astype(np.float32)
            self.counts *= faded[:, np.newaxis, np.newaxis]
            self.days *= faded
            self.last = ordinal

    def distance(self) -> float:
        slow = self.counts[1] / max(float(self.days[1]), 1e-9)
        fast = (self.counts[0] + MIXED * slow) / (self.days[0] + MIXED)
        known = np.sqrt(slow.sum(axis=1) * fast.sum(axis=1))
        alike = np.sqrt(slow * fast).sum(axis=1)
        return float((known - alike).sum())


class Drift:
    """The pictures of all accounts."""

    def __init__(self, fields: Sequence[str], secret: bytes) -> None:
        self._fields = tuple(fields)
        self._secret = secret[:64]
        self._accounts: dict[tuple[str, str], _Picture] = {}
        self._groups: dict[tuple[str, str], Past] = {}

    def judge(self, day: Day) -> tuple[float, float]:
        """Return how far the account has moved by the end of the day, and the p-value of that; the fast picture takes up the day."""
        picture = self._accounts.setdefault((day.tenant, day.entity), _Picture(len(self._fields), day.ordinal))
        self._add(picture, day, 0)
        if picture.active < KNOWN_DAYS:
            return 0.0, 1.0
        group = self._groups.setdefault((day.tenant, day.group), Past(GROUP_PAST))
        distance = picture.distance()
        p = p_value(distance, picture.past, group)
        if day.ordinal - picture.remembered >= EVERY_DAYS:
            picture.remembered = day.ordinal
            picture.past.add(distance)
            group.add(distance)
        return distance, p

    def learn(self, day: Day) -> None:
        """Take the day up into the slow picture: nobody doubts it."""
        picture = self._accounts[day.tenant, day.entity]
        picture.active += 1
        self._add(picture, day, 1)

    def _add(self, picture: _Picture, day: Day, which: int) -> None:
        picture.decay(day.ordinal)
        late = 2.0 ** ((day.ordinal - picture.last) / (FAST_DAYS, SLOW_DAYS)[which])
        for at, name in enumerate(self._fields):
            for value, weight in day.values.get(name, {}).items():
                picture.counts[which, at, self._bucket(name, value)] += weight * late
        picture.days[which] += late

    def _bucket(self, name: str, value: str) -> int:
        told = f"{name}\x00{value}".encode(errors="surrogatepass")
        return hashlib.blake2b(told, digest_size=1, key=self._secret).digest()[0] % BUCKETS
