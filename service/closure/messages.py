"""What the outside is told when an incident closes or escalates."""

from __future__ import annotations

from collections.abc import Collection

from models.closure.report import Report
from models.closure.report_markdown import markdown
from service.closure.blinding import report_for
from service.keys import Role
from service.outbox.message import Message, Severity

_CRITICAL_FROM = 80


def message_of(report: Report, priority: int, judged: Collection[str]) -> Message:
    """Return ``incident.escalated`` or ``incident.closed`` with the report as Markdown.

    It may be read by whoever is to judge: it holds no more than an analyst may see.
    """
    seen = report_for(Role.ANALYST, report, judged)
    incident, resolution = seen.incident, seen.resolution
    first = next((f"{entity.kind.value} {entity.uid}" for entity in incident.entities), "")
    return Message.make(
        f"incident.{report.status}", incident.tenant, time=report.made, subject=incident.uid, summary=report.summary(),
        severity=_severity(report.status, priority), source=first,
        data={
            "incident": incident.uid, "status": report.status, "title": report.title, "alerts": incident.alerts,
            "first": incident.first, "last": incident.last, "priority": priority,
            "reasons": resolution.reasons if resolution else (),
            "false_positive": bool(resolution and resolution.false_positive),
            "next": [{"playbook": one.slug, "targets": [t.uid for t in one.targets], "action": one.action} for one in seen.recommendations[:5]],
            "report": markdown(seen),
        },
    )  # fmt: skip


def _severity(status: str, priority: int) -> Severity:
    if status == "closed":
        return Severity.INFO
    return Severity.CRITICAL if priority >= _CRITICAL_FROM else Severity.ERROR
