"""Alerts of a true incident as lines, without a correlator: what measures of chains and of responses are made on."""

from __future__ import annotations

from collections.abc import Sequence

from features.alert import Alert
from models.incidents.incident import Line
from models.incidents.lines import NAMED_ALERTS


def lines(alerts: Sequence[Alert]) -> tuple[Line, ...]:
    """Return alerts as lines, in the order of time: repeats of one rule on the same entities within an hour are one."""
    groups: dict[object, list[Alert]] = {}
    for alert in sorted(alerts, key=lambda alert: (alert.time, alert.uid)):
        hour = alert.time.replace(minute=0, second=0, microsecond=0)
        groups.setdefault((alert.product, alert.rule.uid, alert.entities, hour), []).append(alert)
    return tuple(_line(some) for some in groups.values())


def _line(alerts: Sequence[Alert]) -> Line:
    first = alerts[0]
    return Line(
        uid=first.uid,
        first=first.time,
        last=alerts[-1].time,
        product=first.product,
        rule=first.rule,
        severity=max(alert.severity for alert in alerts),
        tactics=first.tactics,
        techniques=first.techniques,
        entities=first.entities,
        observables=tuple(dict.fromkeys(observable for alert in alerts for observable in alert.observables)),
        alerts=len(alerts),
        alert_uids=tuple(alert.uid for alert in alerts[:NAMED_ALERTS]),
    )
