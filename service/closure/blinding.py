"""What a role may see of a report: nobody who is about to judge an alert reads in it what would give the audit's draws away."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from features.label import Verdict
from models.closure.report import Report
from service.blinding import decision_for
from service.keys import Role

PEOPLE_SAID = frozenset(verdict.value for verdict in Verdict)


def report_for(role: Role, report: Report, judged: Collection[str]) -> Report:
    """Return what ``role`` may see of a report; ``judged``: uids of alerts on which a verdict is in force.

    An analyst sees neither scores nor surprise of lines, and of decisions what :func:`service.blinding.decision_for` says.
    """
    decisions = tuple(decision_for(role, one, one.alert_uid in judged) for one in report.decisions)
    incident = report.incident
    if role is Role.ANALYST:
        lines = tuple(msgspec.structs.replace(line, score=0.0, anomaly=0.0) for line in incident.lines)
        links = tuple(msgspec.structs.replace(link, probability=0.0) for link in incident.links)
        incident = msgspec.structs.replace(incident, lines=lines, links=links)
    return msgspec.structs.replace(report, decisions=decisions, incident=incident)
