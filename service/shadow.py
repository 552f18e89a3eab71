"""The report of a shadow period, from what is stored: what would have happened had decisions been let out."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, select

from features.alert import Alert, main_entity
from features.label import Label, Provenance
from models.certificates.groups import group_key
from models.decision import Action
from models.shadow import DELTA, Decided, GroupShadow, shadow
from models.withdrawal import unit_of
from service.measures import DAY_SECONDS, measured
from service.store.tables import alerts, decisions, incident_alerts, incident_lines, labels

ASSUMED_SECONDS = 600.0
"""What an alert costs a person where verdicts do not tell."""
MOST_GROUPS = 200
_PEOPLE = (Provenance.HUMAN, Provenance.IMPORT)


class ShadowReport(msgspec.Struct, frozen=True, kw_only=True):
    """What would have happened within the last ``days`` to a tenant's alerts, by group, the largest first; ``left_out``: so many smaller.

    ``seconds``: what an alert costs a person, ``assumed`` where verdicts do not tell.
    """

    tenant: str
    days: float
    confidence: float
    seconds: float
    assumed: bool
    groups: dict[str, GroupShadow]
    left_out: int


def shadow_report(connection: Connection, tenant: str, days: int, now: float | None = None) -> ShadowReport:
    """Return the report of a tenant's last ``days``; of fewer, where its first alert is younger."""
    until = time.time() if now is None else now
    took = measured(connection, tenant, days, until).measures.handling.seconds
    seconds = ASSUMED_SECONDS if math.isnan(took) else took
    since = until - days * DAY_SECONDS
    first = connection.execute(
        select(alerts.c.received).where(alerts.c.tenant == tenant, alerts.c.received >= since).order_by(alerts.c.seq).limit(1)
    ).scalar()
    span = max(1.0, (until - first) / DAY_SECONDS) if first is not None else float(days)
    found = shadow(_decided(connection, tenant, since), span, seconds)
    kept = dict(list(found.items())[:MOST_GROUPS])
    return ShadowReport(
        tenant=tenant, days=span, confidence=1.0 - DELTA, seconds=seconds, assumed=math.isnan(took), groups=kept,
        left_out=len(found) - len(kept),
    )  # fmt: skip


def _decided(connection: Connection, tenant: str, since: float) -> Iterator[Decided]:
    said = _said(connection, tenant)
    statement = (
        select(
            alerts.c.seq, alerts.c.received, alerts.c.payload, decisions.c.action, decisions.c.published_action, decisions.c.tier,
            incident_lines.c.incident,
        )
        .join(decisions, decisions.c.alert_seq == alerts.c.seq)
        .outerjoin(incident_alerts, incident_alerts.c.alert_seq == alerts.c.seq)
        .outerjoin(incident_lines, incident_lines.c.line == incident_alerts.c.line)
        .where(alerts.c.tenant == tenant, alerts.c.received >= since, decisions.c.revision == 1)
        .order_by(alerts.c.seq)
    )  # fmt: skip
    for row in connection.execute(statement):
        alert = msgspec.json.decode(row.payload, type=Alert)
        rule = f"{alert.product}/{alert.rule.uid}"
        groups = (
            group_key("product", alert.product), group_key("severity", str(alert.severity)), group_key("rule", rule),
        )  # fmt: skip
        unit = unit_of(tenant, row.incident or "", rule, main_entity(alert).uid, row.received)
        yield Decided(groups, unit, Action(row.action), Action(row.published_action), row.tier, said.get(row.seq))


def _said(connection: Connection, tenant: str) -> dict[int, bool]:
    """Return by alert what people said last; nothing of what two are at odds about."""
    found: dict[int, bool] = {}
    rows = connection.execute(
        select(labels.c.alert_seq, labels.c.payload).where(labels.c.tenant == tenant).order_by(labels.c.seq)
    )
    for seq, body in rows:
        label = msgspec.json.decode(body, type=Label)
        if label.contests or label.target < 0:
            found.pop(seq, None)
        elif label.provenance in _PEOPLE:
            found[seq] = label.target == 1
    return found


def told_shadow(report: ShadowReport) -> list[str]:
    """Return the report as lines of text."""
    how = "assumed" if report.assumed else "as verdicts tell"
    lines = [
        f"{report.tenant}: {report.days:.1f} days; an alert costs a person {report.seconds / 60.0:.1f} min ({how}); "
        f"bounds at confidence {report.confidence:g}, each by itself, as good as the choice of what was judged"
    ]
    for name, group in report.groups.items():
        lines.append(
            f"{name}: {group.suppressed} of {group.alerts} alerts would be suppressed, {group.suppressed_a_day:.1f} a day "
            f"({group.let_out} were); {group.saved_seconds / 3600.0:.1f} h saved"
        )
        if group.suppressed:
            lines.append(
                f"  of {group.attacks.of} of them judged {group.attacks.hits} are attacks "
                f"({group.attacks.low:.2%} to {group.attacks.high:.2%}); of {group.missed.of} incidents {group.missed.hits} would be "
                f"missed whole (at most {group.missed_bound:.2%})"
            )
        if group.responses:
            tiers = ", ".join(f"{count} {tier}" for tier, count in sorted(group.responses.items()))
            lines.append(
                f"  responses: {tiers}; of {group.right.of} judged {group.right.hits} are right (at least {group.precision_bound:.2%})"
            )
    return lines + ([f"{report.left_out} smaller groups left out"] if report.left_out else [])
