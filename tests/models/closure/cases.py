"""Incidents, outcomes and a report to test with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from features.alert import Entity, EntityKind, Observable, Role, Rule
from models.certificates.certificate import Certificate, Status
from models.closure.outcome import Outcome
from models.closure.outcome import Status as Ended
from models.closure.report import Act, Certified, Report, Version
from models.closure.resolution import resolve
from models.decision import Action, Decision, ReasonCode
from models.incidents.chain import trace
from models.incidents.incident import Incident, Line, Link
from models.incidents.similar import Done, PastIncident, Said, Similar, bag
from models.playbooks.loading import load_catalogue
from models.playbooks.recommend import recommend

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CATALOGUE = load_catalogue()


def at(hours: float) -> datetime:
    """Some hours after noon."""
    return NOON + timedelta(hours=hours)


def playbook(slug: str) -> str:
    """The uid of a shipped playbook."""
    found = CATALOGUE.by_slug(slug)
    assert found is not None
    return found.uid


_TACTICS = (("T1566", "initial-access"), ("T1059", "execution"), ("T1071", "command-and-control"))


def line(hours: float, technique: str, *entities: Entity, score: float = 0.9, domain: str = "") -> Line:
    """A line that shows a technique."""
    return Line(
        uid=f"l-{technique}-{hours:g}", first=at(hours), last=at(hours), product="edr",
        rule=Rule(f"r-{technique}", f"Rule of {technique}"), severity=4,
        tactics=tuple(tactic for name, tactic in _TACTICS if technique.startswith(name)), techniques=(technique,), entities=entities, score=score,
        observables=(Observable("domain", domain),) if domain else (), alert_uids=(f"a-{technique}-{hours:g}",),
    )  # fmt: skip


def host(uid: str) -> Entity:
    """The host on which it was observed."""
    return Entity(EntityKind.HOST, uid, Role.DEVICE)


def user(uid: str) -> Entity:
    """The account in whose name it was done."""
    return Entity(EntityKind.USER, uid, Role.ACTOR)


def incident(*lines: Line, uid: str = "incident-1") -> Incident:
    """An incident of these lines."""
    return Incident(uid=uid, tenant="t1", lines=lines)


def outcome(slug: str, hours: float, *targets: str, status: Ended = Ended.SUCCEEDED, uid: str = "") -> Outcome:
    """What automation reports of a shipped playbook."""
    name = uid or f"o-{slug}-{hours:g}-{'-'.join(targets)}"
    return Outcome(
        uid=name, incident="incident-1", playbook=playbook(slug), slug=slug, targets=targets, status=status, time=at(hours)
    )


MALWARE = incident(line(-1, "T1059.001", host("ws-1"), user("ann")), line(-0.5, "T1071.001", host("ws-1"), domain="bad.example"))
"""Malware on a host that calls a domain: the host is to be cut off, the domain to be blocked."""
TAKEOVER = incident(line(-1, "T1078", user("ann")), line(-0.5, "T1114.003", user("ann")))
"""An account in the hands of others."""


def realistic() -> Report:
    """The report of an incident of which everything is known."""
    lines = (
        line(-3, "T1566.001", user("ann"), domain="bad.example"),
        line(-2, "T1059.001", host("ws-1"), user("ann"), domain="bad.example"),
        line(-1, "T1071.001", host("ws-1"), Entity(EntityKind.ADDRESS, "203.0.113.9", Role.TARGET), domain="bad.example"),
    )
    why = Link(lines[0].uid, lines[1].uid, 0.93, ("both name the account “ann”",))
    case = Incident(uid="incident-1", tenant="acme", lines=lines, links=(why,))
    told = (
        outcome("isolate-host", 0.2, "ws-1"),
        outcome("block-domain", 0.3, "bad.example", status=Ended.FAILED),
    )
    proof = Certificate(
        objective="maximum suppression @ missed_incidents <= 0.01, confidence 0.95", alpha=0.01, delta=0.05, unit="incident",
        group="all", n=412, k=0, bound=0.00724, status=Status.GRANTED, threshold=0.0123, missing=0, assumption="own",
        window=("2026-05-01", "2026-10-31"),
    )  # fmt: skip
    digest = "9f2c" * 16
    decisions = tuple(
        Decision(
            uid=f"{number}.1", alert_uid=one.alert_uids[0], tenant="acme", time=one.first, revision=1, action=Action.QUEUE,
            published_action=Action.QUEUE, priority=88, score=one.score, reason_codes=(ReasonCode.BETWEEN_THRESHOLDS,), bundle=digest,
        )
        for number, one in enumerate(lines, 1)
    )  # fmt: skip
    past = PastIncident(
        uid="incident-0", tenant="acme", closed=at(-900), bag=bag(case), verdicts=(Said("true_positive", at(-899)),),
        responses=(Done("isolate-host", "succeeded", at(-901)),),
    )  # fmt: skip
    report = Report.of(case, at(0.5), "escalated")
    return Report(
        incident=case, made=report.made, status=report.status, title=report.title, facts=report.facts,
        resolution=resolve(case, CATALOGUE, told, now=at(0.5)), chain=trace(case), decisions=decisions, decided=len(decisions),
        certificates=(Certified(digest, proof),), recommendations=recommend(case, CATALOGUE, now=at(0.5))[:3], outcomes=told,
        similar=(Similar(past, 0.97),), acts=(Act(at(0.1), "kim", "merged", "incident-2", "same lure"),),
        versions=(Version("bundle", digest), Version("link model", "default")),
    )  # fmt: skip
