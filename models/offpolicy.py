"""Off-policy: what a threshold that was never run would miss, from a log in which each alert's chance of being seen is on record."""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.misses import Interval, estimate_misses


class Seen(NamedTuple):
    """What a log tells of n alerts. ``shown`` f8[n]: the probability with which the policy that ran put each before a person;
    ``came`` b[n]: whether it did; ``target`` i1[n]: what the verdict in force says (1 attack, 0 benign, −1 none).
    """

    shown: NDArray[np.float64]
    came: NDArray[np.bool_]
    target: NDArray[np.int8]

    def take(self, rows: NDArray[np.bool_]) -> Seen:
        """Return what is told of some alerts."""
        return Seen(self.shown[rows], self.came[rows], self.target[rows])


class Share(msgspec.Struct, frozen=True):
    """A share with its interval; ``share`` is ``None`` where no verdict tells anything."""

    share: float | None
    low: float
    high: float


class OffPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What ``alerts`` that would be hidden are, by verdicts that were given under the policy that ran.

    ``judged``: verdicts that it rests on. ``never``: alerts that the policy that ran showed to nobody, whatever the draw, so that
    nothing is known of them. ``misses``: the share of attacks among what would be hidden; ``of_attacks``: the share of all attacks
    that would be. ``note`` says what it rests on, in words.
    """

    alerts: int
    judged: int
    never: int
    misses: Share
    of_attacks: Share
    note: str


def off_policy(hidden: NDArray[np.bool_], seen: Seen, delta: float = 0.05) -> OffPolicy:
    """Estimate what a policy that hides ``hidden`` b[n] would miss; intervals hold at 1 − ``delta``.

    Verdicts are weighed by the inverse of their chance, self-normalised (Hájek 1971), apart for what was shown for sure and what
    was drawn: how many there are of each is known. Of what was never shown nothing is known, and the interval says so. It is
    assumed that which of the alerts that came before people were judged does not depend on what they are.
    """
    gone, kept = _attacks(seen.take(hidden), delta), _attacks(seen.take(~hidden), delta / 2.0)
    wide = _attacks(seen.take(hidden), delta / 2.0)
    n, never = int(hidden.sum()), int((seen.shown[hidden] <= 0.0).sum())
    judged = int((hidden & seen.came & (seen.target >= 0) & (seen.shown > 0.0)).sum())
    return OffPolicy(
        alerts=n,
        judged=judged,
        never=never,
        misses=Share(None if math.isnan(gone.share) else _part(gone.share, n - gone.share), *(_part(x, n - x) for x in gone[1:])),
        of_attacks=_of_all(wide, kept),
        note=_note(n, judged, never),
    )


def _of_all(gone: Interval, kept: Interval) -> Share:
    known = not math.isnan(gone.share + kept.share) and gone.share + kept.share > 0.0
    return Share(
        _part(gone.share, kept.share) if known else None, _part(gone.low, kept.high), _part(gone.high, kept.low, otherwise=1.0)
    )


def _part(some: float, rest: float, otherwise: float = 0.0) -> float:
    return some / (some + rest) if some + rest > 0.0 else otherwise


def _attacks(seen: Seen, delta: float) -> Interval:
    """Return how many of these alerts are attacks; NaN where no verdict tells."""
    sure, never = seen.shown >= 1.0, seen.shown <= 0.0
    parts = [rows for rows in (sure, ~sure & ~never) if rows.any()]
    share, told, low, high = 0.0, 0, 0.0, float(never.sum())
    for rows in parts:
        size, judged = int(rows.sum()), rows & seen.came & (seen.target >= 0)
        found = estimate_misses(seen.target[judged] == 1, seen.shown[judged], delta=delta / len(parts))
        low, high = low + size * found.low, high + size * found.high
        if judged.any():
            share, told = share + size * found.share, told + size
    n = len(seen.shown)
    return Interval(share * n / told if told else (0.0 if not n else math.nan), low, high)


def _note(n: int, judged: int, never: int) -> str:
    if not n:
        return "nothing would be hidden"
    if never == n:
        return "no support: the policy that ran showed none of these alerts to anybody, so nothing is known of them"
    if not judged:
        return "no support: nobody judged any of these alerts, so nothing is known of them"
    rest = f"; of {never:,} that were never shown nothing is known, and the interval allows for anything" if never else ""
    return f"from {judged:,} verdicts on alerts that came before people, weighed by their chance to{rest}"
