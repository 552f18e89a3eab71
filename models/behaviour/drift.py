"""How far an account has moved from what it was a season ago, so that nobody moves a profile slowly to where they want it.

A day is judged a second time, by profiles that were put aside at least :data:`SEASON_DAYS` days before. A drift from one person's
ways to another's is small each day and is learned each day; the profile of a season ago has learned none of it. The mean of that
evidence over the account's last :data:`MEAN_OF` judged days is its movement. Who has moved further than all but :data:`FURTHEST` of the
group has the days held (:mod:`models.behaviour.held`): within a season a profile moves no further than colleagues' do, unless a
person says that it may. In memory a profile put aside is two numbers for each value that an account has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from models.behaviour.conformal import Past
from models.behaviour.day import Day
from models.behaviour.evidence import Weights, evidence
from models.behaviour.profiles import Profiles

SEASON_DAYS = 60
"""Profiles are put aside this often, and used when the next ones are: they are one to two seasons old."""
EVERY_DAYS = 2
"""An account is judged by them at most every so many days."""
MEAN_OF, LEAST = 15, 8
"""Judged days whose mean is the movement, and with how few nothing is said."""
KNOWN_DAYS = 20
"""Active days that an account must have had a season ago."""
MOST_A_DAY = 5.0
REMEMBERED_EVERY_DAYS = 7
"""So often at most an account's movement is remembered: that of neighbouring days is the same news."""
FURTHEST = 0.01
GROUP_PAST = 5000


class Movement(NamedTuple):
    """How far an account has moved, in nats of evidence a day, and how seldom that is: 1 where nothing can be said."""

    nats: float
    p_value: float


STILL = Movement(0.0, 1.0)


class _Account:
    __slots__ = ("judged", "last", "mean", "remembered")

    def __init__(self) -> None:
        self.mean, self.judged = 0.0, 0
        self.last = self.remembered = -EVERY_DAYS


class Drift:
    """The profiles put aside, and each account's movement away from them."""

    def __init__(self, profiles: Profiles, weights_of: Callable[[str], Weights]) -> None:
        self._profiles, self._weights_of = profiles, weights_of
        self._reference = self._next = profiles.snapshot()
        self._put_aside: int | None = None
        self._accounts: dict[tuple[str, str], _Account] = {}
        self._groups: dict[tuple[str, str], Past] = {}

    def judge(self, day: Day) -> Movement:
        """Return how far the day's account has moved by now. Days come in the order of time."""
        self._turn(day.ordinal)
        key = (day.tenant, day.entity)
        if day.program or self._reference.active_days(*key) < KNOWN_DAYS:
            return STILL
        account = self._accounts.setdefault(key, _Account())
        if day.ordinal - account.last >= EVERY_DAYS:
            odds = evidence(self._reference, day, day.entity).log_odds(self._weights_of(day.group))
            account.last, account.judged = day.ordinal, min(account.judged + 1, MEAN_OF)
            account.mean += (min(max(odds, -MOST_A_DAY), MOST_A_DAY) - account.mean) / account.judged
        if account.judged < LEAST:
            return STILL
        group = self._groups.setdefault((day.tenant, day.group), Past(GROUP_PAST))
        movement = Movement(account.mean, group.p_value(account.mean))
        if day.ordinal - account.remembered >= REMEMBERED_EVERY_DAYS:
            account.remembered = day.ordinal
            group.add(account.mean)
        return movement

    def forgive(self, tenant: str, entity: str) -> None:
        """Begin anew for an account of which a person said that its movement is legitimate."""
        self._accounts.pop((tenant, entity), None)

    def _turn(self, ordinal: int) -> None:
        if self._put_aside is None:
            self._put_aside = ordinal
        elif ordinal - self._put_aside >= SEASON_DAYS:
            self._reference, self._next = self._next, self._profiles.snapshot()
            self._put_aside = ordinal


def surprise(movement: Movement) -> float:
    """Return −log of how seldom an account moves so far."""
    return -float(np.log(movement.p_value))
