"""A playbook as a document: OASIS CACAO Security Playbooks 2.0 (Committee Specification 01), decoded strictly.

Every property that the specification knows is known here, and no other is let through. What Tamis does not read (markings,
signatures, authentication) is kept as it stands.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

_UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}"
Identifier = Annotated[str, Meta(pattern=rf"^[a-z][a-z0-9-]+[a-z0-9]--{_UUID}\Z", max_length=128)]
VariableName = Annotated[str, Meta(pattern=r"^__[a-zA-Z][a-zA-Z0-9_-]*__\Z", max_length=250)]
Timestamp = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")]
"""To the millisecond and in UTC, as the specification wants ``created`` and ``modified``."""
Text = Annotated[str, Meta(max_length=20_000)]
Name = Annotated[str, Meta(min_length=1, max_length=300)]
Grade = Annotated[int, Meta(ge=0, le=100)]
Milliseconds = Annotated[int, Meta(ge=0)]
Objects = dict[Identifier, dict[str, Any]]


class Variable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """A value that is filled in or passed on while a playbook runs; ``external``: by whoever starts it."""

    type: Name
    description: Text = ""
    value: Any = None
    constant: bool = False
    external: bool = False


class Command(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What an agent is told to do. The vocabulary of types is open, so properties of its own type are let through."""

    type: Name
    command: Text = ""
    command_b64: Text = ""
    description: Text = ""
    playbook_activity: str = ""


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What all steps of a workflow have in common."""

    name: Text = ""
    description: Text = ""
    external_references: tuple[dict[str, Any], ...] = ()
    delay: Milliseconds | None = None
    timeout: Milliseconds | None = None
    step_variables: dict[VariableName, Variable] = {}
    owner: Identifier = ""
    on_completion: Identifier = ""
    on_success: Identifier = ""
    on_failure: Identifier = ""
    step_extensions: Objects = {}

    @property
    def following(self) -> tuple[str, ...]:
        """The steps that may come after this one."""
        return tuple(uid for uid in (self.on_completion, self.on_success, self.on_failure) if uid)

    @property
    def branches(self) -> tuple[str, ...]:
        """The heads of branches that are gone through before what follows; each has an end of its own."""
        return ()


class StartStep(Step, frozen=True, tag_field="type", tag="start"):
    """Where the workflow begins."""


class EndStep(Step, frozen=True, tag_field="type", tag="end"):
    """Where the workflow, or a branch of it, ends."""


class ActionStep(Step, frozen=True, tag_field="type", tag="action", kw_only=True):
    """Commands for one agent, upon targets."""

    commands: Annotated[tuple[Command, ...], Meta(min_length=1)]
    agent: Identifier
    targets: tuple[Identifier, ...] = ()
    in_args: tuple[VariableName, ...] = ()
    out_args: tuple[VariableName, ...] = ()


class PlaybookStep(Step, frozen=True, tag_field="type", tag="playbook-action", kw_only=True):
    """Run another playbook."""

    playbook_id: Identifier
    playbook_version: Timestamp = ""
    in_args: tuple[VariableName, ...] = ()
    out_args: tuple[VariableName, ...] = ()


class ParallelStep(Step, frozen=True, tag_field="type", tag="parallel", kw_only=True):
    """Several branches at once."""

    next_steps: Annotated[tuple[Identifier, ...], Meta(min_length=2)]

    @property
    def branches(self) -> tuple[str, ...]:
        """The branches."""
        return self.next_steps


class IfStep(Step, frozen=True, tag_field="type", tag="if-condition", kw_only=True):
    """One branch or the other, by a STIX pattern over variables."""

    condition: Text
    on_true: Identifier
    on_false: Identifier = ""

    @property
    def branches(self) -> tuple[str, ...]:
        """The branches."""
        return tuple(uid for uid in (self.on_true, self.on_false) if uid)


class WhileStep(Step, frozen=True, tag_field="type", tag="while-condition", kw_only=True):
    """A branch again and again, while a condition holds."""

    condition: Text
    on_true: Identifier

    @property
    def branches(self) -> tuple[str, ...]:
        """The branch."""
        return (self.on_true,)


class SwitchStep(Step, frozen=True, tag_field="type", tag="switch-condition", kw_only=True):
    """One of several branches, by the value of a variable."""

    switch: Text
    cases: Annotated[dict[str, Identifier], Meta(min_length=1)]

    @property
    def branches(self) -> tuple[str, ...]:
        """The branches."""
        return tuple(self.cases.values())


AnyStep = StartStep | EndStep | ActionStep | PlaybookStep | ParallelStep | IfStep | WhileStep | SwitchStep


class AgentTarget(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Who carries out commands, or upon what. The vocabulary of types is open."""

    type: Name
    name: Name
    description: Text = ""


class ExtensionDefinition(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True,
    tag_field="type", tag="extension-definition",
):  # fmt: skip
    """What an extension is, and where its properties are defined."""

    name: Name
    description: Text = ""
    created_by: Identifier
    schema: Name
    version: Name
    external_references: tuple[dict[str, Any], ...] = ()


class Document(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, tag_field="type", tag="playbook"
):
    """A whole playbook."""

    spec_version: str
    id: Identifier
    name: Name
    description: Text = ""
    playbook_types: tuple[Name, ...] = ()
    playbook_activities: tuple[Name, ...] = ()
    playbook_processing_summary: dict[str, bool] = {}
    created_by: Identifier
    created: Timestamp
    modified: Timestamp
    revoked: bool = False
    valid_from: Timestamp = ""
    valid_until: Timestamp = ""
    derived_from: tuple[Identifier, ...] = ()
    related_to: tuple[Identifier, ...] = ()
    priority: Grade | None = None
    severity: Grade | None = None
    impact: Grade | None = None
    industry_sectors: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    external_references: tuple[dict[str, Any], ...] = ()
    markings: tuple[Identifier, ...] = ()
    playbook_variables: dict[VariableName, Variable] = {}
    workflow_start: Identifier
    workflow_exception: Identifier = ""
    workflow: Annotated[dict[Identifier, AnyStep], Meta(min_length=3, max_length=500)]
    playbook_extensions: dict[Identifier, msgspec.Raw] = {}
    authentication_info_definitions: Objects = {}
    agent_definitions: dict[Identifier, AgentTarget] = {}
    target_definitions: dict[Identifier, AgentTarget] = {}
    extension_definitions: dict[Identifier, ExtensionDefinition] = {}
    data_marking_definitions: Objects = {}
    signatures: tuple[dict[str, Any], ...] = ()


_DECODER = msgspec.json.Decoder(Document)


def decode(raw: bytes) -> Document:
    """Return the document. Raises ``msgspec.DecodeError`` or ``msgspec.ValidationError``, which names the field."""
    return _DECODER.decode(raw)
