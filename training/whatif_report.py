"""What if, as tables, a plot and a page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import msgspec

from models.certificates.certificate import EVERY
from models.offpolicy import OffPolicy, Share
from models.whatif.outcome import Lost, TierOutcome
from models.whatif.whatif import Point, WhatIf
from training.report import Cell, Plot, Table, line_plot, write_report

SHOWN = 10
"""Rows of a table on a terminal."""
_ENDLESS = 10**9


def tables(found: WhatIf, most: int = _ENDLESS) -> list[Table]:
    """Return what is told, ``most`` rows of each kind at most."""
    return [_summary(found), _certificates(found, most), *_lost(found, most), _curve(found)]


def plot(found: WhatIf) -> Plot:
    """Return alerts hidden a day against the bound, and against the share of known incidents lost."""
    hidden = [point.hidden_a_day for point in found.curve]
    curves = {"bound of the certificate's units": (hidden, [point.bound for point in found.curve])}
    if found.incidents:
        curves["known incidents lost here"] = (hidden, [point.incidents_lost / found.incidents for point in found.curve])
    return line_plot(
        "trade_off", "What hiding more would risk", ("alerts hidden a day", "share of incidents hidden whole"), curves
    )


def write(folder: Path, found: WhatIf) -> Path:
    """Write page and numbers; return the page."""
    return write_report(folder, "Tamis: what if", tables(found), [plot(found)], {"whatif": msgspec.to_builtins(found)})


def _summary(found: WhatIf) -> Table:
    now, then = found.present, found.proposed
    responses: list[list[Cell]] = [
        [f"{a.tier} responses a day (judged, not due)", _tier(a), _tier(b)]
        for a, b in zip(now.responses, then.responses, strict=True)
    ]
    rows: list[list[Cell]] = [
        ["proven: incidents hidden whole, at most", _percent(now.bound), _percent(then.bound)],
        ["alerts hidden a day", now.hidden_a_day, then.hidden_a_day],
        ["of these audited a day", now.drawn_a_day, then.drawn_a_day],
        ["alerts hidden", now.hidden, then.hidden],
        ["groups hidden", now.groups_hidden, then.groups_hidden],
        ["hours of people saved a day", now.hours_a_day, then.hours_a_day],
        *responses,
        ["responses a day that wait for a person", now.approvals_a_day, then.approvals_a_day],
        ["known true positives hidden", now.attacks_hidden, then.attacks_hidden],
        ["known incidents hidden whole", now.incidents_lost, then.incidents_lost],
        ["attacks among what is hidden, estimated", _misses(now.misses), _misses(then.misses)],
        ["attacks that are hidden of all, estimated", _misses(now.misses, of_all=True), _misses(then.misses, of_all=True)],
    ]
    note = (
        f"{found.alerts:,} alerts of {found.days:.0f} days, {found.scored:,} scored, {found.groups:,} groups (rule × entity × five minutes); "
        f"{found.attacks:,} known true positives, {found.incidents:,} known incidents. {found.pace.minutes:.1f} minutes an alert "
        f"({'an assumption' if found.pace.source == 'assumed' else found.pace.source}). "
    )
    estimate = "" if then.misses is None else f"Estimate: {then.misses.note}. "
    return Table("What if", ["", "now", "proposed"], rows, note + estimate + " ".join(f"{one}." for one in found.notes))


def _certificates(found: WhatIf, most: int) -> Table:
    told = sorted(found.proposed.certificates, key=lambda one: (one["group"] != EVERY, one["status"] != "granted"))
    rows: list[list[Cell]] = [
        [one["group"], one["tier"] or one["aim"], one["status"], one["n"], one["k"], one["missing"], one["sentence"]]
        for one in told
    ]
    note = f"{len(rows) - most:,} more." if len(rows) > most else ""
    columns = ["group", "aim", "certificate", "sentence"]
    return Table("What would be proven", columns, rows[:most], note, texts=(1, 2, 3))


def _lost(found: WhatIf, most: int) -> list[Table]:
    then = found.proposed
    return [
        _named("Known incidents that would be hidden whole", then.lost, then.incidents_lost, most),
        _named("Known true positives that would be hidden", then.hidden_attacks, then.attacks_hidden, most),
    ]


def _named(title: str, named: Sequence[Lost], count: int, most: int) -> Table:
    rows: list[list[Cell]] = [
        [one.alert.tenant, one.incident_uid, one.alert.alert_uid, one.alert.rule, one.alert.entity, one.score, one.alerts]
        for one in named[:most]
    ]
    note = f"{count - len(rows):,} more." if count > len(rows) else "" if rows else "None."
    columns = ["tenant", "incident", "highest alert", "rule", "entity", "score", "alerts"]
    return Table(title, columns, rows, note, texts=(1, 2, 3, 4))


def _curve(found: WhatIf) -> Table:
    points = [point for point, after in zip(found.curve, [*found.curve[1:], None], strict=True) if _differs(point, after)]
    rows: list[list[Cell]] = [
        [
            f"{point.threshold:.3g}", _percent(point.bound), point.hidden_a_day, point.groups_hidden, point.hours_a_day,
            point.attacks_hidden, point.incidents_lost, ", ".join(point.newly_lost),
        ]
        for point in points
    ]  # fmt: skip
    note = (
        "One threshold over all alerts, with the guardrails and costs of the proposal. The bound holds for a threshold chosen beforehand; "
        "thresholds that do the same as the next are left out."
    )
    columns = ["below", "bound", "hidden a day", "groups", "hours a day", "true positives", "incidents lost", "newly lost"]
    return Table("The trade-off", columns, rows, note, texts=(7,))


def _differs(point: Point, after: Point | None) -> bool:
    return after is None or (point.hidden_a_day, point.k) != (after.hidden_a_day, after.k)


def _tier(one: TierOutcome) -> str:
    return f"{one.a_day:.1f} ({one.judged:,}, {one.not_due:,})"


def _misses(found: OffPolicy | None, *, of_all: bool = False) -> str:
    if found is None:
        return "– (no decisions on record)"
    share: Share = found.of_attacks if of_all else found.misses
    told = "unknown" if share.share is None else _percent(share.share)
    return f"{told} ({_percent(share.low)} to {_percent(share.high)})"


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{share:.2%}"
