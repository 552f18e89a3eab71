"""What keeps a playbook from being run without a person, or from being offered at all: what was done before, whom it hits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from models.decision import Action, BlastRadius
from models.playbooks.incident_type import shown
from models.playbooks.playbook import Playbook, TargetKind
from models.playbooks.targets import Target

MOST_TARGETS = 20
"""More than this are not named in one recommendation; once these are done, the next are."""
_AT_ONCE = 5
"""More than this are not acted upon at once without a person."""

Watched = Mapping[tuple[TargetKind, str], str]
"""Entities not to be touched without a person, by kind and uid, each with what it is: “a domain controller”, “critical”."""


class Outcome(StrEnum):
    """What automation reported of a playbook on a target."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REVERTED = "reverted"


class DoneOutcome(msgspec.Struct, frozen=True, gc=False):
    """The reported outcome of a playbook (uid) in an incident, on the uids of ``targets`` (none: it acts on nothing)."""

    playbook: str
    targets: tuple[str, ...]
    outcome: Outcome
    time: datetime


class Standing:
    """How things stand after all outcomes reported in an incident: the latest on each target counts."""

    def __init__(self, done: Iterable[DoneOutcome]) -> None:
        self._latest: dict[tuple[str, str], Outcome] = {}
        for one in sorted(done, key=lambda one: one.time):
            self._latest |= {(one.playbook, uid): one.outcome for uid in one.targets or ("",)}

    def outcome(self, playbook: str, target: str) -> Outcome | None:
        """Return what a playbook reported last on a target."""
        return self._latest.get((playbook, target))

    def succeeded(self, playbook: str) -> bool:
        """Return whether a playbook's success stands on any target."""
        return any(uid == playbook and outcome is Outcome.SUCCEEDED for (uid, _), outcome in self._latest.items())

    def ready(self, playbook: Playbook, target: str) -> bool:
        """Return whether a playbook has not succeeded on a target, and all that it requires has."""
        if self.outcome(playbook.uid, target) is Outcome.SUCCEEDED:
            return False
        return all(
            self.outcome(uid, target) is Outcome.SUCCEEDED if target else self.succeeded(uid) for uid in playbook.own.requires
        )


def parted(targets: Sequence[Target], watched: Watched) -> Iterator[list[Target]]:
    """Part what is watched over from the rest, so that the rest need not wait; of a playbook with several variables all stays together."""
    if len({target.variable for target in targets}) != 1:
        yield list(targets)
        return
    for held in (False, True):
        group = [target for target in targets if ((target.kind, target.uid) in watched) is held]
        if group:
            yield group[:MOST_TARGETS]


def cautions(playbook: Playbook, targets: Sequence[Target], standing: Standing, watched: Watched) -> list[str]:
    """Return why a person must decide; nothing if automation may be allowed to."""
    found = []
    if not playbook.own.reversible:
        found.append("It cannot be undone: a person decides.")
    elif playbook.tier is BlastRadius.MAJOR:
        found.append("Its blast radius is major: a person decides.")
    elif playbook.most is Action.APPROVE:
        found.append("It was written for a person to decide.")
    for target in targets:
        what = watched.get((target.kind, target.uid))
        if what is not None:
            found.append(f"“{shown(target.uid)}” is {shown(what)}: a person decides.")
    tried = [uid for uid in [target.uid for target in targets] or [""] if standing.outcome(playbook.uid, uid)]
    if tried:
        where = f" on “{shown(tried[0])}”" if tried[0] else ""
        found.append(f"It was tried{where} before and does not stand: a person decides.")
    if len(targets) > _AT_ONCE:
        most = " at least" if len(targets) == MOST_TARGETS else ""
        found.append(f"It would act on{most} {len(targets)} at once: a person decides.")
    return found
