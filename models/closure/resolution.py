"""Whether the threat of an incident is mitigated: rules over its facts. Any doubt goes to a person.

It is, when on everything that the attacker holds all that must be done (:mod:`models.closure.containment`) has succeeded and
stands, and no new suspicious alert on it came for a quiet time since. It is not, as soon as a last outcome is not a success,
a containment was taken back or has lapsed, something suspicious came after it, an outcome is overdue, what would help cannot be
undone, or it is not known what would help. It closes as a false positive, when people judged all its suspicious alerts benign.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec

from features.label import Verdict
from models.closure.containment import Need, concerns, contained, needs, rebuilt
from models.closure.outcome import Outcome, Runs, Status, ordered
from models.incidents.correlator import RAISED_FROM
from models.incidents.incident import Incident, Line
from models.playbooks.incident_type import IncidentType, shown
from models.playbooks.loading import Catalogue

_MOST_REASONS = 20
_BENIGN = frozenset({Verdict.FALSE_POSITIVE, Verdict.BENIGN_POSITIVE})


class State(StrEnum):
    """What is to become of an incident: it closes, it escalates, or one waits."""

    MITIGATED = "mitigated"
    NOT_MITIGATED = "not_mitigated"
    WAITING = "waiting"


class Rules(msgspec.Struct, frozen=True):
    """``quiet_seconds`` without a suspicious alert before it counts; an outcome is overdue after ``deadline_seconds``."""

    quiet_seconds: float = 4 * 3600.0
    deadline_seconds: float = 3600.0


class Resolution(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the rules say, and why. ``until``: when to ask again, if nothing happens before. ``false_positive``: people say that
    there never was a threat.
    """

    state: State
    reasons: tuple[str, ...]
    until: datetime | None = None
    false_positive: bool = False


class _Said(NamedTuple):
    """What one rule says: it is done, or speaks against it (``until`` is ``None``), or one must wait."""

    state: State
    why: str
    until: datetime | None = None


class _Case(NamedTuple):
    """What the rules look at. ``asked``: when automation was first told what to do, or first reported something."""

    runs: Runs
    catalogue: Catalogue
    suspicious: list[Line]
    asked: datetime
    now: datetime
    rules: Rules


def resolve(
    incident: Incident,
    catalogue: Catalogue,
    outcomes: Sequence[Outcome],
    *,
    now: datetime,
    verdicts: Mapping[str, Verdict] | None = None,
    asked: datetime | None = None,
    rules: Rules | None = None,
) -> Resolution:
    """Return whether the threat is mitigated as of ``now``.

    ``verdicts``: those of people in force, by alert uid. ``asked``: when automation was told what to do, if it is known; else
    an outcome is overdue some time after the first that was reported. Nothing depends on the order of ``outcomes``.
    """
    suspicious = [line for line in incident.lines if _is_suspicious(line)]
    unjudged = [line for line in suspicious if not _is_benign(line, verdicts or {})]
    if suspicious and not unjudged:
        return Resolution(State.MITIGATED, ("People judged all its suspicious alerts benign.",), false_positive=True)
    begun = asked or min((one.time for one in outcomes), default=None)
    if begun is None:
        return Resolution(State.WAITING, ("No outcome has been reported yet.",))
    case = _Case(Runs(outcomes, catalogue), catalogue, unjudged, begun, now, rules or Rules())
    return _together([*_not_done(outcomes, case), *_needs(incident, case)])


def _is_suspicious(line: Line) -> bool:
    """Where no model spoke (0), everything is."""
    return line.score == 0.0 or line.score >= RAISED_FROM


def _is_benign(line: Line, verdicts: Mapping[str, Verdict]) -> bool:
    """Whether people judged each alert of a line benign; of one with more than it names, nobody can tell."""
    return line.alerts <= len(line.alert_uids) and all(verdicts.get(uid) in _BENIGN for uid in line.alert_uids)


def _together(said: list[_Said]) -> Resolution:
    for state in (State.NOT_MITIGATED, State.WAITING, State.MITIGATED):
        some = [one for one in said if one.state is state]
        if some:
            times = [one.until for one in some if one.until]
            return Resolution(state, _bounded(dict.fromkeys(one.why for one in some)), min(times, default=None))
    raise AssertionError("the rules always say something")


