"""Where a scenario takes place: whom it may happen to, on which day, and how single deeds of it are made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.simulator.behaviour.calendar import DAY_HOURS, begin_of_day, shifts_of
from training.simulator.behaviour.catalogue import DO
from training.simulator.behaviour.deeds import Deeds, Ints, deeds
from training.simulator.behaviour.town import Town
from training.simulator.behaviour.work import Shifts, habitual, programs
from training.simulator.rows import DAY, HOUR
from training.simulator.world import COUNTRIES

_WITHIN_DAYS = 21


class Stage(NamedTuple):
    """One case of a scenario: not before ``day``, under the number ``case``; nobody of ``used`` is hit again."""

    town: Town
    rng: np.random.Generator
    day: int
    case: int
    used: set[int]

    def days_of(self, fit: NDArray[np.bool_] | bool, *, present: bool) -> tuple[int, int] | None:
        """Draw somebody long employed whom ``fit`` allows, and a working day soon after on which they are present, or are not."""
        people, last = self.town.world.people, min(self.day + _WITHIN_DAYS, self.town.world.days)
        may = (people.joined < 0) & (people.left > self.town.world.days) & fit
        may[list(self.used)] = False
        day = np.arange(self.day, last)
        who, at = np.nonzero(may[:, None] & (day % 7 < 5) & (people.present[:, self.day : last] == present))
        if not len(who):
            return None
        somebody = int(self.rng.choice(np.unique(who)))
        self.used.add(somebody)
        return somebody, int(day[self.rng.choice(at[who == somebody])])

    def following(self, who: int, day: int, most: int, *, present: bool) -> Ints:
        """Return up to ``most`` working days from ``day`` on, on which that person is present, or is not."""
        day_of = np.arange(day, self.town.world.days)
        fit = (self.town.world.people.present[who, day:] == present) & (day_of % 7 < 5)
        days: Ints = day_of[fit][:most]
        return days

    def shift(
        self, who: int, day: int, volume: float, *, after: float = 0.0, hours: float = DAY_HOURS, home: bool = False
    ) -> Shifts:
        """Return one shift in a person's own ways, ``after`` so many hours of their day."""
        one, on = np.array([who]), np.array([day])
        start = begin_of_day(self.town, one, on) + after * HOUR
        return shifts_of(self.town, one, start, np.array([max(round(volume), 2)]), hours=hours, at_home=np.array([home]))

    def scripted(self, shift: Shifts, names: Sequence[str], *, gap: float = 100.0, **columns: object) -> Deeds:
        """Return deeds of these ``names``, one after the other from the shift's start on; ``columns`` are other than usual."""
        who = np.repeat(shift.who, len(names))
        time = shift.start + np.cumsum(self.rng.exponential(gap, len(names)))
        action = np.array([DO[name] for name in names])
        usual = habitual(self.town, who, time, action, self.rng)
        target = np.where(
            action == DO["logon"], who, np.where(action == DO["mail.read"], self.town.first["mailbox"] + who, usual)
        )
        made = deeds(
            time, account=shift.account, action=action, target=target, address=shift.address, country=shift.country,
            device=self.town.laptop(who, time), program=programs(who, action, target), case=self.case,
        )  # fmt: skip
        return made.but(**columns) if columns else made

    def foreign_country(self, who: int) -> int:
        """Return a country where the person never is."""
        days = np.arange(self.town.world.days)
        known = np.unique(self.town.country(np.full(len(days), who), days))
        return int(self.rng.choice(np.setdiff1d(np.arange(len(COUNTRIES)), known)))

    def outside_address(self) -> int:
        """Return somebody's address outside."""
        return (198 << 24) + (18 << 16) + 60_000 + int(self.rng.integers(0, 5_000))

    def day_start(self, day: int) -> float:
        """Return any moment of a day, in seconds."""
        return (day + float(self.rng.uniform(0.0, 0.9))) * DAY
