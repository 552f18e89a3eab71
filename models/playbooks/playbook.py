"""What Tamis reads of a playbook: when it is called for, upon what it acts, and how far it may go by itself."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from features.alert import Role
from models.decision import Action, BlastRadius
from models.playbooks.cacao import Identifier, Name, VariableName
from models.playbooks.incident_type import IncidentType

EXTENSION = "extension-definition--3c4cf8a9-8c1f-4d0e-9d63-0e7b1c5a2f47"
"""Under this key of ``playbook_extensions`` stand Tamis's own properties."""
DAY_SECONDS = 86_400
CONTAINMENT = "mitigation"
"""CACAO's type of a playbook that takes something from the attacker: a host, an account, a way in."""


class TargetKind(StrEnum):
    """What a playbook can act upon. Addresses inside and outside the house are two kinds: only the latter may be blocked."""

    HOST = "host"
    USER = "user"
    MAILBOX = "mailbox"
    APPLICATION = "application"
    FILE = "file"
    INSIDE_ADDRESS = "inside_address"
    OUTSIDE_ADDRESS = "outside_address"
    DOMAIN = "domain"


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which entities of an incident may fill a variable: of a kind, and in one of these roles (any if none)."""

    kind: TargetKind
    roles: tuple[Role, ...] = ()


_Tactic = Annotated[str, Meta(min_length=1, max_length=60)]
_Technique = Annotated[str, Meta(pattern=r"^T\d{4}(\.\d{3})?\Z")]
_Place = Annotated[int, Meta(ge=1, le=9)]
ANY = "any"


class Trigger(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which facts of an incident call for a playbook. What is given must all hold; of each list one is enough.

    ``types``: the types of incident it is for, and which step it then is (1: the first). ``any`` stands for every type
    but ``unknown`` and ``insider``: nobody is to be warned by a playbook not written for that. Without a type nothing calls
    for it.
    ``tactics``, ``techniques`` (a parent covers its own), ``products``: one line at least shows one.
    ``default``: which step it is where nothing else is called for; 0: it is none.
    """

    types: dict[str, _Place] = {}
    tactics: tuple[_Tactic, ...] = ()
    techniques: tuple[_Technique, ...] = ()
    products: tuple[Name, ...] = ()
    default: Annotated[int, Meta(ge=0, le=9)] = 0

    def place(self, kind: IncidentType) -> int:
        """Return which step it is for a type of incident; 0: none."""
        anyhow = 0 if kind in {IncidentType.INSIDER, IncidentType.UNKNOWN} else self.types.get(ANY, 0)
        return self.types.get(kind, anyhow)


class Extension(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Tamis's own properties of a playbook.

    ``targets``: the variables to fill, each from the first of its sources that the incident has. ``expiry_seconds``: after
    that an authorised action lapses: it is reverted by ``reverted_by`` (a playbook, or a step of this one), or asked for
    again. ``requires``: playbooks that must have reported success on the same targets before. ``action``: the most it may do.
    """

    slug: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{2,60}\Z")]
    trigger: Trigger
    targets: dict[VariableName, Annotated[tuple[Source, ...], Meta(min_length=1)]] = {}
    blast_radius: BlastRadius
    reversible: bool
    expiry_seconds: Annotated[int, Meta(ge=60, le=90 * DAY_SECONDS)]
    reverted_by: Identifier = ""
    requires: tuple[Identifier, ...] = ()
    action: Action


class Playbook(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A playbook of the catalogue. ``runs``: playbooks that its steps run; ``modified`` names its version; ``purposes``: what it is
    for in CACAO's words (``playbook_types``); ``document``: as it stands in the file ``path``.
    """

    uid: str
    name: str
    description: str
    modified: str
    own: Extension
    runs: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    revoked: bool = False
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    path: str = ""
    document: bytes = b""

    @property
    def slug(self) -> str:
        """Its short name."""
        return self.own.slug

    @property
    def tier(self) -> BlastRadius:
        """Its blast radius; what cannot be undone is in the major tier, whatever it says of itself."""
        return self.own.blast_radius if self.own.reversible else BlastRadius.MAJOR

    @property
    def contains(self) -> bool:
        """Whether it takes from the attacker what it acts upon."""
        return CONTAINMENT in self.purposes

    @property
    def most(self) -> Action:
        """The most that may be proposed: ``respond`` only for what can be undone and is not major, else ``approve``."""
        gentle = self.own.reversible and self.tier is not BlastRadius.MAJOR
        return Action.RESPOND if gentle and self.own.action is Action.RESPOND else Action.APPROVE

    def valid(self, now: datetime) -> bool:
        """Return whether it may be used at a moment: not revoked, and within its time."""
        begun = self.valid_from is None or self.valid_from <= now
        return not self.revoked and begun and (self.valid_until is None or now < self.valid_until)
