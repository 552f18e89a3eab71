"""What automation reports of a playbook that it ran, and how things stand after all such reports."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from features.alert import Name
from models.playbooks import caution
from models.playbooks.caution import DoneOutcome
from models.playbooks.loading import Catalogue

MOST_DETAIL_BYTES = 2048
_Short = Annotated[str, Meta(min_length=1, max_length=200)]
_Reference = Annotated[str, Meta(min_length=1, max_length=512)]


class Status(StrEnum):
    """How a run of a playbook ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    PARTIAL = "partial"
    """Some of it was done, or on some of its targets: as good as failed until it is reported again."""
    REVERTED = "reverted"
    """It was done, and no longer stands."""


class Outcome(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The outcome of a ``playbook`` (uid) for an ``incident`` on ``targets`` (uids; none: it acts on nothing).

    ``time``: when it ended; ``by``: what ran it; ``detail``: at most 2 KiB of text; ``evidence``: where to read more. Raises
    ``ValueError`` when made of what cannot be.
    """

    uid: _Short
    incident: Name
    playbook: _Short
    slug: _Short = ""
    targets: Annotated[tuple[Name, ...], Meta(max_length=200)] = ()
    status: Status
    time: datetime
    by: Annotated[str, Meta(max_length=200)] = ""
    detail: Annotated[str, Meta(max_length=MOST_DETAIL_BYTES)] = ""
    evidence: Annotated[tuple[_Reference, ...], Meta(max_length=20)] = ()

    def __post_init__(self) -> None:
        if self.time.tzinfo is None:
            raise ValueError("time lacks a zone")
        if len(self.detail.encode(errors="surrogatepass")) > MOST_DETAIL_BYTES:
            raise ValueError(f"detail has more than {MOST_DETAIL_BYTES} bytes")


def ordered(outcomes: Iterable[Outcome]) -> list[Outcome]:
    """Return outcomes in the order that counts, whatever the order in which they arrived: by time, then uid."""
    return sorted(outcomes, key=lambda one: (one.time, one.uid))


_AS_DONE = {
    Status.SUCCEEDED: caution.Outcome.SUCCEEDED,
    Status.FAILED: caution.Outcome.FAILED,
    Status.PARTIAL: caution.Outcome.FAILED,
    Status.REVERTED: caution.Outcome.REVERTED,
}


def as_done(outcomes: Iterable[Outcome]) -> list[DoneOutcome]:
    """Return outcomes as the recommendation of the next step reads them."""
    return [DoneOutcome(one.playbook, one.targets, _AS_DONE[one.status], one.time) for one in ordered(outcomes)]


class Run(NamedTuple):
    """How a playbook stands on a target: its ``last`` outcome, and since when all its outcomes were successes (times, oldest
    first; empty if the last is none). ``taken_back``: after its success a playbook succeeded that undoes it.
    """

    last: Outcome
    successes: tuple[datetime, ...]
    taken_back: bool = False


class Runs:
    """How things stand after all outcomes of an incident, by playbook and target (``""`` where it acts on nothing)."""

    def __init__(self, outcomes: Iterable[Outcome], catalogue: Catalogue) -> None:
        self._runs: dict[tuple[str, str], Run] = {}
        undoes: dict[str, list[str]] = {}
        for playbook in catalogue.playbooks.values():
            undoes.setdefault(playbook.own.reverted_by, []).append(playbook.uid)
        for one in ordered(outcomes):
            for target in one.targets or ("",):
                if one.status is Status.SUCCEEDED:
                    self._take_back(undoes.get(one.playbook, []), target)
                self._add(one, target)

    def _add(self, one: Outcome, target: str) -> None:
        before = self._runs.get((one.playbook, target))
        successes: tuple[datetime, ...] = ()
        if one.status is Status.SUCCEEDED:
            successes = (*(before.successes if before else ()), one.time)
        self._runs[one.playbook, target] = Run(one, successes)

    def _take_back(self, undone: Iterable[str], target: str) -> None:
        for playbook in undone:
            run = self._runs.get((playbook, target))
            if run is not None:
                self._runs[playbook, target] = Run(run.last, (), taken_back=True)

    def get(self, playbook: str, target: str) -> Run | None:
        """Return how a playbook stands on a target; ``None`` where it reported nothing."""
        return self._runs.get((playbook, target))

    def standing(self) -> Iterable[tuple[str, Run]]:
        """Go through all runs, each with its target."""
        return ((target, run) for (_, target), run in self._runs.items())
