"""Peer groups learned from behaviour, for accounts of which no directory says where they belong.

A day is a unit vector over the values that several accounts have (what they work on, with what, how), rare values counting more; an
account is the mean of its days, decayed. Groups are directions (centroids) found by spherical k-means in ``training/behaviour``;
an account belongs to the one that its days are most like, or to none. Values are held as hashes: a bundle names nobody's files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from functools import lru_cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.behaviour import arrays
from models.behaviour.day import Day
from models.errors import BundleError

HALF_LIFE_DAYS = 60.0
LEAST_DAYS = 5.0
"""An account with fewer decayed days belongs to no group yet."""
HABIT = 1.1
"""An account changes its group only for one that it is this much more like."""
MAX_GROUPS, MAX_WORDS = 256, 2**16
_KEPT = 2**16
"""So many words are not hashed anew."""
_SHAPES = {"fields": ("<U64", 1), "words": ("u8", 1), "weight": ("f8", 1), "centroids": ("f8", 2), "least": ("f8", 1)}

Floats = NDArray[np.float64]
PlaceOf = Callable[[int, int], int]
"""Returns the place of a word, or what is given for one that is not known."""


@lru_cache(_KEPT)
def word(field: str, value: str) -> int:
    """Return the hash that stands for a value of a field."""
    return int.from_bytes(hashlib.blake2b(f"{field}\x00{value}".encode(errors="surrogatepass"), digest_size=8).digest(), "little")


class PeerGroups(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """The learned groups: ``words`` (rising) with their ``weight``, ``centroids`` (groups × words, unit rows), and the ``least``
    mean cosine at which an account belongs to each.
    """

    fields: tuple[str, ...]
    words: NDArray[np.uint64]
    weight: Floats
    centroids: Floats
    least: Floats

    def places(self) -> PlaceOf:
        """Return what tells the place of a word: to be made once, and asked for many days."""
        return {known: place for place, known in enumerate(self.words.tolist())}.get

    def likeness(self, values: Mapping[str, Mapping[str, float]], place_of: PlaceOf) -> Floats | None:
        """Return the cosine of a day with each group; ``None`` if nothing of it is known."""
        found = self.vector(values, place_of)
        if found is None:
            return None
        at, weight = found
        out: Floats = self.centroids[:, at] @ weight
        return out

    def vector(self, values: Mapping[str, Mapping[str, float]], place_of: PlaceOf) -> tuple[NDArray[np.int64], Floats] | None:
        """Return the places of a day's known words and their weights, of length 1; what is not known makes the day unlike all."""
        places, shares = list[int](), list[float]()
        for field in self.fields:
            told = values.get(field, {})
            places += [place_of(word(field, value), -1) for value in told]
            shares += told.values()
        if max(places, default=-1) < 0:
            return None
        at = np.array(places)
        known = at >= 0
        weight = np.array(shares) * np.where(known, self.weight[at], self.weight.max())
        return at[known], weight[known] / float(np.sqrt((weight**2).sum()))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PeerGroups) and self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the groups as npz."""
        return arrays.to_bytes({name: np.asarray(getattr(self, name), kind) for name, (kind, _) in _SHAPES.items()})

    @classmethod
    def from_bytes(cls, data: bytes, source: str) -> PeerGroups:
        """Read what :meth:`to_bytes` wrote. Raises ``BundleError``, naming ``source``, for groups that cannot be."""
        read = arrays.from_bytes(data, _SHAPES, source)
        groups = cls(fields=tuple(read.pop("fields").tolist()), **read)
        number, words = groups.centroids.shape
        if words != len(groups.words) or words != len(groups.weight) or number != len(groups.least):
            raise BundleError(source, "peer groups with parts missing")
        if number > MAX_GROUPS or words > MAX_WORDS:
            raise BundleError(source, "more peer groups, or words of them, than there may be")
        if (groups.words[1:] <= groups.words[:-1]).any() or (groups.weight <= 0).any():
            raise BundleError(source, "words of peer groups that do not rise, or weigh nothing")
        return groups


class _Member:
    __slots__ = ("days", "group", "last", "likeness")

    def __init__(self, groups: int, ordinal: int) -> None:
        self.likeness = np.zeros(groups, np.float32)
        self.days, self.last, self.group = 0.0, ordinal, -1


class Memberships:
    """Which account belongs to which group by now; a day is taken up when it is learned."""

    def __init__(self, groups: PeerGroups) -> None:
        self._groups, self._place_of = groups, groups.places()
        self._members: dict[tuple[str, str], _Member] = {}

    def learn(self, day: Day) -> None:
        """Take up a day of an account."""
        alike = self._groups.likeness(day.values, self._place_of)
        member = self._members.get((day.tenant, day.entity))
        if member is None:
            member = self._members[day.tenant, day.entity] = _Member(len(self._groups.least), day.ordinal)
        fade = 2.0 ** (-abs(day.ordinal - member.last) / HALF_LIFE_DAYS)
        before, now = (fade, 1.0) if day.ordinal >= member.last else (1.0, fade)
        member.likeness *= np.float32(before)
        if alike is not None:
            member.likeness += (alike * now).astype(np.float32)
        member.days = member.days * before + now
        member.last = max(member.last, day.ordinal)
        member.group = self._choice(member)

    def group(self, tenant: str, entity: str) -> int | None:
        """Return the number of the group to which the account belongs, or ``None``."""
        member = self._members.get((tenant, entity))
        return None if member is None or member.group < 0 else member.group

    def _choice(self, member: _Member) -> int:
        if member.days < LEAST_DAYS or not len(member.likeness):
            return -1
        mean = member.likeness / member.days
        best = int(np.argmax(mean))
        if member.group >= 0 and mean[best] < HABIT * mean[member.group]:
            best = member.group
        return best if mean[best] >= self._groups.least[best] else -1
