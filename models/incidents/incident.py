"""What an incident is: lines of alerts, and the links that join them."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime
from typing import TypeVar

import msgspec

from features.alert import Entity, Observable, Rule
from models.incidents.attack import tactic_place

T = TypeVar("T", bound=Hashable)


class Line(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Repeats of one rule on the same entities within a short window, as one line with a count.

    ``score`` is the highest of its alerts (probability of a true positive; 0 where no model spoke), ``anomaly`` the highest
    surprise in bits of seeing the rule on the entity. ``alert_uids`` names the first of its ``alerts``, at most a hundred.
    """

    uid: str
    first: datetime
    last: datetime
    product: str
    rule: Rule
    severity: int = 0
    tactics: tuple[str, ...] = ()
    techniques: tuple[str, ...] = ()
    entities: tuple[Entity, ...] = ()
    observables: tuple[Observable, ...] = ()
    score: float = 0.0
    anomaly: float = 0.0
    alerts: int = 1
    alert_uids: tuple[str, ...] = ()


class Link(msgspec.Struct, frozen=True, gc=False):
    """Why the line ``later`` belongs to the line ``earlier`` (their uids): ``probability`` and sentences, strongest first."""

    earlier: str
    later: str
    probability: float
    why: tuple[str, ...]


class Incident(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Alerts that belong together. ``lines`` in the order of time; ``links`` make them one tree, an entry for each line but the first."""

    uid: str
    tenant: str
    lines: tuple[Line, ...]
    links: tuple[Link, ...] = ()

    @property
    def first(self) -> datetime:
        """When its first alert happened."""
        return min(line.first for line in self.lines)

    @property
    def last(self) -> datetime:
        """When its last alert happened."""
        return max(line.last for line in self.lines)

    @property
    def score(self) -> float:
        """The highest score of its alerts."""
        return max(line.score for line in self.lines)

    @property
    def likeliest(self) -> Line:
        """The line of the highest score."""
        return max(self.lines, key=lambda line: (line.score, line.uid))

    @property
    def alerts(self) -> int:
        """How many alerts it holds."""
        return sum(line.alerts for line in self.lines)

    @property
    def entities(self) -> tuple[Entity, ...]:
        """Its different entities with their roles, in the order of first appearance."""
        return _different(entity for line in self.lines for entity in line.entities)

    @property
    def observables(self) -> tuple[Observable, ...]:
        """Its different observables, in the order of first appearance."""
        return _different(observable for line in self.lines for observable in line.observables)

    @property
    def rules(self) -> tuple[tuple[str, Rule], ...]:
        """Its different rules, each with its product, in the order of first appearance."""
        return _different((line.product, line.rule) for line in self.lines)

    @property
    def tactics(self) -> tuple[str, ...]:
        """Its different tactics, in the order of the ATT&CK matrix; those that are not in it come last."""
        found = _different(tactic for line in self.lines for tactic in line.tactics)
        return tuple(sorted(found, key=lambda tactic: (tactic_place(tactic) is None, tactic_place(tactic) or 0)))

    @property
    def techniques(self) -> tuple[str, ...]:
        """Its different techniques, in the order of first appearance."""
        return _different(technique for line in self.lines for technique in line.techniques)


def _different(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