def _bounded(reasons: Iterable[str]) -> tuple[str, ...]:
    found = list(reasons)
    more = len(found) - _MOST_REASONS
    return (*found[:_MOST_REASONS], *([f"And {more} more."] if more > 0 else []))


def _not_done(outcomes: Sequence[Outcome], case: _Case) -> Iterator[_Said]:
    """A last outcome that is no success, of whatever playbook."""
    last = {(run.last.uid, target) for target, run in case.runs.standing() if not run.taken_back}
    for one in ordered(outcomes):
        for target in one.targets or ("",):
            if one.status is not Status.SUCCEEDED and (one.uid, target) in last:
                where = f" on “{shown(target)}”" if target else ""
                why = f"“{shown(one.slug or one.playbook)}”{where} was last reported as {one.status.value}."
                yield _Said(State.NOT_MITIGATED, why)


def _needs(incident: Incident, case: _Case) -> Iterator[_Said]:
    wanted = needs(incident, case.catalogue)
    if wanted.kind.type is IncidentType.INSIDER:
        yield _Said(State.NOT_MITIGATED, "Somebody of the house may be meant, or wronged: a person decides.")
    elif not wanted.contain:
        yield _Said(State.NOT_MITIGATED, f"It looks like {wanted.kind.title}, and nothing is known that would contain it.")
    for playbook in wanted.unnamed:
        yield _Said(State.NOT_MITIGATED, f"“{shown(playbook.name)}” comes first, and no alert names what it would act upon.")
    for target in wanted.rebuild:
        if not rebuilt(target, case.runs, case.catalogue):
            why = f"“{shown(target.uid)}” has to be rebuilt, which cannot be undone: a person decides."
            yield _Said(State.NOT_MITIGATED, why)
    for need in wanted.contain:
        yield _standing(need, case)


def _standing(need: Need, case: _Case) -> _Said:
    """Say how one need stands."""
    what = f"“{shown(need.playbook.name)}” on “{shown(need.target.uid)}”"
    times = contained(need, case.runs, case.catalogue)
    if not times:
        return _missing(need, what, case)
    if _lapsed(need, case):
        return _Said(State.NOT_MITIGATED, f"The authorisation of {what} has lapsed.")
    seen = max((line.last for line in case.suspicious if concerns(line, need.target.uid)), default=times[0])
    since = next((time for time in times if time >= seen), None)
    if since is None:
        return _Said(State.NOT_MITIGATED, f"A suspicious alert on “{shown(need.target.uid)}” came after {what} had succeeded.")
    quiet = since + timedelta(seconds=case.rules.quiet_seconds)
    if case.now < quiet:
        return _Said(State.WAITING, f"{what} succeeded; it must stay quiet until {quiet:%Y-%m-%d %H:%M} UTC.", quiet)
    return _Said(State.MITIGATED, f"{what} succeeded at {since:%Y-%m-%d %H:%M} UTC, and nothing suspicious came since.")


def _missing(need: Need, what: str, case: _Case) -> _Said:
    run = case.runs.get(need.playbook.uid, need.target.uid)
    if run is not None:
        return _Said(State.NOT_MITIGATED, f"{what} {'was taken back' if run.taken_back else 'does not stand'}.")
    due = max(case.asked, need.since) + timedelta(seconds=case.rules.deadline_seconds)
    if case.now < due:
        return _Said(State.WAITING, f"{what} has not been reported yet; it is due by {due:%Y-%m-%d %H:%M} UTC.", due)
    return _Said(State.NOT_MITIGATED, f"{what} has not been reported, and was due by {due:%Y-%m-%d %H:%M} UTC.")


def _lapsed(need: Need, case: _Case) -> bool:
    """Whether what was done is by now taken back by itself: it has an end, and was not asked for again."""
    run = case.runs.get(need.playbook.uid, need.target.uid)
    if not need.playbook.own.reverted_by or run is None or rebuilt(need.target, case.runs, case.catalogue):
        return False
    return case.now >= run.successes[-1] + timedelta(seconds=need.playbook.own.expiry_seconds)
