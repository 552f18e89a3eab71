"""Whether a document holds together: identifiers, variables, and a workflow that comes to an end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from models.playbooks.cacao import ActionStep, AnyStep, Document, EndStep, IfStep, PlaybookStep, StartStep, SwitchStep, WhileStep

SPEC_VERSION = "cacao-2.0"
_USED = re.compile(r"(__[a-zA-Z][a-zA-Z0-9_-]{0,245}?__):value")


class Fault(NamedTuple):
    """What is wrong with a document: the ``field`` and the ``reason``."""

    field: str
    reason: str


def faults(document: Document) -> Iterator[Fault]:
    """Go through what the specification asks for and a schema of types cannot say."""
    yield from _dates(document)
    yield from _identifiers(document)
    found = list(_references(document))
    yield from found
    if not found:
        yield from _course(document)
        yield from _variables(document)
        yield from _activities(document)


def moment(timestamp: str) -> datetime | None:
    """Return the time of a timestamp; ``None`` where there is none. Raises ``ValueError`` for 30 February."""
    return datetime.fromisoformat(timestamp) if timestamp else None


def _dates(document: Document) -> Iterator[Fault]:
    if document.spec_version != SPEC_VERSION:
        yield Fault("spec_version", f"is {document.spec_version!r}, not {SPEC_VERSION!r}")
    for field in ("created", "modified", "valid_from", "valid_until"):
        try:
            moment(getattr(document, field))
        except ValueError as error:
            yield Fault(field, str(error))
    if document.modified < document.created:
        yield Fault("modified", "is before created")
    if document.valid_until and document.valid_until <= document.valid_from:
        yield Fault("valid_until", "is not after valid_from")


def _identifiers(document: Document) -> Iterator[Fault]:
    """Each identifier begins with the type of what it names, and no UUID names two things."""
    named = [
        ("id", document.id, "playbook"),
        ("created_by", document.created_by, "identity"),
        *((f"workflow.{uid}", uid, step.__struct_config__.tag) for uid, step in document.workflow.items()),
        *((f"agent_definitions.{uid}", uid, agent.type) for uid, agent in document.agent_definitions.items()),
        *((f"target_definitions.{uid}", uid, target.type) for uid, target in document.target_definitions.items()),
        *((f"extension_definitions.{uid}", uid, "extension-definition") for uid in document.extension_definitions),
    ]
    seen: set[str] = set()
    for field, uid, kind in named:
        prefix, _, number = uid.rpartition("--")
        if prefix != kind:
            yield Fault(field, f"{uid} names a {kind}, so it must begin with {kind}--")
        if number.lower() in seen:
            yield Fault(field, f"{uid} has the UUID of something else in this document")
        seen.add(number.lower())


def _references(document: Document) -> Iterator[Fault]:
    """Every step, agent, target and extension that is named is there."""
    if not isinstance(document.workflow.get(document.workflow_start), StartStep):
        yield Fault("workflow_start", "names no start step of the workflow")
    if document.workflow_exception and document.workflow_exception not in document.workflow:
        yield Fault("workflow_exception", "names no step of the workflow")
    for uid in sorted(document.playbook_extensions.keys() - document.extension_definitions.keys()):
        yield Fault(f"playbook_extensions.{uid}", "is not in extension_definitions")
    for uid, step in document.workflow.items():
        for other in sorted({*step.following, *step.branches} - document.workflow.keys()):
            yield Fault(f"workflow.{uid}", f"leads to {other}, which is no step of the workflow")
        if isinstance(step, ActionStep):
            if step.agent not in document.agent_definitions:
                yield Fault(f"workflow.{uid}.agent", f"{step.agent} is not in agent_definitions")
            for target in sorted(set(step.targets) - document.target_definitions.keys()):
                yield Fault(f"workflow.{uid}.targets", f"{target} is not in target_definitions")


def _course(document: Document) -> Iterator[Fault]:
    """From the start every step can be reached, no step comes again on its own way, and each way comes to an end step."""
    steps = document.workflow
    if not any(isinstance(step, ActionStep | PlaybookStep) for step in steps.values()):
        yield Fault("workflow", "has no action")
    leads = {uid: (*step.following, *step.branches) for uid, step in steps.items()}
    begun = reached(filter(None, (document.workflow_start, document.workflow_exception)), leads)
    for uid, step in steps.items():
        reasons = list(_ways_on(step))
        if uid not in begun:
            reasons.append("cannot be reached from the start")
        if uid in reached(leads[uid], leads):
            reasons.append("leads back to itself")
        elif step.branches and _shares_an_end(leads[uid], leads, steps):
            reasons.append("has branches that share an end step; each needs its own")
        yield from (Fault(f"workflow.{uid}", reason) for reason in reasons)


def _shares_an_end(heads: Iterable[str], leads: Mapping[str, Iterable[str]], steps: Mapping[str, AnyStep]) -> bool:
    ends = [end for head in dict.fromkeys(heads) for end in reached([head], leads) if isinstance(steps[end], EndStep)]
    return len(ends) > len(set(ends))


def _ways_on(step: AnyStep) -> Iterator[str]:
    """What is wrong with the ways that lead on from one step."""
    if isinstance(step, EndStep):
        if step.following:
            yield "is an end step, and leads on"
    elif isinstance(step, StartStep) and (step.on_success or step.on_failure):
        yield "is a start step, which goes on by on_completion"
    elif step.on_completion and (step.on_success or step.on_failure):
        yield "goes on by on_completion and by on_success or on_failure"
    elif not (step.on_completion or step.on_success):
        yield "is not an end step, and leads nowhere"


def reached(starts: Iterable[str], leads: Mapping[str, Iterable[str]]) -> set[str]:
    """Return the nodes of a graph that can be reached from ``starts``, those among them; ``leads``: where each node leads to."""
    found: set[str] = set()
    waiting = list(starts)
    while waiting:
        node = waiting.pop()
        if node not in found:
            found.add(node)
            waiting += leads.get(node, ())
    return found


def _variables(document: Document) -> Iterator[Fault]:
    """Every variable that is used is declared, in the playbook or in the step."""
    for uid, step in document.workflow.items():
        known = document.playbook_variables.keys() | step.step_variables.keys()
        for name in sorted({*_used(step)} - known):
            yield Fault(f"workflow.{uid}", f"uses the variable {name}, which is not declared")


def _used(step: AnyStep) -> Iterator[str]:
    texts = [step.name, step.description]
    if isinstance(step, ActionStep | PlaybookStep):
        yield from (*step.in_args, *step.out_args)
    if isinstance(step, ActionStep):
        texts += [text for command in step.commands for text in (command.command, command.description)]
    if isinstance(step, IfStep | WhileStep):
        texts.append(step.condition)
    if isinstance(step, SwitchStep):
        texts.append(step.switch)
    for text in texts:
        yield from _USED.findall(text)


def _activities(document: Document) -> Iterator[Fault]:
    """What a playbook says that it does, some step does (or a playbook that it runs)."""
    if document.playbook_types and not document.playbook_activities:
        yield Fault("playbook_activities", "is empty, though playbook_types is not")
    steps = document.workflow.values()
    if any(isinstance(step, PlaybookStep) for step in steps):
        return
    done = {command.playbook_activity for step in steps if isinstance(step, ActionStep) for command in step.commands}
    for activity in document.playbook_activities:
        if activity not in done:
            yield Fault("playbook_activities", f"{activity} is done by no step")
    for uid, step in document.workflow.items():
        if isinstance(step, ActionStep) and any(c.type == "manual" and not (c.command or c.command_b64) for c in step.commands):
            yield Fault(f"workflow.{uid}.commands", "a manual command says nothing")
