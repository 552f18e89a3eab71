"""What must be taken from the attacker before a threat counts as mitigated, and what has been.

The catalogue says it: containments (playbooks whose CACAO type is ``mitigation``) that the type of the incident calls for within
the first two steps, on everything that they would act upon; and of the house's own entities that none of these touches, the
first containment that is called for later.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from models.closure.outcome import Runs
from models.incidents.incident import Incident, Line
from models.playbooks.incident_type import IncidentType, Typed, type_of, weighty
from models.playbooks.loading import Catalogue
from models.playbooks.playbook import Playbook, TargetKind
from models.playbooks.recommend import Called, called_for
from models.playbooks.targets import Target, targets

_FIRST_STEPS = 2
_HOUSE = frozenset({TargetKind.HOST, TargetKind.INSIDE_ADDRESS, TargetKind.USER, TargetKind.MAILBOX, TargetKind.APPLICATION})
_PLANTED = frozenset({IncidentType.RANSOMWARE, IncidentType.SUPPLY_CHAIN, IncidentType.SERVER_COMPROMISE})
"""What was destroyed or planted on a host stays when it is cut off: it has to be rebuilt."""


class Need(NamedTuple):
    """That ``playbook`` must succeed on ``target``, which is known to be concerned ``since``."""

    playbook: Playbook
    target: Target
    since: datetime


class Needs(NamedTuple):
    """All that must be done. ``unnamed``: containments that come first and find nothing to act upon; ``rebuild``: what only a
    playbook that cannot be undone makes good.
    """

    kind: Typed
    contain: tuple[Need, ...]
    unnamed: tuple[Playbook, ...]
    rebuild: tuple[Target, ...]


def needs(incident: Incident, catalogue: Catalogue) -> Needs:
    """Return what must be done about an incident. Playbooks count whether or not they may still be used."""
    kind, lines = type_of(incident), weighty(incident.lines)
    called = [one for playbook in catalogue.playbooks.values() if (one := called_for(playbook, kind, lines))]
    called.sort(key=lambda one: (one.place, one.playbook.slug))
    contain: dict[tuple[TargetKind, str], list[tuple[int, Need]]] = {}
    unnamed: list[Playbook] = []
    rebuild: dict[Target, None] = {}
    for one in called:
        found = _found(one, lines)
        if not one.playbook.own.reversible and kind.type in _PLANTED:
            rebuild |= dict.fromkeys(found)
        if one.playbook.contains and one.playbook.own.targets:
            unnamed += [one.playbook] if not found and one.place == 1 else []
            for target in found:
                need = Need(one.playbook, target, _since(target, lines))
                contain.setdefault((target.kind, target.uid), []).append((one.place, need))
    wanted = (need for (sort, _), some in contain.items() for need in _of_first_steps(sort, some))
    return Needs(kind, tuple(wanted), tuple(unnamed), tuple(rebuild))


def _found(one: Called, lines: list[Line]) -> list[Target]:
    return targets(one.playbook, one.telling) or targets(one.playbook, lines)


def _of_first_steps(sort: TargetKind, called: list[tuple[int, Need]]) -> list[Need]:
    """Return what of all that is called for on an entity must be done; ``called`` in the order of steps."""
    first = [need for place, need in called if place <= _FIRST_STEPS]
    if first or sort not in _HOUSE:
        return first
    return [need for place, need in called if place == called[0][0]]


def _since(target: Target, lines: list[Line]) -> datetime:
    return min(line.first for line in lines if concerns(line, target.uid))


def concerns(line: Line, uid: str) -> bool:
    """Return whether a line names something, as an entity or an observable."""
    return any(entity.uid == uid for entity in line.entities) or any(
        seen.value.lower().rstrip(".") == uid for seen in line.observables
    )


def contained(need: Need, runs: Runs, catalogue: Catalogue) -> list[datetime]:
    """Return when what a need asks for was done and stands, oldest first; empty if it does not stand.

    What has been rebuilt (a success of what cannot be undone) needs no containment any more.
    """
    run = runs.get(need.playbook.uid, need.target.uid)
    return sorted([*(run.successes if run else ()), *rebuilt(need.target, runs, catalogue)])


def rebuilt(target: Target, runs: Runs, catalogue: Catalogue) -> list[datetime]:
    """Return when a playbook that cannot be undone succeeded on a target."""
    whole = (playbook.uid for playbook in catalogue.playbooks.values() if not playbook.own.reversible)
    return [time for uid in whole if (run := runs.get(uid, target.uid)) for time in run.successes]
