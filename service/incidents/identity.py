"""Which name an incident keeps when what it holds is joined with another's, or comes apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple


class Heirs(NamedTuple):
    """``heir``: for each group of lines the incident that it is now, or ``None``; ``absorbed``: incidents that are no longer of
    their own, each with the index of the group that it went into."""

    heir: list[str | None]
    absorbed: dict[str, int]


def inherit(claims: Sequence[Mapping[str, int]], seniority: Callable[[str], tuple[object, ...]]) -> Heirs:
    """Return who is who, given for each group how many of its lines were in which incident before.

    In a group the incident with most lines keeps its name, the senior one (lowest ``seniority``) among equals; an incident
    that came apart goes on in the group with most of its lines. No name is given twice.

    >>> inherit([{"a": 3, "b": 2}, {"a": 1}], lambda uid: (uid,))
    Heirs(heir=['a', None], absorbed={'b': 0})
    """
    offers = [(-count, seniority(uid), i, uid) for i, group in enumerate(claims) for uid, count in group.items()]
    heir: list[str | None] = [None] * len(claims)
    largest: dict[str, int] = {}
    placed: set[str] = set()
    for _, _, i, uid in sorted(offers):
        largest.setdefault(uid, i)
        if heir[i] is None and uid not in placed:
            heir[i] = uid
            placed.add(uid)
    return Heirs(heir, {uid: i for uid, i in largest.items() if uid not in placed})
