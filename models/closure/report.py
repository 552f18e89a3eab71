"""The full report of an incident as data: what happened, to whom, what was decided and done, and how it ended.

It holds what is known; every part but the incident may be absent. What may be seen of decisions is settled by whoever makes it.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from models.certificates.certificate import Certificate
from models.closure.outcome import Outcome
from models.closure.resolution import Resolution
from models.decision import Decision
from models.incidents.chain import Chain
from models.incidents.incident import Incident
from models.incidents.similar import Similar
from models.playbooks.incident_type import type_of
from models.playbooks.recommend import Recommendation


class Certified(msgspec.Struct, frozen=True, gc=False):
    """A certificate, and the digest of the bundle under which decisions were made by it."""

    bundle: str
    certificate: Certificate


class Act(msgspec.Struct, frozen=True, gc=False):
    """What a person did: ``what`` is such as “merged”, “split” or a verdict, ``subject`` to what, ``why`` in their own words."""

    time: datetime
    by: str
    what: str
    subject: str = ""
    why: str = ""


class Version(msgspec.Struct, frozen=True, gc=False):
    """By which ``version`` of a ``part`` (bundle, policy, link model, catalogue) the report came about."""

    part: str
    version: str


class Report(msgspec.Struct, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """Everything about an incident as of ``made``.

    ``status`` is the word of the incident's state; ``title`` and ``facts`` say what it looks like and why. ``decided``: on how
    many of its alerts there are decisions, of which ``decisions`` holds the first in the order of time.
    """

    incident: Incident
    made: datetime
    status: str
    title: str
    facts: tuple[str, ...] = ()
    resolution: Resolution | None = None
    chain: Chain | None = None
    decisions: tuple[Decision, ...] = ()
    decided: int = 0
    certificates: tuple[Certified, ...] = ()
    recommendations: tuple[Recommendation, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    similar: tuple[Similar, ...] = ()
    acts: tuple[Act, ...] = ()
    versions: tuple[Version, ...] = ()

    @classmethod
    def of(cls, incident: Incident, made: datetime, status: str) -> Report:
        """Return the report of an incident of which nothing else is known; the rest is put in with ``msgspec.structs.replace``."""
        kind = type_of(incident)
        return cls(incident=incident, made=made, status=status, title=kind.title, facts=kind.facts)

    def summary(self) -> str:
        """Return the report in one line, as plain text."""
        why = self.resolution.reasons[0] if self.resolution and self.resolution.reasons else ""
        count = self.incident.alerts
        return f"Incident {self.incident.uid} {self.status}: {self.title}, {count:,} alert{'s' * (count != 1)}. {why}".strip()
