"""What the rules and the report need to know of an incident, gathered from the records."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from features.alert import EntityKind, from_epoch
from features.aliases import normalise_uid
from features.context import Context
from features.label import Label, Verdict
from models.bundle import ModelBundle
from models.closure.outcome import Outcome, as_done, ordered
from models.closure.report import Act, Certified, Report, Version
from models.closure.resolution import Resolution, Rules, resolve
from models.decision import Decision
from models.incidents.chain import Chain, trace
from models.incidents.incident import Incident
from models.incidents.similar import Similar, bag
from models.live_guards import guards_of
from models.live_policy import LivePolicy
from models.mandate import Mandate, withheld
from models.playbooks.caution import Watched
from models.playbooks.loading import Catalogue
from models.playbooks.playbook import TargetKind
from models.playbooks.recommend import Recommendation, recommend
from service.closure import records
from service.closure.ended import Experience
from service.incidents import records as stored
from service.incidents.records import Record
from service.policy_edits import proven_by
from service.store import database as db

_MOST_DECISIONS, _MOST_EVENTS = 100, 200
_CRITICAL = 4
_EDITS = frozenset({"merged", "split"})
_TARGETS = {
    EntityKind.HOST: (TargetKind.HOST,), EntityKind.USER: (TargetKind.USER,), EntityKind.MAILBOX: (TargetKind.MAILBOX,),
    EntityKind.APPLICATION: (TargetKind.APPLICATION,), EntityKind.FILE: (TargetKind.FILE,),
    EntityKind.ADDRESS: (TargetKind.INSIDE_ADDRESS, TargetKind.OUTSIDE_ADDRESS),
}  # fmt: skip

Live = Callable[[], tuple[LivePolicy | None, ModelBundle | None]]
"""The live policy in force (``None``: none can be read) and the bundle that serves."""


class Known(NamedTuple):
    """An incident with what was said of it: ``told`` outcomes in the order that counts, ``last`` the number of the one received
    last, ``labels`` on its alerts, and those of them that are ``waiting`` for a person.
    """

    record: Record
    names: tuple[str, ...]
    told: tuple[Outcome, ...]
    last: int
    labels: tuple[Label, ...]
    waiting: frozenset[str] = frozenset()

    @property
    def incident(self) -> Incident:
        """What it holds."""
        return self.record.incident

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Verdicts of people in force, by alert uid."""
        return records.verdicts(self.labels)

    @property
    def judged(self) -> set[str]:
        """Alerts on which a verdict is in force, and no other is waited for."""
        last = {label.alert_uid: label for label in self.labels}
        return {uid for uid, label in last.items() if label.target >= 0} - self.waiting


def gather(connection: Connection, record: Record) -> Known:
    """Return what is known of an incident."""
    names = (record.uid, *stored.merged_uids(connection, record.uid))
    told = records.outcomes_of(connection, names)
    last = max((one.seq for one in told), default=0)
    labels = tuple(records.labels_of(connection, record.uid))
    waiting = frozenset(records.waiting(connection, record.uid))
    return Known(record, names, tuple(ordered(one.outcome for one in told)), last, labels, waiting)


