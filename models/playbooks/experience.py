"""What worked before: of similar incidents that a playbook handled, how many were mitigated."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

import msgspec

from models.playbooks.incident_type import IncidentType
from models.playbooks.signs import bare

_MEMORY = timedelta(days=180)
_ALIKE = 0.5
"""Incidents of other types are similar if they share at least this part of all their techniques (Jaccard)."""


class PastResponse(msgspec.Struct, frozen=True, gc=False):
    """That a ``playbook`` handled an incident of a type and with techniques, and whether that ``mitigated`` it; when known."""

    type: IncidentType
    techniques: tuple[str, ...]
    playbook: str
    mitigated: bool
    time: datetime


class Worked(NamedTuple):
    """Of ``handled`` similar incidents, ``mitigated`` were."""

    handled: int = 0
    mitigated: int = 0

    @property
    def chance(self) -> float:
        """The expected share, from a uniform prior: (k + 1) / (n + 2), one half for what was never tried."""
        return (self.mitigated + 1) / (self.handled + 2)

    def __str__(self) -> str:
        """Say it in a sentence."""
        if not self.handled:
            return "No similar incident has been handled with it yet."
        incidents, were = ("incident", "was") if self.handled == 1 else ("incidents", "were")
        return f"Of {self.handled} similar {incidents} handled with it, {self.mitigated} {were} mitigated."


def what_worked(
    past: Iterable[PastResponse], kind: IncidentType, techniques: Collection[str], now: datetime
) -> dict[str, Worked]:
    """Return what each playbook (by uid) did in similar incidents of the 180 days before ``now``; nothing later is seen."""
    found: dict[str, Worked] = {}
    mine = frozenset(filter(None, map(bare, techniques)))
    for response in past:
        if now - _MEMORY <= response.time < now and (response.type is kind or _alike(mine, response.techniques)):
            handled, mitigated = found.get(response.playbook, Worked())
            found[response.playbook] = Worked(handled + 1, mitigated + response.mitigated)
    return found


def _alike(mine: frozenset[str], techniques: Iterable[str]) -> bool:
    theirs = frozenset(filter(None, map(bare, techniques)))
    return bool(mine and theirs) and len(mine & theirs) >= _ALIKE * len(mine | theirs)
