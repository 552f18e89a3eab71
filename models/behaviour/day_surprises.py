"""How surprising each feature of a day is: among the tenant's days of such accounts, as it is and beyond the account's own usual days."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from features.alert import EntityKind
from models.behaviour.day_vector import NAMES, DayVectors
from models.behaviour.own_days import OwnDays
from models.behaviour.rarity import Floats, Rarity
from models.behaviour.roster import grown

LEAST_DAYS = 100
"""Account-days of a tenant that must be known before its rarities are."""
REFERENCE = 5000
"""The latest account-days of a tenant that others are held against."""
REFIT = 0.2
"""The reference is looked at anew when so large a share of it is new."""
_COLUMNS = (*NAMES, *(f"{name}_beyond" for name in NAMES))


class _Reference:
    """The latest days of one tenant's accounts of one kind, and how rare each feature's values are among them."""

    def __init__(self) -> None:
        self._rows, self._known, self._new = np.zeros((0, len(_COLUMNS))), 0, 0
        self._rarity: Rarity | None = None

    def rarity(self) -> Rarity | None:
        held = min(self._known, REFERENCE)
        if held >= LEAST_DAYS and (self._rarity is None or self._new >= REFIT * held):
            self._rarity, self._new = Rarity.fit(self._rows[:held], _COLUMNS, both_tails=False), 0
        return self._rarity

    def learn(self, values: Floats) -> None:
        last = values[-REFERENCE:]
        self._rows = grown(self._rows, min(self._known + len(last), REFERENCE))[:REFERENCE]
        self._rows[(self._known + np.arange(len(last))) % REFERENCE] = last
        self._known += len(last)
        self._new += len(values)


class Found(NamedTuple):
    """The surprise of each feature of each day in nats (n × F), and what is usual of each feature."""

    surprises: Floats
    usual: Floats


class Surprises:
    """The references of all tenants and kinds, and the usual days of all accounts."""

    def __init__(self) -> None:
        self._references: dict[tuple[str, EntityKind], _Reference] = {}
        self._own = OwnDays(len(NAMES))

    def step(self, days: DayVectors) -> Found | None:
        """Return what is found of the days, which are of one tenant, kind and UTC day; then learn them."""
        values, found = self.look(days)
        self.learn(days, values)
        return found

    def look(self, days: DayVectors) -> tuple[Floats, Found | None]:
        """Return what is to be learned of the days, and what is found; nothing while the tenant is hardly known."""
        values = np.hstack([days.values, self._own.beyond(_whose(days), days.values, days.keys[0].ordinal)])
        rarity = self._reference(days).rarity()
        if rarity is None:
            return values, None
        surprises: Floats = rarity.surprises(values).reshape(len(values), 2, -1).mean(axis=1)
        return values, Found(surprises, rarity.middle[: len(NAMES)])

    def learn(self, days: DayVectors, values: Floats) -> None:
        """Learn days, now or later, by what :meth:`look` returned of them."""
        self._reference(days).learn(values)
        self._own.learn(_whose(days), days.values, days.keys[0].ordinal)

    def _reference(self, days: DayVectors) -> _Reference:
        first = days.keys[0]
        return self._references.setdefault((first.tenant, first.kind), _Reference())


def _whose(days: DayVectors) -> list[tuple[str, EntityKind, str]]:
    return [key[1:] for key in days.keys]
