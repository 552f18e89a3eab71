"""What to do next about an incident: playbooks in order, upon what, how far automation may go, and why.

Tamis recommends and authorises; something downstream executes. What the incident shows decides which playbooks come into
question; what worked before moves them among each other, and neither admits one nor changes its tier.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from models.decision import Action, BlastRadius
from models.incidents.attack import tactic_place
from models.incidents.incident import Incident, Line
from models.playbooks.caution import DoneOutcome, Standing, Watched, cautions, parted
from models.playbooks.experience import PastResponse, Worked, what_worked
from models.playbooks.incident_type import IncidentType, Typed, fact, type_of, weighty
from models.playbooks.loading import Catalogue
from models.playbooks.playbook import Playbook, Trigger
from models.playbooks.signs import covers
from models.playbooks.targets import Target, targets

_TIERS = tuple(BlastRadius)
_ORDINALS = ("", "first", "second", "third")
_MOST_FACTS = 2


class Recommendation(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A playbook (uid) to run on ``targets``.

    ``action``: the most that is allowed here, ``respond`` or ``approve``. After ``expiry_seconds`` an authorisation lapses, and
    ``reverted_by`` takes back what was done.
    """

    playbook: str
    slug: str
    name: str
    targets: tuple[Target, ...]
    tier: BlastRadius
    action: Action
    reasons: tuple[str, ...]
    expiry_seconds: int
    reverted_by: str = ""


_Condition = Callable[[Line], bool]


class Called(NamedTuple):
    """A playbook that is called for: which step it is, the lines that call for it, and why it comes into question."""

    playbook: Playbook
    place: int
    telling: list[Line]
    why: tuple[str, ...]


Withheld = Callable[[BlastRadius], str]


class _Asked(NamedTuple):
    """What an answer is made from: ``lines`` that count, what was done, who is watched over, and what worked before."""

    lines: list[Line]
    kind: Typed
    standing: Standing
    watched: Watched
    worked: dict[str, Worked]
    withheld: Withheld


def recommend(
    incident: Incident,
    catalogue: Catalogue,
    past: Sequence[PastResponse] = (),
    done: Sequence[DoneOutcome] = (),
    *,
    watched: Watched | None = None,
    withheld: Withheld = lambda tier: "",
    now: datetime | None = None,
) -> tuple[Recommendation, ...]:
    """Return what to do next, the best first.

    They are ordered by 1 / (which step it is for this type of incident) × twice the chance by what worked before. Left out is
    what requires the outcome of another playbook that has not reported success on the same target, what has itself succeeded
    there, and what finds nothing to act upon. If nothing else can be offered, the defaults are.
    ``now`` is the moment of asking: the end of the incident if not given. ``withheld`` says why nothing of a tier is automatic at
    present, ``""`` where it may be.
    """
    now = now or incident.last
    kind = type_of(incident)
    worked = what_worked(past, kind.type, incident.techniques, now)
    asked = _Asked(weighty(incident.lines), kind, Standing(done), watched or {}, worked, withheld)
    usable = [playbook for playbook in catalogue.playbooks.values() if playbook.valid(now)]
    called = [one for playbook in usable if (one := called_for(playbook, kind, asked.lines))]
    found = _offers(called, asked)
    if not found and not any(asked.standing.succeeded(one.playbook.uid) for one in called):
        found = _offers(_defaults(usable, called), asked)
    return tuple(found)


def called_for(playbook: Playbook, kind: Typed, lines: Sequence[Line]) -> Called | None:
    """Return whether a type of incident and its lines call for a playbook, and which of them do."""
    trigger = playbook.own.trigger
    place = trigger.place(kind.type)
    conditions = [[line for line in lines if shows(line)] for shows in _conditions(trigger)] if place else []
    if not place or not all(conditions):
        return None
    told = {line.uid for lines in conditions for line in lines} if conditions else set(kind.lines)
    telling = [line for line in lines if line.uid in told]
    step = f"{_ORDINALS[place]} step" if place < len(_ORDINALS) else "later step"
    why = [f"The incident looks like {kind.title}, and this is {'the' if place < len(_ORDINALS) else 'a'} {step} then."]
    why += dict.fromkeys(fact(line) for line in telling) if conditions else kind.facts
    return Called(playbook, place, telling, tuple(why[: 1 + _MOST_FACTS]))


def _conditions(trigger: Trigger) -> Iterator[_Condition]:
    """Go through what lines must show, beside the type."""
    if trigger.tactics:
        places = {tactic_place(tactic) for tactic in trigger.tactics}
        yield lambda line: any(tactic_place(tactic) in places for tactic in line.tactics)
    if trigger.techniques:
        yield lambda line: any(covers(named, technique) for named in trigger.techniques for technique in line.techniques)
    if trigger.products:
        yield lambda line: line.product in trigger.products


def _defaults(usable: Iterable[Playbook], called: Sequence[Called]) -> list[Called]:
    why = "Nothing in the incident calls for another playbook."
    if called:
        names = ", ".join(f"“{one.playbook.name}”" for one in called[:_MOST_FACTS])
        why = f"Called for, but with nothing that it could act upon now: {names}."
    return [Called(one, one.own.trigger.default, [], (why,)) for one in usable if one.own.trigger.default]


def _offers(called: Iterable[Called], asked: _Asked) -> list[Recommendation]:
    def order(one: Called) -> tuple[float, int, int, str]:
        chance = asked.worked.get(one.playbook.uid, Worked()).chance
        return -2.0 * chance / one.place, -len(one.telling), _TIERS.index(one.playbook.tier), one.playbook.slug

    return [offer for one in sorted(called, key=order) for offer in _offer(one, asked)]


def _offer(one: Called, asked: _Asked) -> Iterator[Recommendation]:
    """Make a recommendation of a playbook: one for what is ordinary, one for what is watched over; none if it cannot be run."""
    playbook, own = one.playbook, one.playbook.own
    told = targets(playbook, one.telling)
    found = [target for target in told or targets(playbook, asked.lines) if asked.standing.ready(playbook, target.uid)]
    if {target.variable for target in found} != own.targets.keys() or not (found or asked.standing.ready(playbook, "")):
        return
    before = ("What must come before it has reported success there.",) if own.requires else ()
    for group in parted(found, asked.watched):
        held = cautions(playbook, group, asked.standing, asked.watched)
        if asked.kind.type is IncidentType.INSIDER:
            held.append("Somebody of the house may be meant, or wronged: a person decides.")
        if found and not told:
            held.append(
                "What calls for it does not name what it would act upon; the rest of the incident does: a person decides."
            )
        if not held and playbook.most is Action.RESPOND and (why := asked.withheld(playbook.tier)):
            held.append(why)
        yield Recommendation(
            playbook=playbook.uid,
            slug=own.slug,
            name=playbook.name,
            targets=tuple(group),
            tier=playbook.tier,
            action=Action.APPROVE if held else playbook.most,
            reasons=(*one.why, *before, str(asked.worked.get(playbook.uid, Worked())), *held),
            expiry_seconds=own.expiry_seconds,
            reverted_by=own.reverted_by,
        )