class Counsel:
    """Says of an incident what the rules, the chain, the past and the catalogue say; computes aside, writes nothing."""

    def __init__(
        self,
        catalogue: Catalogue,
        experience: Experience,
        context: Callable[[], Context],
        explainer: Callable[[str], ModelBundle | None],
        rules: Rules,
        *,
        live: Live,
    ) -> None:
        self.catalogue, self.experience, self.rules = catalogue, experience, rules
        self._context, self._explainer, self._live = context, explainer, live

    def resolution(self, known: Known, now: datetime) -> Resolution:
        """Return what the rules say."""
        return resolve(known.incident, self.catalogue, known.told, now=now, verdicts=known.verdicts, rules=self.rules)

    def chain(self, incident: Incident) -> Chain:
        """Trace an incident back to where it began."""
        aliases = self._context().aliases

        def meant(kind: str, uid: str, time: datetime) -> tuple[str, str]:
            return kind, aliases.resolve(incident.tenant, kind, uid, time)

        return trace(incident, resolve=meant, past=self.experience.moves(incident.tenant))

    def similar(self, incident: Incident, now: datetime) -> list[Similar]:
        """Return past incidents like this one."""
        return self.experience.similar(bag(incident), now, incident.tenant, incident.uid)

    def recommendations(self, known: Known, now: datetime) -> tuple[Recommendation, ...]:
        """Return what to do next."""
        past, done = self.experience.responses(known.incident.tenant), as_done(known.told)
        (policy, bundle), tenant, at = self._live(), known.incident.tenant, now.timestamp()

        def proven(group: str) -> Mandate:
            return proven_by(bundle)(tenant, group)

        return recommend(
            known.incident, self.catalogue, past, done, watched=self._watched(known.incident, policy, now), now=now,
            withheld=lambda tier: withheld(policy, tenant, tier, at, proven),
        )  # fmt: skip

    def report(self, connection: Connection, known: Known, resolution: Resolution, status: str, now: datetime) -> Report:
        """Return the full report as of ``now``, for eyes that may see everything."""
        numbers = [seq for seq, _ in stored.alerts_of(connection, known.record.uid)]
        found = db.find_seqs(connection, numbers[:_MOST_DECISIONS])
        decisions = tuple(one.decision for one in sorted(found.values(), key=lambda one: (one.alert.time, one.seq)))
        return msgspec.structs.replace(
            Report.of(known.incident, now, status), resolution=resolution, chain=self.chain(known.incident), decisions=decisions,
            decided=len(numbers), certificates=self._certificates(decisions), recommendations=self.recommendations(known, now),
            outcomes=known.told, similar=tuple(self.similar(known.incident, now)), acts=_acts(connection, known),
            versions=self._versions(decisions),
        )  # fmt: skip

    def _certificates(self, decisions: tuple[Decision, ...]) -> tuple[Certified, ...]:
        digests = dict.fromkeys(one.bundle for one in decisions if one.bundle)
        bundles = ((digest, self._explainer(digest)) for digest in digests)
        return tuple(Certified(digest, one) for digest, bundle in bundles if bundle for one in bundle.policy.certificates)

    def _versions(self, decisions: tuple[Decision, ...]) -> tuple[Version, ...]:
        bundles = [Version("bundle (model and policy)", uid) for uid in dict.fromkeys(one.bundle for one in decisions) if uid]
        newest = max((playbook.modified for playbook in self.catalogue.playbooks.values()), default="none")
        count = len(self.catalogue.playbooks)
        rules = f"quiet {self.rules.quiet_seconds:g} s, outcomes within {self.rules.deadline_seconds:g} s"
        return (*bundles, Version("playbooks", f"{count}, the newest of {newest}"), Version("rules of closure", rules))

    def _watched(self, incident: Incident, policy: LivePolicy | None, now: datetime) -> Watched:
        """Return whom automation does not touch without a person: critical hosts, privileged accounts, and what the live policy names."""
        context, found = self._context(), dict[tuple[TargetKind, str], str]()
        never = guards_of(policy, incident.tenant, now.timestamp()).untouchable if policy is not None else frozenset()
        for entity in incident.entities:
            if (entity.kind.value, normalise_uid(entity.uid)) in never:
                found |= {(kind, entity.uid): "not to be touched by automation" for kind in _TARGETS.get(entity.kind, ())}
        for entity in incident.entities:
            if entity.kind is EntityKind.HOST:
                asset = context.asset(incident.tenant, entity.uid, now)
                if asset is not None and asset.criticality >= _CRITICAL:
                    found[TargetKind.HOST, entity.uid] = "critical"
            elif entity.kind is EntityKind.USER:
                identity = context.identity(incident.tenant, entity.uid, now)
                if identity is not None and identity.privileged:
                    found[TargetKind.USER, entity.uid] = "a privileged account"
        return found


def _acts(connection: Connection, known: Known) -> tuple[Act, ...]:
    """Return what people did, oldest first: verdicts, merges and splits."""
    acts = [Act(label.time, label.analyst, label.verdict.value, label.alert_uid, label.reason) for label in known.labels]
    for event in stored.events(connection, known.record.uid, _MOST_EVENTS):
        if event.kind in _EDITS and event.by:
            others = event.body.get("with") or [event.body.get("into", "")]
            acts.append(Act(from_epoch(event.time), event.by, event.kind, ", ".join(others), event.body.get("reason", "")))
    return tuple(sorted(acts, key=lambda act: act.time))
